/**
 * Parking and readying: how an operation waits for another one, on any thread, and how that one ends the wait. What waits is a
 * sudog (sudog.ts) in shared memory; beside it stands, on its own thread, what the thread has to do when it comes home: a
 * function that reads the outcome, and the promise to be settled with it. No thread is held by what is parked.
 *
 *   park ──> PARKED ── goready, same thread ──> settled at once
 *                   └─ goready, another thread ──> its thread's inbox, and that thread is woken ──> settled there
 *
 * An operation that has nothing to wait for makes no sudog, and its promise is fulfilled already. That alone would let two
 * goroutines that always find something ready keep their thread for themselves: promises that follow from one another leave no
 * turn for anything else. So every operation costs one of a budget, and when that is used up, one is put off until the thread's
 * loop has had its turn (Tokio's cooperative budgeting, "Reducing tail latencies with automatic cooperative task yielding").
 */
import { inbox, load, read, SUDOG_CLASS, write } from '@goro/memory'
import { dropCell } from './cell.ts'
import { mayLook, saveLooks } from './local.ts'
import { M } from './m.ts'
import { lockId, mAt, self, wakeThread } from './sched.ts'
import {
  homeOf,
  isCase,
  isReadyBy,
  isRecord,
  isTakenBy,
  SUDOG_IDLE,
  SUDOG_NOTE,
  SUDOG_PARKED,
  SUDOG_READY,
  Sudog,
  stateOf,
} from './sudog.ts'

/** What a park leaves on its thread: reads the outcome from the sudog that has come home. AGAIN: it has parked again. */
export type Settle = (sudog: number, keep: unknown) => unknown

/** As the result of a `Settle`: the sudog waits in a queue once more. */
export const AGAIN: unique symbol = Symbol('again')

/** Operations in a row that need not wait before the loop gets a turn. */
const BUDGET = 512

/** What stands beside a sudog, on its thread: used again, as a million of them would be garbage otherwise. */
interface Parked {
  readonly slot: number
  settle: Settle
  resolve: (value: unknown) => void
  /** What has to live as long as it waits. */
  keep: unknown
  /** It is the runtime's own. */
  own: boolean
}

const idle = () => {}

/** By the slot of a sudog. */
const table: Parked[] = [{ slot: 0, settle: lookForOwn, resolve: idle, keep: undefined, own: true }]
const free: Parked[] = []
/** Operations that the user's code on this thread waits for. */
let parked = 0

let budget = BUDGET
/** What was put off until the loop's next turn. */
let deferred: (() => void)[] = []
let readied = false
/** Sudogs for the next operations that have to wait: the last one is the next. */
const spares: number[] = []
/** As many are kept, of those that come home. */
const SPARES = 64

/** Operations that the user's code on this thread waits for. */
export const parkedHere = (): number => parked

let onPark: () => void = () => {}
/** On the main thread: calls `callback` whenever an operation begins to wait there, and when none does any more. */
export function whenParking(callback: () => void): void {
  onPark = callback
}

let currentGoid: () => number = () => 0
/** Tells which goroutine is running, as far as that is known, else 0: for dumps. */
export function useGoid(goid: () => number): void {
  currentGoid = goid
}

/** The time, in seconds, as last told. */
let clock = 0
/** Tells the time, in milliseconds since this thread's start: a look at the clock for every wait would cost too much. */
export function noteTime(ms: number): void {
  clock = ((performance.timeOrigin + ms) / 1000) | 0
  saveLooks()
}

/** The id by which this thread takes the locks of queues. */
export const ownId = (): number => lockId(self.id)

/** A sudog for an operation of this thread. */
export function acquireSudog(): number {
  const sudog = self.slab.allocClass(SUDOG_CLASS)
  write(sudog + Sudog.owner, self.id)
  clear(sudog)
  return sudog
}

/** Gives back what `acquireSudog` gave. */
export function releaseSudog(sudog: number): void {
  write(sudog + Sudog.status, SUDOG_IDLE)
  self.slab.freeClass(sudog, SUDOG_CLASS)
}

