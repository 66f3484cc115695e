// The same MessagePort in two transfers: the second `go` throws, on the main thread and in a goroutine.
import { go } from 'goro'

const twice = async () => {
  const { port1 } = new MessageChannel()
  const take = (port) => typeof port
  const first = go.with({ transfer: [port1] }, take, port1)
  try {
    go.with({ transfer: [port1] }, take, port1)
    return 'not refused'
  } catch (error) {
    return [await first, error.name, error.message]
  }
}
console.log(JSON.stringify([await twice(), await go(twice)]))
process.exit()
