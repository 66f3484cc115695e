/**
 * The loop of an M. Goroutines that finish synchronously run back to back, without a promise between them. After one that
 * did not, the microtasks get a turn, which is where started goroutines go on; and libuv gets one every few milliseconds,
 * so that nothing starves: timers, sockets, messages.
 */
import { bytes, cas, free, inbox, pause, read, readF64, write } from '@goro/memory'
import { beginStep, checkStep, endStep } from './audit.ts'
import { fetchParcel } from './control.ts'
import { deliver, dropValues, fail, finish, sendHomeUnrun, takeInbox } from './deliver.ts'
import {
  BLOCK,
  countOf,
  emptied,
  F_ABORTABLE,
  F_CONTEXT,
  F_EXTERNALS,
  F_HANDLES,
  F_PINNED,
  flagsOf,
  G,
  RUNNABLE,
  RUNNING,
  tag0Of,
  tag1Of,
  WAITING,
} from './g.ts'
import { noteTime, runDeferred, takeReadied, useFree } from './gopark.ts'
import { knowsHandles, learnHandles } from './handle.ts'
import type { LineEnd } from './line.ts'
import { functionAt, mayGoOn } from './link.ts'
import { mayLook, runAs, tracksGoroutines } from './local.ts'
import { M, M_RUNNING, M_SPINNING } from './m.ts'
import { nextTick, now } from './native.ts'
import { nextTurn, noteWaiting } from './netpoll.ts'
import { isLocked, isLockedToOther, lockOSThread } from './osthread.ts'
import { P } from './p.ts'
import { resetSpinning, stopLocked, stopm, stopSpare } from './park.ts'
import { own } from './pin.ts'
import { gomaxprocs, isStopping, self, wakeMainDozing } from './sched.ts'
import { anyWork, endSlice, findRunnable, SLICE_MS } from './steal.ts'
import { fetchFor, isStillHere, leaveParcel, noteUnbegun, passOn } from './unbegun.ts'
import { decode, unpackCell } from './value.ts'
import { wakep, wakeSysmon } from './wake.ts'

type ShippedFunction = (...args: unknown[]) => unknown

/** Longest time without a turn of libuv, in milliseconds. */
const POLL_EVERY_MS = 2
/**
 * As `POLL_EVERY_MS`, while goroutines are started that have to wait. What has started stays on this thread, so it comes before
 * what has not, which others can take: without that, one thread starts a thousand readers before the first of them reads.
 */
const ASYNC_POLL_EVERY_MS = 0.2
/** Goroutines that begin before what they leave to microtasks has its turn: a turn costs as much as a small goroutine. */
const BEGUN_MOST = 16
/** Goroutines between two looks at the clock, at most: it costs as much as a small goroutine. */
const CLOCK_EVERY = 16
/** How long an M without work looks for some before it sleeps. A sleep and its wake-up cost more than this. */
const SPIN_MS = 0.05
/**
 * As `SPIN_MS`, after it has woken another thread, which takes 60 to 160 µs to be up. If it slept before the answer comes, and the other
 * one after it, each would have to wake the other for ever, and neither ever find it awake.
 */
const SPIN_FOR_ANSWER_MS = 0.25
/** How long it looks without a turn of libuv, if goroutines wait: a turn takes 3 to 5 µs, in which nothing else is seen. */
const LOOK_MS = 0.015

/** It stops looking after as many times in vain, and tries again after as many more, unless work comes before it sleeps. */
const VAIN_LOOKS = 4
const LOOK_AGAIN_EVERY = 32
/** How long a thread keeps its processor while others wait for one. */
const TURN_MS = 2

/**
 * How long a thread leaves goroutines to others while it loads the code of one. What it starts it keeps: it would take all that are
 * queued, and run them one after another once the code is there. No longer, because a module may wait for goroutines while it is loaded.
 */
const LOAD_MS = 250

/** Why `runGoroutines` stopped. */
const MICROTASKS = 0
const EVENTS = 1
const NOTHING = 2
const HANDLES = 3
const LOST = 4

