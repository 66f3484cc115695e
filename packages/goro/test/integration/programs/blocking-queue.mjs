// More goroutines block than there may be threads: they queue, and all come through.
import { go, runtime } from 'goro'

runtime.configure({ maxProcs: 2, maxThreads: 3 })
function nap(i) {
  return runtime.blocking(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5) && i)
}
const naps = Promise.all(Array.from({ length: 40 }, (_, i) => go(nap, i)))
let message
while (message === undefined && runtime.numGoroutine() > 0) {
  message = runtime.stats().message
  await new Promise((resolve) => setImmediate(resolve))
}
const slept = await naps
const later = await Promise.all([1, 2, 3].map((x) => go((x) => x, x)))
console.log(JSON.stringify({ slept: slept.length, later, message, threads: runtime.numThread() }))
