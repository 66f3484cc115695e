// More goroutines block than there may be threads: they queue, and all come through.
import { go, runtime } from 'goro'

runtime.configure({ maxProcs: 2, maxThreads: 3 })
const gate = new Int32Array(new SharedArrayBuffer(4))
function nap(gate, i) {
  return runtime.blocking(() => Atomics.wait(gate, 0, 0) && i)
}
const naps = Promise.all(Array.from({ length: 40 }, (_, i) => go(nap, gate, i)))
let message
while (message === undefined) {
  message = runtime.stats().message
  await new Promise((resolve) => setImmediate(resolve))
}
Atomics.store(gate, 0, 1)
Atomics.notify(gate, 0)
const slept = await naps
const later = await Promise.all([1, 2, 3].map((x) => go((x) => x, x)))
console.log(JSON.stringify({ slept: slept.length, later, message, threads: runtime.numThread() }))
