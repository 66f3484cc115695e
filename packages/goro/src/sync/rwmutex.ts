import {
  addressOf,
  defineHandle,
  ensureStarted,
  freeRW,
  Handle,
  handleKind,
  KIND,
  newWaitable,
  rwLock,
  rwRLock,
  rwRUnlock,
  rwTry,
  rwUnlock,
} from '@goro/runtime'
import { Guard } from './mutex.ts'

/**
 * Many readers or one writer, among goroutines on all threads and the main thread. A handle. A waiting writer keeps new readers out; the
 * readers that wait for a writer get in when it leaves.
 *
 * @example
 * const rw = new RWMutex()
 * const found = await rw.withRLock(() => table.get(key))
 */
export class RWMutex extends Handle {
  /** @throws OutOfMemoryError */
  constructor()
  /** @internal */
  constructor(address: number)
  constructor(address?: number) {
    if (address === undefined) ensureStarted()
    super(address ?? newWaitable(KIND.rwMutex))
  }

  /** @internal */
  get [handleKind](): number {
    return KIND.rwMutex
  }

  /** Takes it for writing. Resolves to a guard that unlocks it. @throws ThreadDiedError (rejects) */
  async lock(): Promise<Guard> {
    await rwLock(addressOf(this), this)
    return new Guard(this)
  }

  /** Takes it for reading. Resolves to a guard that unlocks it. @throws ThreadDiedError (rejects) */
  async rLock(): Promise<Guard> {
    await rwRLock(addressOf(this), this)
    return new Guard({ unlock: () => this.rUnlock() })
  }

  /** Takes it for writing if that needs no waiting; whether it did. @throws ThreadDiedError */
  tryLock(): boolean {
    return rwTry(addressOf(this), true)
  }

  /** Takes it for reading if that needs no waiting; whether it did. @throws ThreadDiedError */
  tryRLock(): boolean {
    return rwTry(addressOf(this), false)
  }

  /** Gives up writing. @throws SyncError `sync: Unlock of unlocked RWMutex`; ThreadDiedError */
  unlock(): void {
    rwUnlock(addressOf(this))
  }

  /** Gives up reading. @throws SyncError `sync: RUnlock of unlocked RWMutex` */
  rUnlock(): void {
    rwRUnlock(addressOf(this))
  }

  /** Calls `fn` while it holds it for writing; resolves to what `fn` returns. @throws (rejects) what `fn` throws */
  async withLock<R>(fn: () => R | PromiseLike<R>): Promise<R> {
    await rwLock(addressOf(this), this)
    try {
      return await fn()
    } finally {
      this.unlock()
    }
  }

  /** Calls `fn` while it holds it for reading; resolves to what `fn` returns. @throws (rejects) what `fn` throws */
  async withRLock<R>(fn: () => R | PromiseLike<R>): Promise<R> {
    await rwRLock(addressOf(this), this)
    try {
      return await fn()
    } finally {
      this.rUnlock()
    }
  }

  get [Symbol.toStringTag](): string {
    return 'RWMutex'
  }
}

defineHandle(KIND.rwMutex, (address) => new RWMutex(address), freeRW)
