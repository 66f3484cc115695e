// What belongs to one thread: an instance of WebAssembly, and a native addon whose state is the thread's own (on Linux a priority is).
import { getCurrentProcessPriority } from '@napi-rs/nice'
import { go, pin } from 'goro'

// (module (global (mut i32) (i32.const 0)) (func (export "inc") (result i32) … adds 1 to the global and gives it))
const module = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 6, 6, 1, 127, 1, 65, 0, 11, 7, 7, 1, 3, 105, 110, 99,
  0, 0, 10, 13, 1, 11, 0, 35, 0, 65, 1, 106, 36, 0, 35, 0, 11,
])
const wasm = await pin(async (bytes) => (await WebAssembly.instantiate(bytes)).instance.exports, module)
const counted = [await wasm.inc(), await wasm.inc(), await wasm.inc()]

const addon = await pin(() =>
  import('@napi-rs/nice').then(({ nice, getCurrentProcessPriority }) => ({
    nice,
    get: () => getCurrentProcessPriority(),
  })),
)
await addon.nice(3)
await Promise.all(Array.from({ length: 20 }, () => go(() => 1)))
await addon.nice(2)
const others = await Promise.all(
  Array.from({ length: 20 }, () => go(async () => (await import('@napi-rs/nice')).getCurrentProcessPriority())),
)
console.log(
  JSON.stringify({ counted, own: (await addon.get()) - getCurrentProcessPriority(), others: new Set(others).size }),
)
await wasm[Symbol.asyncDispose]()
await addon[Symbol.asyncDispose]()
