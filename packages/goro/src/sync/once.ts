import {
  addressOf,
  defineHandle,
  ensureStarted,
  freeWaitable,
  Handle,
  handleKind,
  KIND,
  newWaitable,
  onceBegin,
  onceEnd,
} from '@goro/runtime'

/**
 * Does something exactly once, whoever comes first, on whatever thread. A handle.
 *
 * @example
 * await once.do(() => connect())
 */
export class Once extends Handle {
  /** @throws OutOfMemoryError */
  constructor()
  /** @internal */
  constructor(address: number)
  constructor(address?: number) {
    if (address === undefined) ensureStarted()
    super(address ?? newWaitable(KIND.once))
  }

  /** @internal */
  get [handleKind](): number {
    return KIND.once
  }

  /**
   * Calls `fn`, sync or async, on this thread if nobody has called `do` before; else waits until that call has ended. A call that throws
   * counts as done.
   *
   * @throws (rejects) what `fn` throws, to the one whose `fn` it is.
   */
  async do(fn: () => unknown): Promise<void> {
    if (typeof fn !== 'function') throw new TypeError('Once.do: takes a function')
    if (!(await onceBegin(addressOf(this), this))) return
    try {
      await fn()
    } finally {
      onceEnd(addressOf(this))
    }
  }

  get [Symbol.toStringTag](): string {
    return 'Once'
  }
}

defineHandle(KIND.once, (address) => new Once(address), freeWaitable)