/** The sudog for an operation that may have to wait: `park` uses it up, otherwise it is there for the next. */
export function spareSudog(): number {
  if (spares.length === 0) spares.push(acquireSudog())
  return spares[spares.length - 1] as number
}

/** Puts a sudog that has come home aside, if there are not enough. */
function putAside(sudog: number): void {
  if (spares.length === SPARES) return releaseSudog(sudog)
  write(sudog + Sudog.status, SUDOG_IDLE)
  clear(sudog)
  spares.push(sudog)
}

function clear(sudog: number): void {
  write(sudog + Sudog.select, 0)
  write(sudog + Sudog.on, 0)
  write(sudog + Sudog.cell, 0)
}

let resolveNew!: (value: unknown) => void
/** One executor for all promises: a closure a promise would cost as much again. */
const capture = (resolve: (value: unknown) => void): void => {
  resolveNew = resolve
}

/**
 * The promise of what `sudog`, which is in its queue, comes home with: `settle` tells, or throws. `keep` lives as long. Nobody
 * counts on it if it is the runtime's `own`.
 */
export function park(sudog: number, settle: Settle, keep: unknown, own = false): Promise<unknown> {
  if (sudog === spares[spares.length - 1]) spares.pop()
  const beside = free.pop() ?? newParked()
  write(sudog + Sudog.slot, beside.slot)
  beside.settle = settle
  beside.keep = keep
  beside.own = own
  const promise = new Promise(capture)
  beside.resolve = resolveNew
  if (!own) parked++
  onPark()
  // It is in its queue already, but only dumps look at these.
  write(sudog + Sudog.goid, own ? NOBODY : currentGoid())
  write(sudog + Sudog.since, clock)
  return promise
}

function newParked(): Parked {
  const beside = { slot: table.length, settle: lookForOwn, resolve: idle, keep: undefined, own: false }
  table.push(beside)
  return beside
}

/** As the goroutine that waits: it is the runtime itself. */
export const NOBODY = -1

/** Notes that the running goroutine waits for `what`, which is in no queue; 0 if there is no look left, or it is not known who runs. */
export function noteWait(what: number): number {
  const goid = mayLook() ? currentGoid() : 0
  if (goid === 0) return 0
  const note = acquireSudog()
  write(note + Sudog.goid, goid)
  write(note + Sudog.since, clock)
  write(note + Sudog.info, what)
  write(note + Sudog.status, SUDOG_NOTE)
  return note
}

/** That wait is over. */
export function endNote(note: number): void {
  if (note !== 0) releaseSudog(note)
}

/** Ends the wait of `sudog`, which somebody has just taken out of its queue. After the lock is released. */
export function goready(sudog: number): void {
  readyHome(homeOf(sudog))
}

/** Ends the waits of a chain of what goes home. */
export function readyAll(chain: number): void {
  for (let home = chain; home !== 0; ) {
    const next = read(home + Sudog.link)
    readyHome(home)
    home = next
  }
}

function readyHome(home: number): void {
  const owner = read(home + Sudog.owner)
  if (owner !== self.id) sendHome(home, owner)
  else if (--budget > 0) settle(home)
  else defer(() => settle(home))
}

function sendHome(home: number, owner: number): void {
  if (inbox.push(mAt(owner) + M.inbox, home, Sudog.link)) wakeThread(owner)
  else dropSudog(home)
}

/** Whether what has come to an inbox is a sudog, and no goroutine. */
export const isSudog = (item: number): boolean => read(item) >= SUDOG_PARKED

/** On its own thread: settles the promise of a sudog that has come home. */
export function settle(home: number): void {
  const beside = table[read(home + Sudog.slot)]!
  let outcome: unknown
  try {
    outcome = beside.settle(home, beside.keep)
    if (outcome === AGAIN) return
  } catch (error) {
    outcome = Promise.reject(error)
  }
  const resolve = forget(beside)
  putAside(home)
  readied = true
  resolve(outcome)
}

