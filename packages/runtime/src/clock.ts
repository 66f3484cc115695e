/**
 * Time as goroutines use it: `sleep`, and channels that get a value when it is time. A channel that is due later keeps a part in itself
 * (handle.ts), so that it is there when it is due; if that part is the last one, nobody can ever look, and the timer is stopped.
 */
import { load } from '@goro/memory'
import { chanClosed } from './chan.ts'
import { newChan, trySend } from './channel.ts'
import { endNote, noteWait, readyDone } from './gopark.ts'
import { KIND, release, retain, whenDropped } from './handle.ts'
import { MAIN_M } from './m.ts'
import { now } from './native.ts'
import { self } from './sched.ts'
import { Waitable } from './sudog.ts'
import { holdTimers, startTimer, startTimerAt, stopTimer, TimerEntry } from './timers.ts'

let resolveNew!: () => void
let rejectNew!: (reason: unknown) => void
/** One executor for all promises: of a million sleepers each closure is for the garbage collector to copy. */
const capture = (resolve: () => void, reject: (reason: unknown) => void): void => {
  resolveNew = resolve
  rejectNew = reject
}

/** Somebody who sleeps. */
class Sleeper extends TimerEntry {
  readonly note: number
  readonly resolve: () => void

  constructor(note: number, resolve: () => void) {
    super(wakeSleeper)
    this.note = note
    this.resolve = resolve
  }
}

function wakeSleeper(entry: TimerEntry): void {
  const { note, resolve } = entry as Sleeper
  unhold()
  endNote(note)
  resolve()
}

/** Resolves after `ms` milliseconds. `onStart` is given what ends it early: it rejects with the reason, if it has not ended. */
export function sleep(ms: number, onStart?: (cancel: (reason: unknown) => void) => void): Promise<void> {
  if (!(ms > 0)) return readyDone()
  const slept = new Promise<void>(capture)
  const sleeper = new Sleeper(noteWait(SLEEP), resolveNew)
  hold()
  startTimer(sleeper, ms)
  if (onStart !== undefined) onStart(cancelOf(sleeper, rejectNew))
  return slept
}

function cancelOf(sleeper: Sleeper, reject: (reason: unknown) => void): (reason: unknown) => void {
  return (reason) => {
    if (!stopTimer(sleeper)) return
    unhold()
    endNote(sleeper.note)
    reject(reason)
  }
}

/** As what a goroutine waits for, in dumps. */
export const SLEEP = 1

/** A sleeper of the main thread holds the process open, as a timer of Node's does. */
function hold(): void {
  if (self.id === MAIN_M) holdTimers(1)
}

function unhold(): void {
  if (self.id === MAIN_M) holdTimers(-1)
}

/** The timers of this thread that will send to a channel, by its address. */
const pending = new Map<number, ChanTimer>()

/** When somebody else's part in a channel was the last but the timer's: nobody waits for it any more. */
whenDropped((address) => {
  const timer = pending.get(address)
  if (timer !== undefined && load(address + Waitable.refs) === 1) timer.stop()
})

/** Sends the time to a channel when it is due: once, or every `period` milliseconds. For the thread that made it. */
export class ChanTimer {
  /** Its channel: its address. */
  readonly address: number
  #period = 0
  readonly #entry: TimerEntry

  constructor(address: number) {
    this.address = address
    this.#entry = new TimerEntry(() => this.#fire())
  }

  start(ms: number, period = 0): void {
    this.#period = period
    retain(this.address)
    pending.set(this.address, this)
    startTimer(this.#entry, ms)
  }

  /** True if it was still to come. */
  stop(): boolean {
    if (!stopTimer(this.#entry)) return false
    this.#letGo()
    return true
  }

  get isPending(): boolean {
    return this.#entry.isPending
  }

  #fire(): void {
    // A slow receiver misses ticks, as in Go: there is room for one.
    if (!chanClosed(this.address)) trySend(this.address, Date.now())
    if (this.#period === 0) return this.#letGo()
    const late = Math.max(0, Math.floor((now() - this.#entry.when) / this.#period))
    startTimerAt(this.#entry, this.#entry.when + (late + 1) * this.#period)
  }

  #letGo(): void {
    pending.delete(this.address)
    release(this.address)
  }
}

/** A channel for one time. */
export function newTimeChan(): number {
  return newChan(KIND.chan, 1)
}
