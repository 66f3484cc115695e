import { go, runtime } from 'goro'

let drained = false
go(() => new Promise((resolve) => setTimeout(resolve, 100))).then(() => {
  drained = true
})
const fromGoroutine = await go(() => runtime.shutdown().catch((error) => error.message))
const closing = runtime.shutdown()
const nameOf = (start) => {
  try {
    start()
  } catch (error) {
    return error.name
  }
}
const whileDraining = nameOf(() => go(() => {}))
await closing
const refused = nameOf(() => go(() => {}))
console.log(JSON.stringify({ drained, threads: runtime.numThread(), refused, whileDraining, fromGoroutine }))
