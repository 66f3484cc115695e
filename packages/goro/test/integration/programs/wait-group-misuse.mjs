// Who counts a group down that `go` has counted up makes the goroutine's own `done` one too many: a panic, and nothing else is lost.
import { go, WaitGroup } from 'goro'

const messages = []
process.on('unhandledRejection', (error) => messages.push(error.message))
process.on('uncaughtException', (error) => messages.push(error.message))
const misuse = async () => {
  const group = new WaitGroup()
  const later = group.go(async () => 7)
  group.done()
  const other = new WaitGroup()
  const atOnce = other.go(() => 8)
  other.done()
  return [await later, await atOnce]
}
const here = await misuse()
const there = await go(misuse)
while (messages.length < 4) await new Promise((resolve) => setTimeout(resolve, 1))
console.log(JSON.stringify({ here, there, again: await go(() => 9), messages }))