/** Something that another thread has sent was settled: microtasks wait. */
let microtasks = false
/** Goroutines that have left microtasks behind since those had their last turn: they have returned a promise, or ended what one awaits. */
let begun = 0
/** The classes of handles are being loaded, which happens once on a thread. */
let learning: Promise<void> | undefined
/** One that has not started is to start before those that have go on. */
let isOwed = false
/** Goroutines of this thread that wait for their code, and since when there are any. */
let loading = 0
let loadingSince = 0
/** Something may have run since libuv had its last turn for want of work. */
let turnIsDue = true
/** The goroutine that this thread is for, until it runs. */
let given = 0
/** It has slept, and nothing has run since: without a processor it has nothing to stand in line for. */
let isRested = false
/** Until when this thread, which has run out of work, looks for some; 0 if it has not looked at the clock since it last had some. */
let spinEnd = 0
/** Times in a row that it looked in vain. */
let vain = 0
let lastPoll = 0
/** When this thread got its processor, if it had lost one. */
let grantedAt = 0
/** When its newest goroutine last had to stand back. */
let lastSlice = 0
/** When microtasks last began their turn. */
let lastMicrotasks = 0
/** Goroutines to run before the next look at the clock. */
let untilClock = CLOCK_EVERY
let clockEvery = CLOCK_EVERY
let lastClock = 0

/** Runs this M until the runtime stops, if `g` is not 0 for this goroutine alone. */
export async function schedule(g: number): Promise<void> {
  startClock()
  useFree(isFree)
  wakeSysmon()
  given = g
  // What was meant for it may be with another by now.
  isRested = given === 0 && !self.idle.has(self.id)
  while (!isStopping()) {
    write(self.p + P.turns, (read(self.p + P.turns) + 1) | 0)
    if (!self.idle.has(self.id)) {
      await regain()
      continue
    }
    // With nothing to do it gives way when it goes to sleep: after a look at what the last turn may have left.
    if (turnIsDue && self.procs.isWanted && now() - grantedAt > TURN_MS && self.procs.giveWay()) continue
    const why = runGoroutines()
    if (why === LOST) continue
    if (why === MICROTASKS) {
      resetSpinning()
      await endOfMicrotasks()
      takeReadied()
    } else if (why === EVENTS) {
      await turn()
    } else if (why === HANDLES) {
      // The goroutine that needs them is told if that fails.
      await Promise.allSettled([learning])
      learning = undefined
      // It has started, so it comes before what has not.
      await endOfMicrotasks()
    } else if (!turnIsDue) {
      endStep()
      const sleeps = read(self.m + M.sleeps)
      const sleep = isLocked() ? stopLocked() : stopm()
      // Work came before it slept: to look for it would have paid.
      if (read(self.m + M.sleeps) === sleeps) vain = 0
      await slept(sleep)
    } else {
      wakeMainDozing()
      if (!spin()) await turn()
    }
  }
}

/**
 * This thread has no processor. What it has started goes on with its next one, for which it stands in line if something may be to do;
 * else it sleeps until something is, or until there is a processor too many for the others.
 */
async function regain(): Promise<void> {
  if (anyWork()) wakep()
  if (isRested && inbox.isEmpty(self.m + M.inbox)) {
    endStep()
    await slept(stopSpare())
  } else {
    self.procs.acquire()
    isRested = false
    wake()
  }
  grantedAt = lastClock
  wakeSysmon()
}

/** Resolves when the sleep is over, in which callbacks have run if it was in the event loop. */
async function slept(sleep: Promise<void> | undefined): Promise<void> {
  await sleep
  isRested = sleep === undefined && !self.idle.has(self.id)
  if (isRested) startClock()
  else wake()
}

/** This thread has slept, or waited: there may be something to do. */
function wake(): void {
  turnIsDue = true
  spinEnd = 0
  startClock()
}

/** Looks at the clock: time has passed without goroutines being run. */
function startClock(): void {
  lastPoll = lastClock = now()
  noteTime(lastClock)
}

/** Gives the event loop a turn. What runs in it may take long: others are not to count on this thread meanwhile. */
async function turn(): Promise<void> {
  resetSpinning()
  isOwed = true
  await nextTurn()
  takeReadied()
  begun = 0
  startClock()
  if (lastClock - lastSlice < SLICE_MS) return
  lastSlice = lastClock
  if (endSlice()) wakep()
}

/** Resolves when no microtask is left, however many follow from one another: ticks come after them all. */
function endOfMicrotasks(): Promise<void> {
  return new Promise((resolve) => nextTick(resolve))
}

