import { addressOf, ChanTimer, ensureStarted, sleep as sleepFor } from '@goro/runtime'
import { type Chan, type RecvChan, timeChan } from './chan.ts'
import type { Context } from './context.ts'

/**
 * Waits. No thread is held meanwhile.
 *
 * @param ms milliseconds; 0 or less: not at all.
 * @param ctx ends it early: it rejects with the context's error.
 * @returns a promise that resolves after `ms` milliseconds.
 * @throws TypeError (rejects) if `ms` is no number.
 *
 * @example
 * await sleep(100)
 */
export function sleep(ms: number, ctx?: Context): Promise<void> {
  if (!isNumber(ms)) return Promise.reject(new TypeError(`sleep: takes milliseconds, not ${String(ms)}`))
  try {
    ensureStarted()
  } catch (error) {
    return Promise.reject(error)
  }
  if (ctx === undefined) return sleepFor(ms)
  const early = ctx.err()
  if (early !== undefined) return Promise.reject(early)
  let stop: (() => void) | undefined
  const slept = sleepFor(ms, (cancel) => {
    stop = ctx.onDone(() => cancel(ctx.err()))
  })
  return stop === undefined ? slept : slept.finally(stop)
}

function isNumber(ms: unknown): ms is number {
  return typeof ms === 'number' && !Number.isNaN(ms)
}

function checkMs(ms: unknown, what: string): void {
  if (!isNumber(ms)) throw new TypeError(`${what}: takes milliseconds, not ${String(ms)}`)
}

/**
 * A channel that gets the time (milliseconds since 1970) once, after `ms` milliseconds: for `select`. If nobody refers to it any
 * more, its timer is gone too.
 *
 * @throws TypeError if `ms` is no number; OutOfMemoryError.
 *
 * @example
 * const hit = await select({ job: recv(jobs), timeout: after(1000) })
 */
export function after(ms: number): RecvChan<number> {
  checkMs(ms, 'after')
  const c = timeChan()
  new ChanTimer(addressOf(c)).start(ms)
  return c
}

/**
 * A single event in the future: its channel `c` gets the time after `ms` milliseconds. It belongs to the thread that made it; `c` may go
 * anywhere, and gets the time also if that thread dies.
 *
 * @example
 * const timer = new Timer(1000)
 * if (timer.stop()) console.log('in time')
 */
export class Timer {
  /** Where the time comes. */
  readonly c: RecvChan<number>
  readonly #chan: Chan<number>
  readonly #timer: ChanTimer

  /** @throws TypeError if `ms` is no number. */
  constructor(ms: number) {
    checkMs(ms, 'Timer')
    this.#chan = timeChan()
    this.c = this.#chan
    this.#timer = new ChanTimer(addressOf(this.#chan))
    this.#timer.start(ms)
  }

  /** Stops it: nothing comes from `c` any more, also nothing that had come. True if it was still to come, or to be received. */
  stop(): boolean {
    const pending = this.#timer.stop()
    return this.#chan.tryRecv() !== undefined || pending
  }

  /** Stops it, as `stop` does, and starts it again for `ms` milliseconds. True if it was still to come, or to be received. */
  reset(ms: number): boolean {
    checkMs(ms, 'Timer.reset')
    const active = this.stop()
    this.#timer.start(ms)
    return active
  }
}

function checkInterval(ms: unknown, what: string): void {
  checkMs(ms, what)
  if ((ms as number) <= 0) throw new RangeError(`non-positive interval for ${what}`)
}

/**
 * Something regular: its channel `c` gets the time every `ms` milliseconds. A slow receiver misses ticks. Stop it when it is not
 * needed any more.
 *
 * @example
 * const ticker = new Ticker(1000)
 * for await (const time of ticker.c) console.log(new Date(time))
 */
export class Ticker {
  /** Where the ticks come. */
  readonly c: RecvChan<number>
  readonly #chan: Chan<number>
  readonly #timer: ChanTimer

  /** @throws TypeError if `ms` is no number; RangeError if it is not above 0. */
  constructor(ms: number) {
    checkInterval(ms, 'Ticker')
    this.#chan = timeChan()
    this.c = this.#chan
    this.#timer = new ChanTimer(addressOf(this.#chan))
    this.#timer.start(ms, ms)
  }

  /** No more ticks come. The channel is not closed. */
  stop(): void {
    this.#timer.stop()
    this.#chan.tryRecv()
  }

  /** Stops it and starts it again, with a tick every `ms` milliseconds. @throws as the constructor */
  reset(ms: number): void {
    checkInterval(ms, 'Ticker.reset')
    this.stop()
    this.#timer.start(ms, ms)
  }
}
