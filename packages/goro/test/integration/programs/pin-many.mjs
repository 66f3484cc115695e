// Values that are pinned and released one after another leave nothing behind: `pin-many.mjs N`.
import { go, pin, runtime } from 'goro'

const n = Number(process.argv[2])
await go(() => 1)
const threads = runtime.numThread()
let sum = 0

// Pins the values from..to - 1, releases each, and gives the shared memory that is in use once they are gone.
async function pins(from, to) {
  for (let i = from; i < to; i++) {
    const value = await pin((i) => ({ add: (x, callback) => callback(x + i) }), i)
    sum += await value.add(
      1,
      pin.proxy((x) => x),
    )
    // Each in its own way.
    if (i % 2 === 0) await value[Symbol.asyncDispose]()
    else value[Symbol.dispose]()
  }
  while (runtime.numGoroutine() > 0 || runtime.numThread() > threads)
    await new Promise((resolve) => setTimeout(resolve, 5))
  return runtime.stats().memory.used
}

// What is in use says how many there were at once, too; only what is left behind adds up every time.
let before = await pins(0, n / 4)
const grown = []
for (let i = 1; i < 4; i++) {
  const after = await pins((i * n) / 4, ((i + 1) * n) / 4)
  grown.push(after - before)
  before = after
}
const few = Math.min(...grown) <= 0
console.log(JSON.stringify({ sum, goroutines: runtime.numGoroutine(), few, grown }))