/** Runs goroutines back to back until something else has to have a turn. */
function runGoroutines(): number {
  for (;;) {
    beginStep()
    // Before microtasks and libuv have a turn, in which started goroutines go on.
    if (!self.idle.has(self.id)) return LOST
    takeResults()
    if (runDeferred()) {
      noteActivity()
      isOwed = true
    }
    if (takeReadied() || microtasks || begun >= BEGUN_MOST) {
      if (isOwed) startSome()
      return learning === undefined ? turnOfMicrotasks() : HANDLES
    }
    if (pollIsDue()) return EVENTS
    if (leavesToOthers()) return EVENTS
    const g = isLocked() ? 0 : takeRunnable(begun > 0)
    if (g === 0) return begun === 0 ? NOTHING : turnOfMicrotasks()
    isOwed = false
    resetSpinning()
    execute(g)
    if (learning !== undefined) return HANDLES
  }
}

/**
 * A goroutine to run, or 0. It says at once whose it is: if this thread dies before it runs, another one is to run it. `isBusy`: there is
 * something else to do.
 */
function takeRunnable(isBusy: boolean): number {
  const g = given === 0 ? findRunnable(isBusy) : given
  if (g !== 0) write(g + G.m, self.id)
  given = 0
  return g
}

/** Whether the goroutines that go on here may go on without a turn of the loop: it would find nothing to do. */
function isFree(): boolean {
  return (
    inbox.isEmpty(self.m + M.inbox) &&
    self.idle.has(self.id) &&
    !self.procs.isWanted &&
    !anyWork() &&
    now() - lastPoll < ASYNC_POLL_EVERY_MS
  )
}

function turnOfMicrotasks(): number {
  microtasks = false
  begun = 0
  lastMicrotasks = now()
  return lastMicrotasks - lastPoll > ASYNC_POLL_EVERY_MS ? EVENTS : MICROTASKS
}

/**
 * What has started comes before what has not; but goroutines that always find something ready would keep the others from ever starting.
 * So some start whenever libuv has had its turn, or somebody has used up his budget (gopark.ts): for as long as the last turn of
 * microtasks has taken, or what is made in it would be more than ever starts.
 */
function startSome(): void {
  if (!mayStart()) return
  isOwed = false
  if (given === 0 && !anyWork()) return
  const start = now()
  const end = start + Math.min(start - lastMicrotasks, POLL_EVERY_MS)
  const mostWaiting = read(self.m + M.waiting) + BEGUN_MOST
  do {
    const g = takeRunnable(true)
    if (g === 0) return
    resetSpinning()
    execute(g)
  } while (now() < end && read(self.m + M.waiting) < mostWaiting && self.idle.has(self.id) && mayStart())
}

/** Whether this thread may begin another goroutine now: what it starts it keeps, and one may have it for itself. */
const mayStart = (): boolean => !isLocked() && !leavesToOthers()

/** What this thread starts it keeps. While it can't run them, others are to have them. */
function leavesToOthers(): boolean {
  return learning !== undefined || (loading > 0 && gomaxprocs() > 1 && now() - loadingSince < LOAD_MS)
}

/** Whether libuv has waited for its turn long enough. Looks at the clock once in a while, more often if it runs slowly. */
function pollIsDue(): boolean {
  if (--untilClock > 0) return false
  const time = now()
  const slow = time - lastClock > POLL_EVERY_MS / 4
  clockEvery = slow ? 1 : Math.min(CLOCK_EVERY, clockEvery * 2)
  untilClock = clockEvery
  lastClock = time
  noteTime(time)
  return time - lastPoll > POLL_EVERY_MS
}

/** Takes in the results of goroutines that this thread's goroutines have made. */
function takeResults(): void {
  if (inbox.isEmpty(self.m + M.inbox)) return
  resetSpinning()
  deliver(takeInbox(), Number.POSITIVE_INFINITY)
  noteActivity()
  microtasks = true
}

