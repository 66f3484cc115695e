/**
 * The seam: the only file that calls `Atomics` or makes shared memory.
 *
 * Every structure that threads share lives in one fixed region and is reached through these functions by address. An
 * address is the index of a 32-bit word in the region; 0 is the null address. All functions below are swapped
 * as one for the explorer's (`@goro/model/seam`, by the import condition `explorer`), which then decides the order of
 * every step; whatever bypasses this file cannot be explored.
 *
 * Two kinds of access, never mixed on a word without a reason stated at its field:
 * - atomic (`load`, `store`, `cas`, …): sequentially consistent, 10 to 25 ns each, a builtin call that V8 does not inline;
 * - plain (`read`, `write`, …): 1 ns, only for words that one thread owns at that moment. Ownership is handed over by an
 *   atomic: what a thread wrote before an atomic store is visible to whoever reads that store.
 */

/** The null address: no struct starts here. */
export const NULL = 0

let i32: Int32Array = new Int32Array(0)
let f64: Float64Array = new Float64Array(0)
let u8: Uint8Array = new Uint8Array(0)

/** What `WebAssembly.Memory` is here: TypeScript knows it with the libraries of browsers only. */
export interface WebMemory {
  readonly buffer: SharedArrayBuffer
}

/** What threads hand to one another to share the region. */
export type Region = SharedArrayBuffer | WebMemory

declare const WebAssembly: {
  readonly Memory: new (size: { initial: number; maximum: number; shared: true }) => WebMemory
  readonly Module: new (code: Uint8Array) => object
  readonly Instance: new (
    module: object,
    imports: { env: { memory: WebMemory } },
  ) => { readonly exports: Record<string, unknown> }
}

const WEB_PAGE_BYTES = 1 << 16
/** As much as WebAssembly reaches with addresses of 32 bits. */
const MAX_WEB_BYTES = 2 ** 32

let memory: WebMemory | undefined

/**
 * Makes the region. `bytes` are reserved, not committed: the system hands out pages as they are touched. It is WebAssembly's, if it
 * `isRoomy` and that can be: V8 takes 10 GiB of addresses for a memory, however small.
 */
export function reserve(bytes: number, isRoomy = true): Region {
  const pages = bytes / WEB_PAGE_BYTES
  // Some have none: under V8's `--jitless`, for one.
  const hasWeb = typeof WebAssembly === 'object'
  if (hasWeb && isRoomy && bytes <= MAX_WEB_BYTES && Number.isInteger(pages)) {
    try {
      return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
    }
  }
  return new SharedArrayBuffer(bytes)
}

/** Points this thread's accesses at `region`. The views are created once: a typed array is dear to make. */
export function attach(region: Region): void {
  memory = region instanceof SharedArrayBuffer ? undefined : region
  const buffer = region instanceof SharedArrayBuffer ? region : region.buffer
  i32 = new Int32Array(buffer)
  f64 = new Float64Array(buffer)
  u8 = new Uint8Array(buffer)
}

/** The functions of the WebAssembly module `code`, over the region; undefined if that is none of WebAssembly's. */
export function instantiate(code: Uint8Array): Record<string, unknown> | undefined {
  if (memory === undefined) return undefined
  return new WebAssembly.Instance(new WebAssembly.Module(code), { env: { memory } }).exports
}

/** The region's size in words. */
export function words(): number {
  return i32.length
}

export function load(address: number): number {
  return Atomics.load(i32, address)
}

export function store(address: number, value: number): void {
  Atomics.store(i32, address, value)
}

/** Compare and swap: returns what the word held; it was swapped if that is `expected`. */
export function cas(address: number, expected: number, value: number): number {
  return Atomics.compareExchange(i32, address, expected, value)
}

/** Stores `value` and returns what the word held. */
export function exchange(address: number, value: number): number {
  return Atomics.exchange(i32, address, value)
}

/** Adds `n` (32-bit, wrapping) and returns what the word held before. */
export function add(address: number, n: number): number {
  return Atomics.add(i32, address, n)
}

/** Clears the bits that are not in `mask` and returns what the word held before. */
export function and(address: number, mask: number): number {
  return Atomics.and(i32, address, mask)
}

/** Sets the bits of `mask` and returns what the word held before. */
export function or(address: number, mask: number): number {
  return Atomics.or(i32, address, mask)
}

/**
 * Blocks this thread while the word holds `expected`, for at most `timeout` milliseconds. Returns at once if it holds
 * something else. A return does not say that the word changed: look again.
 */
export function wait(address: number, expected: number, timeout?: number): void {
  Atomics.wait(i32, address, expected, timeout)
}

/**
 * Arms a wake-up for this thread's event loop: calls `wake` once, as a macrotask, after a `notify` on the word. Returns
 * false, and arms nothing, if the word does not hold `expected`. No time-out: V8 keeps a waiter until it is notified
 * or times out, so there is at most one a thread (nodejs/node#44729).
 */
export function waitAsync(address: number, expected: number, wake: () => void): boolean {
  const result = Atomics.waitAsync(i32, address, expected)
  if (!result.async) return false
  void result.value.then(wake)
  return true
}

/** Wakes at most `count` threads that wait on the word; without `count`, all. */
export function notify(address: number, count?: number): void {
  Atomics.notify(i32, address, count)
}

/** Plain read of a word that no other thread writes at this moment. */
export function read(address: number): number {
  return i32[address] as number
}

/** Plain write of a word that no other thread touches at this moment. */
export function write(address: number, value: number): void {
  i32[address] = value
}

/** Plain read of a double at an even address. */
export function readF64(address: number): number {
  return f64[address >>> 1] as number
}

/** Plain write of a double at an even address. */
export function writeF64(address: number, value: number): void {
  f64[address >>> 1] = value
}

/** The bytes of a block this thread owns, as a fresh view: `length` bytes from `address` on. */
export function bytes(address: number, length: number): Uint8Array {
  return new Uint8Array(u8.buffer, address * 4, length)
}

/** Copies `source` into a block this thread owns. */
export function writeBytes(address: number, source: Uint8Array): void {
  u8.set(source, address * 4)
}

const hint: (() => void) | undefined = (Atomics as { pause?: () => void }).pause?.bind(Atomics)

/** Tells the processor that this is a spin loop, where the engine can (Node 24 and later). */
export const pause: () => void = hint ?? (() => {})
