// SharedArrayBuffers that goroutines make, send on and drop are given back on all threads.
import { setTimeout as pause } from 'node:timers/promises'
import { chan, go } from 'goro'

const ch = chan()
async function make(out, rounds) {
  for (let i = 0; i < rounds; i++) {
    const memory = new SharedArrayBuffer(16 << 20)
    new Uint8Array(memory).fill(1)
    await out.send(memory)
    if (i % 5 === 0) {
      globalThis.gc()
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  out.close()
}
void go(make, ch, 120)
let most = 0
let i = 0
for await (const memory of ch) {
  if (memory.byteLength !== 16 << 20) throw new Error('not what was sent')
  if (i++ % 10 !== 0) continue
  globalThis.gc()
  await pause(20)
  most = Math.max(most, process.memoryUsage().rss)
}
console.log(most < 1200 * 2 ** 20 ? 'ok' : `${most >> 20} MB`)
