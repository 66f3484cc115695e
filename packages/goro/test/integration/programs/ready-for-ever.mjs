import { chan, go } from 'goro'

// Promises that are fulfilled already follow one another for ever: with one processor they would keep it to themselves.
async function pingPong(a, b) {
  const both = (async () => {
    for (;;) await b.send(await a.recv())
  })()
  for (;;) {
    await a.send(1)
    await b.recv()
    if (globalThis.stop) return both
  }
}
const [a, b] = [chan(), chan()]
void go(pingPong, a, b)
await new Promise((resolve) => setTimeout(resolve, 100))
await go(() => undefined)
console.log('third ran')
await go(async () => new Promise((resolve) => setTimeout(resolve, 10)))
console.log('timer ran')
process.exit(0)