/** Runs the first step of `g`, which this thread has taken from a queue. */
function execute(g: number): void {
  const tags = read(g + G.tags)
  const flags = flagsOf(tags)
  noteActivity()
  write(self.p + P.schedtick, (read(self.p + P.schedtick) + 1) | 0)
  if ((flags & F_ABORTABLE) === 0) write(g + G.status, RUNNING)
  else if (cas(g + G.status, RUNNABLE, RUNNING) !== RUNNABLE) return sendHomeUnrun(g)
  checkStep()
  write(self.m + M.curg, g)
  try {
    // Before anything else may start here, while its code is loaded.
    if ((flags & F_PINNED) !== 0) lockOSThread()
    const fn = functionAt(read(g + G.code))
    if (typeof fn !== 'function' || (flags & F_EXTERNALS) !== 0 || ((flags & F_HANDLES) !== 0 && !knowsHandles())) {
      wait(
        g,
        tracksGoroutines ? runAs(readF64(g + G.goid), undefined, () => prepare(g, fn, flags)) : prepare(g, fn, flags),
      )
    } else {
      const result = tracksGoroutines && mayGoOn(fn) && mayLook() ? callAs(g, fn, tags) : call(g, fn, tags, undefined)
      if (isThenable(result)) wait(g, result)
      else {
        if (read(g + G.creator) === self.id) begun++
        finish(g, result)
      }
    }
  } catch (error) {
    fail(g, error)
  }
  write(self.m + M.curg, 0)
}

/** What `prepare` gives for a goroutine that is to begin on another thread, and for one that has gone there. */
const ELSEWHERE: unique symbol = Symbol('elsewhere')
const GONE: unique symbol = Symbol('gone')

/** As the first step in `execute`, for a goroutine that needs something from elsewhere before it. */
async function prepare(g: number, fn: ShippedFunction | Promise<ShippedFunction>, flags: number): Promise<unknown> {
  if (!knowsHandles()) learning ??= learnHandles()
  const parcel = (flags & F_EXTERNALS) === 0 ? 0 : read(g + G.parcel)
  const start = noteUnbegun(g, Math.max(0, -parcel))
  const [made, handles, moved] = await Promise.allSettled([
    typeof fn === 'function' ? fn : loaded(fn),
    learning,
    parcel < 0 ? fetchFor(start) : undefined,
  ])
  // This thread has blocked meanwhile.
  if (!isStillHere(start)) return GONE
  if (handles.status === 'rejected') throw handles.reason
  if (made.status === 'rejected') {
    leaveParcel(start)
    dropValues(g)
    throw made.reason
  }
  if (moved.status === 'rejected') {
    dropValues(g)
    throw moved.reason
  }
  // While it was made ready another one has locked this thread. This one has not begun, so it can go elsewhere.
  if (isLockedToOther(g)) {
    leaveParcel(start)
    return ELSEWHERE
  }
  const externals = parcel > 0 ? await fetchParcel(parcel) : start.moved
  // Only now it takes its first step, in which it is known who is running.
  write(self.m + M.curg, g)
  try {
    return call(g, made.value, read(g + G.tags), externals)
  } finally {
    write(self.m + M.curg, 0)
  }
}

/** As `call`, and who it is will be known after its first step too. */
function callAs(g: number, fn: ShippedFunction, tags: number): unknown {
  return runAs(readF64(g + G.goid), undefined, () => call(g, fn, tags, undefined))
}

/** `code`, and as long as it is being loaded the thread is known to load some. */
async function loaded(code: Promise<ShippedFunction>): Promise<ShippedFunction> {
  if (loading++ === 0) loadingSince = now()
  try {
    return await code
  } finally {
    loading--
  }
}

function call(g: number, fn: ShippedFunction, tags: number, externals: readonly unknown[] | undefined): unknown {
  const tag0 = tag0Of(tags)
  // Handles are taken once: if this thread dies now, whoever buries it must not take them again.
  if ((flagsOf(tags) & F_HANDLES) !== 0) write(g + G.tags, emptied(tags))
  if (tag0 === BLOCK) {
    const args = takeArguments(g, externals)
    if ((flagsOf(tags) & F_PINNED) !== 0) return own(g, args[0] as LineEnd, () => fn(...args.slice(1)))
    return (flagsOf(tags) & F_CONTEXT) === 0
      ? fn(...args)
      : runAs(readF64(g + G.goid), args[0] as object, () => fn(...args.slice(1)))
  }
  const count = countOf(tags)
  if (count === 0) return fn()
  const first = unpackCell(tag0, g + G.cell0)
  return count === 1 ? fn(first) : fn(first, unpackCell(tag1Of(tags), g + G.cell1))
}

function takeArguments(g: number, externals: readonly unknown[] | undefined): unknown[] {
  const block = read(g + G.cell0)
  write(g + G.tags, emptied(read(g + G.tags)))
  try {
    return decode(bytes(block, read(g + G.cell0 + 1)), externals) as unknown[]
  } finally {
    free(block)
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    (typeof value === 'object' || typeof value === 'function') &&
    value !== null &&
    typeof (value as PromiseLike<unknown>).then === 'function'
  )
}

