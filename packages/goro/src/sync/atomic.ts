import {
  addressOf,
  atomic64,
  atomicAdd,
  atomicCas,
  atomicLoad,
  atomicStore,
  atomicSwap,
  defineHandle,
  ensureStarted,
  freeWaitable,
  Handle,
  handleKind,
  KIND,
  newWaitable,
} from '@goro/runtime'

function make(kind: number): number {
  ensureStarted()
  return newWaitable(kind)
}

function int32(value: unknown): number {
  if (typeof value !== 'number' || (value | 0) !== value) {
    throw new RangeError(`AtomicInt32: takes a whole number of 32 bits, not ${String(value)}`)
  }
  return value
}

function int64(value: unknown): bigint {
  if (typeof value !== 'bigint') throw new TypeError(`AtomicInt64: takes a bigint, not ${String(value)}`)
  return BigInt.asIntN(64, value)
}

/**
 * A whole number of 32 bits that all threads share. A handle.
 *
 * @example
 * const hits = new AtomicInt32()
 * hits.add(1)
 */
export class AtomicInt32 extends Handle {
  /** @throws RangeError if `value` is no whole number of 32 bits; OutOfMemoryError. */
  constructor(value?: number)
  /** @internal */
  constructor(value: number, address: number)
  constructor(value = 0, address?: number) {
    const first = int32(value)
    super(address ?? make(KIND.atomicInt32))
    if (address === undefined) this.store(first)
  }

  /** @internal */
  get [handleKind](): number {
    return KIND.atomicInt32
  }

  load(): number {
    return atomicLoad(addressOf(this))
  }

  store(value: number): void {
    atomicStore(addressOf(this), int32(value))
  }

  /** Adds `n`, wrapping at 32 bits, and returns the new value. */
  add(n: number): number {
    return atomicAdd(addressOf(this), int32(n))
  }

  /** Stores `value` and returns the old one. */
  swap(value: number): number {
    return atomicSwap(addressOf(this), int32(value))
  }

  /** Stores `value` if it holds `old`; whether it did. */
  compareAndSwap(old: number, value: number): boolean {
    return atomicCas(addressOf(this), int32(old), int32(value))
  }
}

/** A whole number of 64 bits, a bigint, that all threads share. A handle. */
export class AtomicInt64 extends Handle {
  /** @throws TypeError if `value` is no bigint; OutOfMemoryError. */
  constructor(value?: bigint)
  /** @internal */
  constructor(value: bigint, address: number)
  constructor(value = 0n, address?: number) {
    const first = int64(value)
    super(address ?? make(KIND.atomicInt64))
    if (address === undefined) this.store(first)
  }

  /** @internal */
  get [handleKind](): number {
    return KIND.atomicInt64
  }

  load(): bigint {
    return atomic64(addressOf(this), (old) => old)
  }

  store(value: bigint): void {
    this.swap(value)
  }

  /** Adds `n`, wrapping at 64 bits, and returns the new value. */
  add(n: bigint): bigint {
    const by = int64(n)
    return BigInt.asIntN(64, atomic64(addressOf(this), (old) => old + by) + by)
  }

  /** Stores `value` and returns the old one. */
  swap(value: bigint): bigint {
    const next = int64(value)
    return atomic64(addressOf(this), () => next)
  }

  /** Stores `value` if it holds `old`; whether it did. */
  compareAndSwap(old: bigint, value: bigint): boolean {
    const [expected, next] = [int64(old), int64(value)]
    return atomic64(addressOf(this), (held) => (held === expected ? next : held)) === expected
  }
}

/** A boolean that all threads share. A handle. */
export class AtomicBool extends Handle {
  /** @throws OutOfMemoryError */
  constructor(value?: boolean)
  /** @internal */
  constructor(value: boolean, address: number)
  constructor(value = false, address?: number) {
    super(address ?? make(KIND.atomicBool))
    if (address === undefined) this.store(value)
  }

  /** @internal */
  get [handleKind](): number {
    return KIND.atomicBool
  }

  load(): boolean {
    return atomicLoad(addressOf(this)) !== 0
  }

  store(value: boolean): void {
    atomicStore(addressOf(this), value ? 1 : 0)
  }

  /** Stores `value` and returns the old one. */
  swap(value: boolean): boolean {
    return atomicSwap(addressOf(this), value ? 1 : 0) !== 0
  }

  /** Stores `value` if it holds `old`; whether it did. */
  compareAndSwap(old: boolean, value: boolean): boolean {
    return atomicCas(addressOf(this), old ? 1 : 0, value ? 1 : 0)
  }
}

defineHandle(KIND.atomicInt32, (address) => new AtomicInt32(0, address), freeWaitable)
defineHandle(KIND.atomicInt64, (address) => new AtomicInt64(0n, address), freeWaitable)
defineHandle(KIND.atomicBool, (address) => new AtomicBool(false, address), freeWaitable)
