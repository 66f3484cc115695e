// What nobody refers to any more is released: from the main thread, from a goroutine, and what was made on the pinned thread. With --expose-gc.
import { chan, go, pin, runtime } from 'goro'

const until = async (holds) => {
  for (let i = 0; !holds() && i < 500; i++) {
    globalThis.gc()
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return holds()
}
const notes = chan(8)
const make = (notes, note) => ({ inc: () => 1, [Symbol.dispose]: () => notes.trySend(note) })

const dropped = async () => (await pin(make, notes, 'main')).inc()
const used = await dropped()
const main = await until(() => runtime.numGoroutine() === 0)

const kept = await pin(make, notes, 'kept')
await kept.inc()
await go(async (notes) => {
  const { pin } = await import('goro')
  const use = async () =>
    (await pin((notes) => ({ inc: () => 1, [Symbol.dispose]: () => notes.trySend('goroutine') }), notes)).inc()
  await use()
  globalThis.collects = setInterval(() => globalThis.gc(), 10)
}, notes)
const goroutine = await until(() => runtime.numGoroutine() === 1)

// A method that is kept keeps the value.
const method = (await pin(make, notes, 'method')).inc
for (let i = 0; i < 5; i++) await until(() => true)
globalThis.gc()
const stays = [runtime.numGoroutine(), await method()]

const found = []
for (let note = notes.tryRecv(); note !== undefined; note = notes.tryRecv()) found.push(note.value)
console.log(JSON.stringify({ used, main, goroutine, stays, found, kept: await kept.inc() }))
process.exit()
