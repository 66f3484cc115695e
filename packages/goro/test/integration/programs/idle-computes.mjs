// A thread sleeps in its event loop for a goroutine's timer; the goroutine then computes for long. Nobody may count on that
// thread meanwhile: a goroutine that is made then runs on the other.
import { go } from 'goro'

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
await Promise.all([1, 2, 3, 4].map(() => go(() => 1)))
const computed = new Int32Array(new SharedArrayBuffer(4))
const late = go(async (flag) => {
  await new Promise((resolve) => setTimeout(resolve, 200))
  const end = Date.now() + 1500
  while (Date.now() < end);
  Atomics.store(flag, 0, 1)
}, computed)
await pause(500)
let behind = 0
for (let i = 0; i < 20; i++) {
  await go((x) => x, i)
  if (Atomics.load(computed, 0) === 1) behind++
}
await late
console.log(behind)
