/**
 * Parking and readying: how an operation waits for another one, on any thread, and how that one ends the wait. What waits is a
 * sudog (sudog.ts) in shared memory; beside it stands, on its own thread, what the thread has to do when it comes home: a
 * function that reads the outcome, and the promise to be settled with it. No thread is held by what is parked.
 *
 *   park ──> PARKED ── goready, same thread ──> woken, told when whoever woke it waits itself ──> settled
 *                   └─ goready, another thread ──> its thread's inbox, and that thread is woken ──> settled there
 *
 * As in Go, who is readied does not run before who readied it waits: a sender fills a channel, and then its receiver empties it, where
 * otherwise both would wait for each other at every value; and who unlocks a mutex may lock it again. So on the same thread the woken
 * stand in a list, and are told when an operation of this thread has to wait, at the latest when no microtask is left (`nextTick`).
 *
 * An operation that has nothing to wait for makes no sudog, and its promise is fulfilled already. That alone would let two
 * goroutines that always find something ready keep their thread for themselves: promises that follow from one another leave no
 * turn for anything else. So every operation costs one of a budget. When that is used up, the woken are told; and if something else
 * waits for this thread, one operation is put off until the thread's loop has had its turn (Tokio's cooperative budgeting, "Reducing
 * tail latencies with automatic cooperative task yielding").
 */
import { inbox, load, read, SUDOG_CLASS, write } from '@goro/memory'
import { dropCell } from './cell.ts'
import { NOBODY } from './g.ts'
import { mayLook, saveLooks } from './local.ts'
import { M } from './m.ts'
import { nextTick } from './native.ts'
import { lockId, mAt, self, tellThread } from './sched.ts'
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
  SUDOG_SPARE,
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
  /** The sudog of an operation to come, that stays beside this when it has come home; 0 if there is none. */
  sudog: number
  settle: Settle
  resolve: (value: unknown) => void
  /** What has to live as long as it waits. */
  keep: unknown
  /** It is the runtime's own. */
  own: boolean
}

const idle = () => {}

/** By the slot of a sudog. */
const table: Parked[] = [{ slot: 0, sudog: 0, settle: lookForOwn, resolve: idle, keep: undefined, own: true }]
const free: Parked[] = []
/** For the next operations that have to wait: the last one, which is the `spare`th, is the next. */
const spares: Parked[] = []
let spare = 0
/** As many are kept, of those that come home. */
const SPARES = 64
/** Operations that the user's code on this thread waits for. */
let parked = 0

let budget = BUDGET
/** What was put off until the loop's next turn. */
let deferred: (() => void)[] = []
let readied = false
/** What has come home on the thread that woke it, and is not settled yet: the first `wokenCount`. */
const woken: number[] = []
let wokenCount = 0
let isTelling = false
/** They will be told when no microtask is left. */
let isTold = false

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
  saveLooks(ms)
}

/** The id by which this thread takes the locks of queues. */
export const ownId = (): number => lockId(self.id)

/** A sudog for an operation of this thread. */
export function acquireSudog(): number {
  const sudog = self.slab.allocClass(SUDOG_CLASS)
  write(sudog + Sudog.owner, self.id)
  write(sudog + Sudog.select, 0)
  write(sudog + Sudog.on, 0)
  write(sudog + Sudog.cell, 0)
  write(sudog + Sudog.goid, NOBODY)
  write(sudog + Sudog.status, SUDOG_SPARE)
  return sudog
}

/** Gives back what `acquireSudog` gave. */
export function releaseSudog(sudog: number): void {
  write(sudog + Sudog.status, SUDOG_IDLE)
  self.slab.freeClass(sudog, SUDOG_CLASS)
}

/** Sudogs for the cases of the selects to come: the first `cases`. */
const caseSudogs: number[] = []
let cases = 0

/** A sudog for a case of a select: as `acquireSudog`, out of those that this thread has put aside. */
export function acquireCase(): number {
  return cases === 0 ? acquireSudog() : (caseSudogs[--cases] as number)
}

/** Gives back what `acquireCase` gave, when it is in no queue. */
export function releaseCase(sudog: number): void {
  if (cases === SPARES) return releaseSudog(sudog)
  write(sudog + Sudog.status, SUDOG_SPARE)
  write(sudog + Sudog.select, 0)
  write(sudog + Sudog.cell, 0)
  caseSudogs[cases++] = sudog
}

/** The sudog for an operation that may have to wait: `park` uses it up, otherwise it is there for the next. */
export function spareSudog(): number {
  return spare === 0 ? newSpare() : (spares[spare - 1] as Parked).sudog
}

function newSpare(): number {
  const sudog = acquireSudog()
  const beside = free.pop() ?? newParked()
  write(sudog + Sudog.slot, beside.slot)
  beside.sudog = sudog
  spares[spare++] = beside
  return sudog
}

let parking: Parked
/** One executor for all promises: a closure a promise would cost as much again. */
const capture = (resolve: (value: unknown) => void): void => {
  parking.resolve = resolve
}

/**
 * The promise of what `sudog`, which is in its queue, comes home with: `settle` tells, or throws. `keep` lives as long. Nobody
 * counts on it if it is the runtime's `own`.
 */
