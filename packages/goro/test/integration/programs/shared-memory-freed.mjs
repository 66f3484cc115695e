// SharedArrayBuffers that are used and dropped are given back, also by threads that sleep and never have a use for them.
import { setTimeout as pause } from 'node:timers/promises'
import { go } from 'goro'

const touch = (memory) => new Uint8Array(memory).fill(1).length
await Promise.all(Array.from({ length: 40 }, () => go(() => 1)))
let most = 0
for (let i = 1; i <= 120; i++) {
  await go(touch, new SharedArrayBuffer(16 << 20))
  if (i % 10 !== 0) continue
  globalThis.gc()
  await pause(20)
  most = Math.max(most, process.memoryUsage().rss)
}
console.log(most < 1200 * 2 ** 20 ? 'ok' : `${most >> 20} MB`)
