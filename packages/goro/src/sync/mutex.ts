import {
  addressOf,
  defineHandle,
  ensureStarted,
  freeWaitable,
  Handle,
  handleKind,
  KIND,
  mutexLock,
  mutexTryLock,
  mutexUnlock,
  newWaitable,
} from '@goro/runtime'

/** What `lock` resolves to: unlocks once, by `unlock()` or at the end of a block with `using`. */
export class Guard {
  #locked: { unlock(): void } | undefined

  /** @internal */
  constructor(locked: { unlock(): void }) {
    this.#locked = locked
  }

  /** Unlocks. A second call does nothing. */
  unlock(): void {
    const locked = this.#locked
    this.#locked = undefined
    locked?.unlock()
  }

  /** As `unlock`, for `using`. */
  [Symbol.dispose](): void {
    this.unlock()
  }
}

/**
 * Mutual exclusion among goroutines on all threads and the main thread. A handle. Not tied to a goroutine: another one may unlock it.
 *
 * @example
 * const mutex = new Mutex()
 * using guard = await mutex.lock()
 */
export class Mutex extends Handle {
  /** @throws OutOfMemoryError */
  constructor()
  /** @internal */
  constructor(address: number)
  constructor(address?: number) {
    if (address === undefined) ensureStarted()
    super(address ?? newWaitable(KIND.mutex))
  }

  /** @internal */
  get [handleKind](): number {
    return KIND.mutex
  }

  /**
   * Waits until the mutex is free, and takes it.
   *
   * @returns a promise of a guard that unlocks it again.
   * @throws ThreadDiedError (rejects) if a thread has died while it held it.
   */
  lock(): Promise<Guard> {
    return mutexLock(addressOf(this), this, new Guard(this))
  }

  /** Takes the mutex if it is free; whether it was. @throws ThreadDiedError */
  tryLock(): boolean {
    return mutexTryLock(addressOf(this))
  }

  /** @throws SyncError `sync: unlock of unlocked mutex`; ThreadDiedError */
  unlock(): void {
    mutexUnlock(addressOf(this))
  }

  /**
   * Calls `fn`, sync or async, on this thread while it holds the mutex, and unlocks it whatever happens.
   *
   * @returns a promise of what `fn` returns.
   * @throws (rejects) what `fn` throws; ThreadDiedError.
   */
  async withLock<R>(fn: () => R | PromiseLike<R>): Promise<R> {
    await mutexLock(addressOf(this), this, undefined)
    try {
      return await fn()
    } finally {
      this.unlock()
    }
  }

  get [Symbol.toStringTag](): string {
    return 'Mutex'
  }
}

defineHandle(KIND.mutex, (address) => new Mutex(address), freeWaitable)