/** Takes a sudog that nobody will wake any more off this thread's books, and gives what settles its promise. */
export function unpark(sudog: number): (value: unknown) => void {
  const resolve = forget(table[read(sudog + Sudog.slot)]!)
  releaseSudog(sudog)
  readied = true
  return resolve
}

function forget(beside: Parked): (value: unknown) => void {
  const { resolve } = beside
  beside.keep = undefined
  beside.resolve = idle
  if (!beside.own && --parked === 0) onPark()
  free.push(beside)
  return resolve
}

/** For a sudog whose thread is gone: what it carries is dropped. */
export function dropSudog(home: number): void {
  const winner = read(home + Sudog.select)
  for (const sudog of winner === 0 ? [home] : [home, winner]) {
    dropCell(sudog + Sudog.cell)
    releaseSudog(sudog)
  }
}

// --- when a waker dies

/**
 * The first slot is that of an errand: the dead thread `info` may have given waiters of this thread their outcome and not sent
 * them home. What it did send came before the errand; so whatever is still marked by it now never will.
 */
const ERRAND = 0

/** Tells thread `owner` to look for waiters, and goroutines of its own, that the dead thread `dead` has left behind. */
export function sendErrand(owner: number, dead: number): void {
  const errand = acquireSudog()
  write(errand + Sudog.owner, owner)
  write(errand + Sudog.slot, ERRAND)
  write(errand + Sudog.info, dead)
  write(errand + Sudog.status, SUDOG_READY)
  sendHome(errand, owner)
}

let onErrand: (dead: number) => void = () => {}

/** Calls `callback` as well when this thread is told to look for what the dead thread `dead` has not sent home. */
export function whenErrand(callback: (dead: number) => void): void {
  onErrand = callback
}

function lookForOwn(errand: number): typeof AGAIN {
  const dead = read(errand + Sudog.info)
  const waker = lockId(dead)
  releaseSudog(errand)
  onErrand(dead)
  const found: number[] = []
  self.slab.walk(SUDOG_CLASS, (sudog) => {
    if (read(sudog + Sudog.owner) === self.id && isLeftBy(sudog, waker)) found.push(sudog)
  })
  for (const sudog of found) settle(sudog)
  return AGAIN
}

/** Whether `sudog` is what would have gone home if its `waker` had not died: no case of a select, but the record. */
function isLeftBy(sudog: number, waker: number): boolean {
  if (isReadyBy(sudog, waker)) return !isCase(sudog)
  if (!isRecord(sudog) || stateOf(load(sudog + Sudog.status)) !== SUDOG_PARKED) return false
  const winner = load(sudog + Sudog.select)
  return winner !== 0 && winner !== sudog && (isReadyBy(winner, waker) || isTakenBy(winner, waker))
}

const done: Promise<void> = Promise.resolve()

/** The promise of an operation that has not had to wait and gives nothing: one for all. */
export function readyDone(): Promise<void> {
  return --budget > 0 ? done : ready(undefined)
}

/** The promise of an operation that has not had to wait. */
export function ready<T>(value: T | PromiseLike<T>): Promise<T> {
  return --budget > 0 ? Promise.resolve(value) : new Promise((resolve) => defer(() => resolve(value)))
}

/** Resolves after others have had a turn: what was put off before, a goroutine that has not started, and what waits in the event loop. */
export function gosched(): Promise<void> {
  return new Promise((resolve) => defer(resolve))
}

function defer(callback: () => void): void {
  deferred.push(callback)
  self.wakeSelf()
}

/** For the thread's loop, at each of its turns: does what was put off. Whether there was anything. */
export function runDeferred(): boolean {
  budget = BUDGET
  if (deferred.length === 0) return false
  const due = deferred
  deferred = []
  for (const callback of due) callback()
  readied = true
  return true
}

/** Whether promises of this thread were settled since it was last asked: their microtasks wait for a turn. */
export function takeReadied(): boolean {
  const was = readied
  readied = false
  return was
}
