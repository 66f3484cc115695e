/**
 * Time as goroutines use it: `sleep`, and channels that get a value when it is time. A channel that is due later keeps a part in itself
 * (handle.ts), so that it is there when it is due; if that part is the last one, nobody can ever look, and the timer is stopped.
 *
 * Such a timer is its thread's, but who waits for the channel may be on any: so when it is due stands with the channel, in shared memory,
 * and if the thread dies the main thread goes on with it (`adoptTimers`), as in Go another P does with the timers of one that is destroyed.
 */
import { array, f64, HANDLE_CLASS, load, read, readF64, struct, write, writeF64 } from '@goro/memory'
import { CELL_WORDS, Chan, chanClosed, makechan } from './chan.ts'
import { trySend } from './channel.ts'
import { endNote, noteWait, ownId, readyDone } from './gopark.ts'
import { KIND, release, retain, whenDropped } from './handle.ts'
import { MAIN_M } from './m.ts'
import { clockOrigin, now } from './native.ts'
import { lockId, self } from './sched.ts'
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
  if (onStart === undefined) return slept
  const cancel = cancelOf(sleeper, rejectNew)
  try {
    onStart(cancel)
  } catch (error) {
    cancel(error)
  }
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

/** The ring of a channel for times: its one value; when the next is due, on the clock of all threads; and what is between two, or 0. */
const TimeRing = struct({ cell: array(CELL_WORDS, 2), when: f64, period: f64 })

/** Makes a channel for times: room for one. @throws OutOfMemoryError */
export function newTimeChan(): number {
  return makechan(self.slab, KIND.chan, 1, TimeRing.SIZE - CELL_WORDS)
}

/** The timers of this thread that will send to a channel, by its address. */
const pending = new Map<number, ChanTimer>()

/** Whether nobody has a part in the channel but its timer: nobody waits for it any more. */
const isAlone = (address: number): boolean => load(address + Waitable.refs) === 1

whenDropped((address) => {
  const timer = pending.get(address)
  if (timer !== undefined && isAlone(address)) timer.stop()
})

/** Sends the time to a channel of `newTimeChan` when it is due: once, or every so often. For the thread that made it. */
export class ChanTimer {
  /** Its channel: its address. */
  readonly address: number
  readonly #ring: number
  readonly #entry: TimerEntry

  constructor(address: number) {
    this.address = address
    this.#ring = read(address + Chan.ring)
    this.#entry = new TimerEntry(() => this.#fire())
  }

  start(ms: number, period = 0): void {
    retain(this.address)
    startTimer(this.#entry, ms)
    this.#noteDue()
    writeF64(this.#ring + TimeRing.period, period)
    this.#keep()
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

  /** Goes on with the timer of a dead thread, and has its part in the channel from then on. */
  static adopt(address: number): void {
    const timer = new ChanTimer(address)
    startTimerAt(timer.#entry, readF64(timer.#ring + TimeRing.when) - clockOrigin)
    timer.#keep()
    if (isAlone(address)) timer.stop()
  }

  /** Only now, since all that whoever adopts it has to know is there. */
  #keep(): void {
    pending.set(this.address, this)
    write(this.address + Chan.keeper, ownId())
  }

  #noteDue(): void {
    writeF64(this.#ring + TimeRing.when, this.#entry.when + clockOrigin)
  }

  #fire(): void {
    // A slow receiver misses ticks, as in Go: there is room for one.
    if (!chanClosed(this.address)) trySend(this.address, Date.now())
    const period = readF64(this.#ring + TimeRing.period)
    if (period === 0 || isAlone(this.address)) return this.#letGo()
    const late = Math.max(0, Math.floor((now() - this.#entry.when) / period))
    startTimerAt(this.#entry, this.#entry.when + (late + 1) * period)
    this.#noteDue()
  }

  /** After the time was sent: if this thread dies in between, it is sent once more, rather than never. */
  #letGo(): void {
    write(this.address + Chan.keeper, 0)
    pending.delete(this.address)
    release(this.address)
  }
}

/** Goes on with the timers of the dead thread `dead`, whose handles were given back: those that nobody has a part in are stopped. */
export function adoptTimers(dead: number): void {
  self.slab.walk(HANDLE_CLASS, (at) => {
    if (load(at + Waitable.kind) !== KIND.chan || read(at + Chan.keeper) !== lockId(dead)) return
    if (read(at + Chan.ring) !== 0) ChanTimer.adopt(at)
  })
}
