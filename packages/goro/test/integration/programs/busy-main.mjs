import { go } from 'goro'

const count = new Int32Array(new SharedArrayBuffer(4))
const gs = Array.from({ length: 10 }, () =>
  go(async (counter) => {
    const { go } = await import('goro')
    Atomics.add(counter, 0, 1)
    return go((c) => Atomics.add(c, 0, 1), counter)
  }, count),
)
// SharedArrayBuffers are fetched from the main thread, so it lets that happen before it computes.
await gs[0]
const end = performance.now() + 1000
while (performance.now() < end && Atomics.load(count, 0) < 20);
const ranMeanwhile = Atomics.load(count, 0)
await Promise.all(gs)
console.log(JSON.stringify({ ranMeanwhile, results: Atomics.load(count, 0) }))
