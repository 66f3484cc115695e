import {
  addressOf,
  condMutex,
  condSignal,
  condWait,
  defineHandle,
  freeCond,
  Handle,
  handleAt,
  handleKind,
  KIND,
  newCond,
} from '@goro/runtime'
import { Mutex } from './mutex.ts'

function make(mutex: unknown): number {
  if (!(mutex instanceof Mutex)) throw new TypeError('Cond: takes the Mutex that protects what is waited for')
  return newCond(mutex)
}

/**
 * Waits until something that a mutex protects may have changed. A handle.
 *
 * @example
 * await mutex.withLock(async () => {
 *   while (!ready.load()) await cond.wait()
 * })
 */
export class Cond extends Handle {
  #mutex: Mutex | undefined

  /** @throws TypeError if `mutex` is no Mutex; OutOfMemoryError. */
  constructor(mutex: Mutex)
  /** @internal */
  constructor(mutex: undefined, address: number)
  constructor(mutex: Mutex | undefined, address?: number) {
    super(address ?? make(mutex))
    this.#mutex = mutex
  }

  /** @internal */
  get [handleKind](): number {
    return KIND.cond
  }

  /** The mutex. */
  get mutex(): Mutex {
    this.#mutex ??= handleAt(KIND.mutex, condMutex(addressOf(this))) as Mutex
    return this.#mutex
  }

  /**
   * Unlocks the mutex, which the caller holds, waits for a signal, and locks it again.
   *
   * @throws SyncError (rejects) `sync: unlock of unlocked mutex`; ThreadDiedError.
   */
  wait(): Promise<void> {
    try {
      return condWait(addressOf(this), this, this.mutex)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Wakes the one that has waited longest, if there is one. */
  signal(): void {
    condSignal(addressOf(this), false)
  }

  /** Wakes all that wait. */
  broadcast(): void {
    condSignal(addressOf(this), true)
  }

  get [Symbol.toStringTag](): string {
    return 'Cond'
  }
}

defineHandle(KIND.cond, (address) => new Cond(undefined, address), freeCond)