export function park(sudog: number, settle: Settle, keep: unknown, own = false): Promise<unknown> {
  let beside = spare === 0 ? undefined : spares[spare - 1]
  if (beside !== undefined && beside.sudog === sudog) spare--
  else {
    beside = free.pop() ?? newParked()
    write(sudog + Sudog.slot, beside.slot)
  }
  beside.settle = settle
  beside.keep = keep
  beside.own = own
  parking = beside
  const promise = new Promise(capture)
  if (!own) parked++
  onPark()
  // It is in its queue already, but only dumps look at these, and at none that is nobody's yet. The runtime itself is nobody.
  if (!own) {
    write(sudog + Sudog.since, clock)
    write(sudog + Sudog.goid, currentGoid())
  }
  if (wokenCount > 0 && budget > 0) tell()
  return promise
}

function newParked(): Parked {
  const beside = { slot: table.length, sudog: 0, settle: lookForOwn, resolve: idle, keep: undefined, own: false }
  table.push(beside)
  return beside
}

/** Notes that the running goroutine waits for `what`, which is in no queue; 0 if there is no look left, or it is not known who runs. */
export function noteWait(what: number): number {
  const goid = mayLook() ? currentGoid() : 0
  if (goid === 0) return 0
  let note: number
  try {
    note = acquireSudog()
  } catch {
    // No shared memory is left; a dump can do without it.
    return 0
  }
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
  if (owner !== self.id) return sendHome(home, owner)
  woken[wokenCount++] = home
  if (isTold) return
  isTold = true
  nextTick(tellAtEnd)
}

/** Settles what the woken wait for. */
function tell(): void {
  // Who tells comes to what is woken meanwhile.
  if (isTelling) return
  isTelling = true
  for (let i = 0; i < wokenCount; i++) settle(woken[i] as number)
  budget -= wokenCount
  wokenCount = 0
  isTelling = false
}

function tellAtEnd(): void {
  isTold = false
  if (wokenCount === 0) return
  if (budget > 0) tell()
  else self.wakeSelf()
}

function sendHome(home: number, owner: number): void {
  if (owner !== NOBODY && inbox.push(mAt(owner) + M.inbox, home, Sudog.link)) tellThread(owner)
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
  const resolve = forget(beside, home)
  readied = true
  resolve(outcome)
}

/** Takes a sudog that nobody will wake any more off this thread's books, and gives what settles its promise. */
export function unpark(sudog: number): (value: unknown) => void {
  readied = true
  return forget(table[read(sudog + Sudog.slot)]!, sudog)
}

/** What stands beside `sudog` is there for others again, and the sudog itself. */
function forget(beside: Parked, sudog: number): (value: unknown) => void {
  const { resolve } = beside
  beside.keep = undefined
  beside.resolve = idle
  if (!beside.own && --parked === 0) onPark()
  if (beside.sudog === 0 || spare === SPARES) {
    beside.sudog = 0
    free.push(beside)
    releaseSudog(sudog)
  } else {
    write(sudog + Sudog.status, SUDOG_SPARE)
    // It may have been a select's record.
    write(sudog + Sudog.select, 0)
    write(sudog + Sudog.goid, NOBODY)
    spares[spare++] = beside
  }
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
  const orphans: number[] = []
  self.slab.walk(SUDOG_CLASS, (sudog) => {
    const owner = read(sudog + Sudog.owner)
    if (owner === self.id && isLeftBy(sudog, waker)) found.push(sudog)
    else if (owner === NOBODY && isReadyBy(sudog, ownId()) && !isCase(sudog)) orphans.push(sudog)
  })
  for (const sudog of found) settle(sudog)
  // What this thread had sent to the dead one, which had not taken it in.
  for (const sudog of orphans) dropSudog(sudog)
  return AGAIN
}

/** Whether `sudog` is what would have gone home if its `waker` had not died: no case of a select, but the record. */
function isLeftBy(sudog: number, waker: number): boolean {
  if (isReadyBy(sudog, waker)) return !isCase(sudog)
  if (!isRecord(sudog) || stateOf(load(sudog + Sudog.status)) !== SUDOG_PARKED) return false
  const winner = load(sudog + Sudog.select)
  return winner !== 0 && winner !== sudog && (isReadyBy(winner, waker) || isTakenBy(winner, waker))
}

/** The promise of what is done: one for all. */
export const done: Promise<void> = Promise.resolve()

let isFree: () => boolean = () => false
/** Asks `callback`, when the budget is used up, whether nothing else waits for this thread. */
export function useFree(callback: () => boolean): void {
  isFree = callback
}

/** Takes one operation from the budget. False if there is none left: it has to be put off. */
export function spend(): boolean {
  return --budget > 0 || renew()
}

function renew(): boolean {
  if (deferred.length > 0 || !isFree()) return false
  tell()
  budget = BUDGET
  return true
}

/** The promise of an operation that has not had to wait and gives nothing: one for all. */
export function readyDone(): Promise<void> {
  return spend() ? done : putOff(() => {})
}

/** The promise of an operation that has not had to wait. */
export function ready<T>(value: T | PromiseLike<T>): Promise<T> {
  return spend() ? Promise.resolve(value) : putOff(() => value)
}

/** Resolves with what `then` gives, after the thread's loop has had its turn. */
export function putOff<T>(then: () => T | PromiseLike<T>): Promise<T> {
  return new Promise((resolve) => defer(() => resolve(then())))
}

/** Resolves after others have had a turn: what was put off before, a goroutine that has not started, and what waits in the event loop. */
export function gosched(): Promise<void> {
  return putOff(() => {})
}

function defer(callback: () => void): void {
  deferred.push(callback)
  self.wakeSelf()
}

/** For the thread's loop, at each of its turns: does what was put off. Whether there was anything. */
export function runDeferred(): boolean {
  budget = BUDGET
  if (deferred.length === 0 && wokenCount === 0) return false
  tell()
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
