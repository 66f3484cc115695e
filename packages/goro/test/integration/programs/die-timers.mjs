// Threads that die with timers pending, to whose channels nobody else refers: what they have of shared memory is given back.
import { after, go, runtime, Ticker } from 'goro'

runtime.configure({ maxProcs: 1 })

/** Bytes of shared memory in use when a thread has died with 4000 timers. */
async function die() {
  await go(() => {
    globalThis.kept = Array.from({ length: 4000 }, (_, i) => (i % 2 === 0 ? after(600_000) : new Ticker(600_000)))
    process.exit(1)
  }).catch(() => {})
  await go(() => {})
  return runtime.stats().memory.used
}

const first = await die()
let last = first
for (let i = 0; i < 10; i++) last = await die()
console.log(JSON.stringify({ grown: last - first, live: runtime.numGoroutine() }))