/**
 * What waits for the promise of a goroutine that has started, to be used again: to make two functions for each costs as much as a small
 * goroutine. There are so many at most. Beyond that each goroutine has functions of its own, which take less memory.
 */
interface Waiter {
  g: number
  onFulfilled(value: unknown): void
  onRejected(error: unknown): void
}

/** Those that wait for nothing. */
const waiters: Waiter[] = []
let waitersMade = 0
const WAITERS_MOST = 1024

function newWaiter(): Waiter {
  waitersMade++
  const waiter = {
    g: 0,
    onFulfilled(value: unknown): void {
      waiters.push(waiter)
      fulfilled(waiter.g, value)
    },
    onRejected(error: unknown): void {
      waiters.push(waiter)
      rejected(waiter.g, error)
    },
  }
  return waiter
}

const { then } = Promise.prototype

/** `g` has started and goes on when `promise` settles: it stays on this thread. */
function wait(g: number, promise: PromiseLike<unknown>): void {
  noteWaiting()
  write(g + G.status, WAITING)
  write(self.m + M.waiting, read(self.m + M.waiting) + 1)
  begun++
  // As `await` does it: a `then` that somebody has put on a promise of Node's own is not asked.
  const native = Promise.resolve(promise)
  if (waiters.length === 0 && waitersMade >= WAITERS_MOST) {
    then.call(
      native,
      (value) => fulfilled(g, value),
      (error) => rejected(g, error),
    )
    return
  }
  const waiter = waiters.pop() ?? newWaiter()
  waiter.g = g
  then.call(native, waiter.onFulfilled, waiter.onRejected)
}

function fulfilled(g: number, value: unknown): void {
  write(self.m + M.waiting, read(self.m + M.waiting) - 1)
  noteActivity()
  if (value === ELSEWHERE) passOn(g)
  else if (value !== GONE) finish(g, value)
}

function rejected(g: number, error: unknown): void {
  write(self.m + M.waiting, read(self.m + M.waiting) - 1)
  noteActivity()
  fail(g, error)
}

/** Something runs on this thread: it leaves things for the event loop to do, and more may follow soon. */
function noteActivity(): void {
  turnIsDue = true
  spinEnd = 0
}

/**
 * How long to look for work this time. Where threads are more than cores, whoever looks takes the core from whom it waits for, and is
 * the one whose turn is over when that one answers: having looked in vain a few times it sleeps at once, and only tries once in a while
 * whether that has changed, or when there is work already at the last look before the sleep.
 */
function patience(): number {
  if (vain >= VAIN_LOOKS && vain % LOOK_AGAIN_EVERY !== 0) return 0
  return self.hasWoken ? SPIN_FOR_ANSWER_MS : SPIN_MS
}

/**
 * Looks for work for a bounded time. True if there is something to do; else libuv is to have a turn. If goroutines wait here, what they
 * wait for may come from another thread, into the inbox, or from libuv: both are looked at in turn, over and over. If none do, libuv
 * comes once, after it, because a sleep has to come after what was left for the end of a turn: `process.nextTick`, the report of
 * rejections that nobody handles.
 */
function spin(): boolean {
  const start = now()
  if (spinEnd === 0) spinEnd = start + patience()
  const waits = read(self.m + M.waiting) > 0
  const isLooking = start < spinEnd && (waits || self.idle.isSpinning(self.id))
  const found = isLooking && look(waits ? Math.min(spinEnd, start + LOOK_MS) : spinEnd)
  turnIsDue = found || (waits && isLooking)
  if (found) vain = 0
  else if (!turnIsDue) vain++
  if (found || !turnIsDue) self.hasWoken = false
  return found
}

/** Looks at the inbox until `end`, and as a spinner, on which others count for it, at every queue. */
function look(end: number): boolean {
  write(self.m + M.status, M_SPINNING)
  const spinner = self.idle.isSpinning(self.id)
  let found = false
  do {
    for (let i = 0; i < 20 && !found; i++) {
      found = !inbox.isEmpty(self.m + M.inbox) || (spinner && anyWork()) || isStopping()
      pause()
    }
  } while (!found && now() < end)
  write(self.m + M.status, M_RUNNING)
  return found
}
