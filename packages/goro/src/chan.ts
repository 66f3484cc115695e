import {
  addressOf,
  ChannelClosedError,
  chanCapacity,
  chanClosed,
  chanLength,
  close,
  defineHandle,
  ensureStarted,
  freeChan,
  Handle,
  handleKind,
  KIND,
  newChan,
  newTimeChan,
  next,
  recv as receive,
  send as sendTo,
  tryRecv,
  trySend,
} from '@goro/runtime'

/** The sending side of a channel: what a function takes that only sends. */
export interface SendChan<T> {
  send(value: T): Promise<void>
  trySend(value: T): boolean
  close(): void
  readonly length: number
  readonly capacity: number
  readonly closed: boolean
}

/** The receiving side of a channel: what a function takes that only receives. */
export interface RecvChan<T> extends AsyncIterable<T> {
  recv(): Promise<T | undefined>
  next(): Promise<IteratorResult<T, undefined>>
  tryRecv(): IteratorResult<T, undefined> | undefined
  readonly length: number
  readonly capacity: number
  readonly closed: boolean
}

/**
 * A channel, as `chan` makes it: values go from senders to receivers, in order, between any threads. It is a handle: passed,
 * captured or sent, it is the same channel. It is freed when nobody refers to it any more, with what is in it.
 */
export class Chan<T> extends Handle implements SendChan<T>, RecvChan<T> {
  /** @internal */
  get [handleKind](): number {
    return KIND.chan
  }

  /**
   * Sends `value`, a copy of it by the rules of structured clone.
   *
   * @returns a promise that resolves when a receiver has taken it, or when there was room for it.
   * @throws ChannelClosedError (rejects) `send on closed channel`, also if it is closed while the send waits.
   * @throws DataCloneError (rejects) if the value can't be sent.
   *
   * @example
   * await ch.send({ id: 1 })
   */
  send(value: T): Promise<void> {
    return sendTo(addressOf(this), value, this)
  }

  /**
   * Receives the next value; waits for one.
   *
   * @returns a promise of the value; of undefined once the channel is closed and drained.
   *
   * @example
   * const job = await jobs.recv()
   */
  recv(): Promise<T | undefined> {
    return receive(addressOf(this), this) as Promise<T | undefined>
  }

  /**
   * As `recv`, with `done`: Go's `v, ok := <-ch`.
   *
   * @example
   * const { value, done } = await ch.next()
   */
  next(): Promise<IteratorResult<T, undefined>> {
    return next(addressOf(this), this) as Promise<IteratorResult<T, undefined>>
  }

  /**
   * Receives until the channel is closed and drained: Go's `for v := range ch`. Leaving the loop early does not close the channel.
   *
   * @example
   * for await (const job of jobs) await work(job)
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<T, undefined> {
    const iterator: AsyncIterableIterator<T, undefined> = {
      next: () => this.next(),
      return: () => Promise.resolve({ value: undefined, done: true }),
      [Symbol.asyncIterator]: () => iterator,
    }
    return iterator
  }

  /**
   * Closes the channel: nothing can be sent any more; what is in it can still be received, and then every receive ends at once.
   *
   * @throws ChannelClosedError `close of closed channel`.
   */
  close(): void {
    if (!close(addressOf(this))) throw new ChannelClosedError('close of closed channel')
  }

  /** How many values are in it, not yet received. */
  get length(): number {
    return chanLength(addressOf(this))
  }

  /** How many values it can hold before a sender has to wait. */
  get capacity(): number {
    return chanCapacity(addressOf(this))
  }

  /** Whether it is closed. */
  get closed(): boolean {
    return chanClosed(addressOf(this))
  }

  /**
   * Sends `value` if that needs no waiting: a receiver waits, or there is room.
   *
   * @returns whether it was sent.
   * @throws ChannelClosedError, DataCloneError: as `send`.
   */
  trySend(value: T): boolean {
    return trySend(addressOf(this), value)
  }

  /** Receives if that needs no waiting: `{ value, done }`; undefined if nothing is ready. */
  tryRecv(): IteratorResult<T, undefined> | undefined {
    return tryRecv(addressOf(this)) as IteratorResult<T, undefined> | undefined
  }

  get [Symbol.toStringTag](): string {
    return 'Chan'
  }
}

defineHandle(KIND.chan, (address) => new Chan(address), freeChan)

/** Most values that a channel can be made to hold. */
const MAX_CAPACITY = 2 ** 27

/**
 * Makes a channel for values of type `T` that holds up to `capacity` of them; with 0, the default, each send waits for its receiver.
 *
 * @throws RangeError for a capacity that is no whole number from 0 to 2^27; OutOfMemoryError if there is no shared memory for it.
 *
 * @example
 * const results = chan<number>(16)
 * go(async (out: SendChan<number>) => out.send(42), results)
 * console.log(await results.recv())
 */
export function chan<T>(capacity = 0): Chan<T> {
  if (typeof capacity !== 'number' || !Number.isInteger(capacity) || capacity < 0 || capacity > MAX_CAPACITY) {
    throw new RangeError(`chan: the capacity is a whole number from 0 to ${MAX_CAPACITY}, not ${String(capacity)}`)
  }
  ensureStarted()
  return new Chan<T>(newChan(KIND.chan, capacity))
}

/** A channel for times: room for one. */
export function timeChan(): Chan<number> {
  ensureStarted()
  return new Chan<number>(newTimeChan())
}
