import { go, runtime } from 'goro'

runtime.configure({ maxProcs: 1, memory: 16 * 2 ** 20 })
await go(() => {})
const gs = []
let error
try {
  for (;;) gs.push(go((text) => text.length, 'x'.repeat(10_000)))
} catch (e) {
  error = e
}
const lengths = await Promise.all(gs)
const buffer = new ArrayBuffer(32 * 2 ** 20)
let refused
try {
  void go.with({ transfer: [buffer] }, (buffer) => buffer.byteLength, buffer)
} catch (e) {
  refused = e.name
}
const result = await go(() => 'x'.repeat(64 * 2 ** 20)).catch((e) => e.name)
console.log(
  JSON.stringify({
    name: error.name,
    message: error.message,
    finished: gs.length > 100 && lengths.every((n) => n === 10_000),
    again: await go((x) => x + 1, 41),
    result,
    refused,
    kept: buffer.byteLength,
    live: runtime.numGoroutine(),
  }),
)
