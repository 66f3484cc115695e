// What a goroutine left behind unref'd goes on too, while its thread has nothing to do.
import { setTimeout as pause } from 'node:timers/promises'
import { go, runtime } from 'goro'

runtime.configure({ maxProcs: 1 })
const ticks = new Int32Array(new SharedArrayBuffer(4))
await go(async (ticks) => {
  setInterval(() => Atomics.add(ticks, 0, 1), 10).unref()
}, ticks)
// Nothing here wakes the thread meanwhile.
while (Atomics.load(ticks, 0) <= 20) await pause(10)
console.log(true)
