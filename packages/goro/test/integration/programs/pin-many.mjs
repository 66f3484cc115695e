// Values that are pinned and released one after another leave nothing behind: `pin-many.mjs N`.
import { go, pin, runtime } from 'goro'

const n = Number(process.argv[2])
await go(() => 1)
const threads = runtime.numThread()
let sum = 0
let memory = 0
for (let i = 0; i < n; i++) {
  const value = await pin((i) => ({ add: (x, callback) => callback(x + i) }), i)
  sum += await value.add(
    1,
    pin.proxy((x) => x),
  )
  // Each in its own way.
  if (i % 2 === 0) await value[Symbol.asyncDispose]()
  else value[Symbol.dispose]()
  if (i === n >> 1) memory = runtime.stats().memory.used
}
while (runtime.numGoroutine() > 0 || runtime.numThread() > threads)
  await new Promise((resolve) => setTimeout(resolve, 5))
const grown = runtime.stats().memory.used - memory
console.log(JSON.stringify({ sum, goroutines: runtime.numGoroutine(), few: grown < 16 * 1024, grown }))
