// What a goroutine left behind unref'd goes on too, while its thread has nothing to do.
import { setTimeout as pause } from 'node:timers/promises'
import { go, runtime } from 'goro'

runtime.configure({ maxProcs: 1 })
await go(async () => {
  globalThis.ticks = 0
  setInterval(() => globalThis.ticks++, 10).unref()
})
await pause(1000)
console.log((await go(() => globalThis.ticks)) > 20)
