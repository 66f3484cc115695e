import {
  addressOf,
  defineHandle,
  ensureStarted,
  freeWaitable,
  Handle,
  handleKind,
  KIND,
  newSemaphore,
  semaAcquire,
  semaRelease,
  semaTryAcquire,
} from '@goro/runtime'
import type { Context } from '../context.ts'

const MOST = 2 ** 31 - 1

function check(n: unknown, what: string): number {
  if (typeof n !== 'number' || !Number.isInteger(n) || n < 0 || n > MOST) {
    throw new RangeError(`${what}: takes a whole number from 0 to ${MOST}, not ${String(n)}`)
  }
  return n
}

function make(size: unknown): number {
  check(size, 'Semaphore')
  ensureStarted()
  return newSemaphore(size as number)
}

/**
 * Bounds how much is in use at once, among all threads: each user acquires a weight. A handle. Who comes first is served first.
 *
 * @example
 * const sockets = new Semaphore(100)
 * await sockets.acquire()
 */
export class Semaphore extends Handle {
  /** @throws RangeError if `size` is no whole number; OutOfMemoryError. */
  constructor(size: number)
  /** @internal */
  constructor(size: undefined, address: number)
  constructor(size: number | undefined, address?: number) {
    super(address ?? make(size))
  }

  /** @internal */
  get [handleKind](): number {
    return KIND.semaphore
  }

  /**
   * Waits until there is `n` left, and takes it.
   *
   * @param ctx ends the wait early.
   * @throws (rejects) RangeError if `n` is no whole number; the error of `ctx`.
   */
  async acquire(n = 1, ctx?: Context): Promise<void> {
    check(n, 'Semaphore.acquire')
    const early = ctx?.err()
    if (early !== undefined) throw early
    let stop: (() => void) | undefined
    try {
      await semaAcquire(addressOf(this), n, this, (cancel) => {
        stop = ctx?.onDone(() => cancel(ctx.err()))
      })
    } finally {
      stop?.()
    }
  }

  /** Takes `n` if there is so much and nobody waits; whether it did. @throws RangeError */
  tryAcquire(n = 1): boolean {
    return semaTryAcquire(addressOf(this), check(n, 'Semaphore.tryAcquire'))
  }

  /** Gives `n` back. @throws SyncError `semaphore: released more than held`; RangeError */
  release(n = 1): void {
    semaRelease(addressOf(this), check(n, 'Semaphore.release'))
  }

  get [Symbol.toStringTag](): string {
    return 'Semaphore'
  }
}

defineHandle(KIND.semaphore, (address) => new Semaphore(undefined, address), freeWaitable)
