/**
 * When a thread dies: `process.exit` in a goroutine, an exception outside of one, a heap that is full, a crash at its start.
 * The main thread buries it:
 *
 *   locks it held          released (lock.ts stamps them with their owner)
 *   its processor          goes to another thread, or a new one
 *   its run queue          what is in it has not started, and is stolen; and so is what it was just moving (lost.ts)
 *   goroutines it had      those that had started fail with `ThreadDiedError`; they are found by walking all Gs
 *                          (`G.m`); what it had taken and not begun is queued again; what had ended its creator takes home
 *   goroutines it made     are nobody's now: they run, and come home to the main thread, which reports their errors
 *   waiters of its own     are taken out of their queues; what others have sent home to it those drop; locks that its goroutines held fail those who wait for them
 *   its contexts           are cancelled, as their `cancel` died with it
 *   its timers             are the main thread's, if somebody may wait for their channels
 *   its handles            are given back
 *   its slab cache         goes back to the central lists
 */
import { writeSync } from 'node:fs'
import {
  G_CLASS,
  HANDLE_CLASS,
  inbox,
  load,
  ownerOf,
  RANK,
  read,
  releaseDead,
  rouse,
  Slab,
  SUDOG_CLASS,
  store,
  write,
} from '@goro/memory'
import { describeDeath, noteReleased } from './autopsy.ts'
import { dropCell } from './cell.ts'
import { closeChansOf } from './channel.ts'
import { adoptTimers } from './clock.ts'
import { alsoWhenExpecting, bury, discard, dropValues, fail, sendHomeUnrun } from './deliver.ts'
import { ThreadDiedError } from './errors.ts'
import {
  CANCELLED,
  DONE,
  F_FAILED,
  F_REPORT,
  flagsOf,
  G,
  IDLE,
  isCounted,
  isEndedBy,
  isPinned,
  NOBODY,
  RUNNABLE,
  RUNNING,
  WAITING,
} from './g.ts'
import { dropSudog, releaseSudog, sendErrand } from './gopark.ts'
import { KIND, releaseHandlesOf } from './handle.ts'
import { type Suspect, search, suspects } from './lost.ts'
import { isGone, M, M_DEAD, M_RETIRED, M_STARTING, SYSMON_M } from './m.ts'
import { mendMap } from './map.ts'
import { dropNamesOf } from './names.ts'
import { isThreadGone, queueMicrotask, setImmediate } from './native.ts'
import { abandon } from './pin.ts'
import { mendRW } from './rwmutex.ts'
import { countFinished, hold, isStopping, lockId, mAt, SCHED, Sched, self, victim } from './sched.ts'
import { mendSema } from './sema.ts'
import { anyWork } from './steal.ts'
import {
  isCase,
  isReadyBy,
  isTakenBy,
  putBack,
  reclaim,
  repair,
  SUDOG_READY,
  Sudog,
  stateOf,
  Waitable,
  wakerOf,
} from './sudog.ts'
import { adoptLocksOf, failLocksOf, queuesOf, resume } from './sync.ts'
import { mendSegment, Segment } from './syncmap.ts'
import { freeM, startPinned, threadCount } from './threads.ts'
import { startFree, wakep } from './wake.ts'

/** Threads in a row that died before they ran, by which we know that none will. */
const MAX_FAILED_STARTS = 3
let failedStarts = 0

/** Somebody may have ended a sleep, and not lived to tell the sleeper: all look around. */
function rouseAll(): void {
  for (let id = 1; id < self.procs.threads; id++) rouse(mAt(id) + M.note)
  rouse(mAt(SYSMON_M) + M.note)
}

let reportsDeaths = false

/** Says on stderr what each thread that dies was at. */
export function reportDeaths(): void {
  reportsDeaths = true
}

/** Puts right what a thread that died in the middle of a move has left of the counts in the idle set; later, if others move just now. */
function mendIdleSet(): void {
  const threads = Array.from({ length: self.procs.threads }, (_, id) => id)
  if (!self.idle.mend([...threads, SYSMON_M])) setImmediate(mendIdleSet)
  else if (anyWork()) wakep()
}

/** What was made whole before its thread was buried, and may owe somebody a wake-up: by the dead one's lock id. */
const mendedEarly: [dead: number, at: number][] = []

/**
 * The main thread waits for a lock of M `owner - 1`, and could wait for ever: that this is dead it hears in its event loop. So it asks the
 * operating system; and if the thread is gone, it makes whole what this one lock protects. The rest is for `buryThread`.
 */
export function buryLock(address: number, rank: number, owner: number): void {
  if (owner === 0 || !isThreadGone(read(mAt(owner - 1) + M.osThreadId)) || ownerOf(address) !== owner) return
  if (reportsDeaths) noteReleased(owner, rank)
  if (rank === RANK.waitQueue) {
    const at = address - Waitable.lock
    mend(at, owner, takenBy(owner))
    mendedEarly.push([owner, at])
  }
  if (rank === RANK.mapSegment) return mendSegment(address - Segment.lock, owner)
  if (rank === RANK.globalQueue) {
    self.global.repair(owner)
    return self.pinned.repair(owner)
  }
  if (rank === RANK.slabClass || rank === RANK.pageHeap) return self.slab.releaseDead(owner)
  releaseDead(address, owner)
}

/** Buries M `id`, which died of `cause`, and gives its P to a new thread. */
export function buryThread(id: number, cause: unknown): void {
  if (reportsDeaths) writeSync(2, describeDeath(id))
  const m = mAt(id)
  const status = load(m + M.status)
  const neverRan = status === M_STARTING || status === M_DEAD
  failedStarts = neverRan ? failedStarts + 1 : 0
  self.global.repair(lockId(id))
  self.pinned.repair(lockId(id))
  self.slab.releaseDead(lockId(id))
  settleCounts(id)
  const suspected = suspects([...victim(id).inHand(G.schedlink), read(m + M.making)])
  freeM(id)
  new Slab(SCHED + Sched.slab, m + M.cache, lockId(self.id)).flush()
  buryWaiters(id)
  sendErrands(id, buryGoroutines(id, cause))
  if (status === M_RETIRED) adoptLocksOf(id)
  else failLocksOf(id)
  closeChansOf(
    id,
    new ThreadDiedError(`the thread that made this context (M${id}) died: ${messageOf(cause)}`, { cause }),
  )
  releaseHandlesOf(id)
  adoptTimers(id)
  dropNamesOf(id)
  self.procs.bury(id, lockId(id), neverRan, status === M_RETIRED)
  rouseAll()
  mendIdleSet()
  recover(suspected)
  recoverPinned(read(m + M.making))
  if (failedStarts < MAX_FAILED_STARTS) startFree()
  else self.procs.startNoMore()
  startPinned()
  if (failedStarts >= MAX_FAILED_STARTS && threadCount() === 0) giveUp(cause)
  // Its queue is there to be stolen from, and it may have been the one that was counted on to do so elsewhere.
  else if (anyWork()) wakep()
  // It may have had the last goroutine, for which the process stays.
  self.wakeSelf()
}

/**
 * What the dead thread has made, counts right. Nobody but itself could settle any of that: what is not home is the main thread's from now
 * on. Before its inbox is closed, and its blocks are others'.
 */
function settleCounts(id: number): void {
  const m = mAt(id)
  const making = read(m + M.making)
  if (making !== 0 && ((read(m + M.makingAs) - read(m + M.created)) | 0) > 0) {
    // It was not counted, and is in no queue: nobody has heard of it.
    dropValues(making)
    write(making + G.status, IDLE)
    self.slab.freeClass(making, G_CLASS)
    write(m + M.making, 0)
  }
  let left = 0
  self.slab.walk(G_CLASS, (g) => {
    if (load(g + G.status) !== IDLE && read(g + G.creator) === id) left++
  })
  for (; left > 0; left--) hold()
  store(m + M.settled, read(m + M.created))
  store(m + M.unheld, read(m + M.held))
}

/** Queues again what a dead thread had in its hands, and nobody else has; later, if that can't be seen just now. */
function recover(suspected: readonly Suspect[]): void {
  if (suspected.length === 0 || isStopping()) return
  const living: number[] = []
  const dead: number[] = []
  for (let id = 0; id < self.procs.threads; id++) (isLeft(id) ? dead : living).push(id)
  const made = () => living.map((id) => load(mAt(id) + M.making))
  const { lost, open } = search(suspected, made, self.global, living.map(victim), dead.map(victim))
  for (const g of lost) self.runq.put(g)
  if (lost.length > 0) wakep()
  if (open.length > 0) setImmediate(() => recover(open))
}

/** As `recover`, for a goroutine that is to have a thread for itself: only this thread takes those out of their queue. */
function recoverPinned(g: number): void {
  if (g === 0 || load(g + G.status) !== RUNNABLE || !isPinned(g)) return
  if (read(g + G.m) !== NOBODY || read(g + G.creator) !== NOBODY) return
  const lost = new Set([g])
  self.pinned.search(lost)
  if (lost.size > 0) self.pinned.put(g, 1)
}

/**
 * Makes whole and frees those queues in whose lock the thread died, and does what it left undone there; takes its own waiters
 * out of their queues. A waiter of its own that somebody has taken out already is that one's to drop: the inbox is closed.
 */
function buryWaiters(id: number): void {
  const dead = lockId(id)
  const inHand = takenBy(dead)
  const left: number[] = []
  for (const [owner, at] of mendedEarly.splice(0)) {
    if (owner === dead) left.push(at)
    else mendedEarly.push([owner, at])
  }
  self.slab.walk(HANDLE_CLASS, (at) => {
    const kind = load(at + Waitable.kind)
    if (kind === 0) return
    if (kind === KIND.syncMap) mendMap(at, dead)
    if (ownerOf(at + Waitable.lock) === dead) {
      mend(at, dead, inHand)
      left.push(at)
    }
    // Also if it held nothing: it may have owed somebody a wake-up.
    releaseDead(at + Waitable.lock, dead)
  })
  for (const at of left) if (load(at + Waitable.kind) !== 0) resume(at)
  reclaim(
    id,
    dead,
    lockId(self.id),
    (visit) => self.slab.walk(SUDOG_CLASS, visit),
    (sudog) => {
      dropCell(sudog + Sudog.cell)
      releaseSudog(sudog)
    },
  )
}

/** The waiters that the dead one has taken out of their queues, and not given an outcome. */
function takenBy(dead: number): number[] {
  const found: number[] = []
  self.slab.walk(SUDOG_CLASS, (sudog) => {
    if (isTakenBy(sudog, dead)) found.push(sudog)
  })
  return found
}

/** Under the lock of the `dead` one: its queues as they were before what it was about to do with the waiters `inHand`. */
function mend(at: number, dead: number, inHand: readonly number[]): void {
  for (const list of queuesOf(at)) repair(list, dead)
  const unfinished = inHand.filter((sudog) => read(sudog + Sudog.on) === at && isTakenBy(sudog, dead))
  const kind = load(at + Waitable.kind)
  if (kind === KIND.rwMutex) mendRW(at, unfinished)
  else if (kind === KIND.semaphore) mendSema(at, unfinished)
  for (const sudog of unfinished) putBack(sudog, dead)
}

/** What the dead thread had given an outcome and not sent home is found by its own thread, if that lives; and so are ended goroutines. */
function sendErrands(id: number, errands: Set<number>): void {
  const dead = lockId(id)
  const ownerless: number[] = []
  self.slab.walk(SUDOG_CLASS, (sudog) => {
    if (!isReadyBy(sudog, dead) && !isTakenBy(sudog, dead)) return
    const owner = read(sudog + Sudog.owner)
    if (owner !== NOBODY) errands.add(owner)
    else if (!isCase(sudog)) ownerless.push(sudog)
  })
  // It was to drop them, and has not lived to do so.
  for (const sudog of ownerless) dropSudog(sudog)
  for (const thread of errands) sendErrand(thread, id)
}

/**
 * Returns the threads that are to look for what is theirs: creators to whom the dead thread may not have sent home what it had ended, and
 * those who have sent something home to it.
 */
function buryGoroutines(id: number, cause: unknown): Set<number> {
  const error = new ThreadDiedError(
    `the thread that ran this goroutine (M${id}) died: ${messageOf(cause)}; ` +
      'goroutines that had not started run on another thread',
    { cause },
  )
  write(mAt(id) + M.pins, 0)
  const home = new Set<number>()
  for (let item = inbox.close(mAt(id) + M.inbox, G.schedlink); item !== 0; item = read(item + G.schedlink))
    home.add(item)
  const ended = read(mAt(id) + M.finished)
  const errands = new Set<number>()
  self.slab.walk(G_CLASS, (g) => {
    const status = load(g + G.status)
    if (status === IDLE) return
    const creator = read(g + G.creator)
    const orphaned = creator === id
    if (orphaned) store(g + G.creator, NOBODY)
    if (orphaned && isPinned(g)) abandon(g)
    const holder = read(g + G.m)
    if (holder !== id) {
      if (!orphaned || status !== DONE || home.has(g)) return
      // The thread that ended it died before this one, and told it in vain; or it lives, and knows whether it has told it.
      if (isLeft(holder)) bury(g)
      else errands.add(holder)
    } else if (status === RUNNABLE) {
      // It was about to run.
      write(g + G.m, NOBODY)
      if (isPinned(g)) self.pinned.put(g, 1)
      else self.runq.put(g)
    } else if (status === CANCELLED) {
      // It was about to be sent home.
      write(g + G.m, self.id)
      sendHomeUnrun(g)
    } else if (isEndedBy(g, id)) {
      buryEnded(g, ended)
      if (orphaned || creator === NOBODY) bury(g)
      else errands.add(creator)
    } else if (status === RUNNING || status === WAITING) {
      // It may not have had its arguments yet.
      dropValues(g)
      write(g + G.m, self.id)
      // Who made it died with it, of the same cause: there is nobody to tell, and nothing new to say.
      if (orphaned) {
        countFinished()
        discard(g)
      } else fail(g, error)
    }
  })
  for (const item of home) bury(item)
  buryReadied(id, errands)
  return errands
}

/** The dead thread has ended `g`, and may not have counted it. */
function buryEnded(g: number, ended: number): void {
  const flags = flagsOf(read(g + G.tags))
  const isReport = (flags & F_FAILED) !== 0 && (flags & F_REPORT) !== 0
  if (!isReport && !isCounted(g, ended)) countFinished()
  if (isReport && ((read(g + G.batchLink) - read(mAt(read(g + G.m)) + M.reported)) | 0) > 0) hold()
}

/**
 * Waiters of the dead thread that had their outcome, and were neither in its inbox nor dropped by who has waked them: it had taken them in,
 * or will never get them. Who waked them knows, if that lives.
 */
function buryReadied(id: number, errands: Set<number>): void {
  const left: number[] = []
  self.slab.walk(SUDOG_CLASS, (sudog) => {
    const status = load(sudog + Sudog.status)
    if (stateOf(status) !== SUDOG_READY || read(sudog + Sudog.owner) !== id || isCase(sudog)) return
    const waker = wakerOf(status) - 1
    if (waker === id) return
    store(sudog + Sudog.owner, NOBODY)
    if (waker === self.id || isLeft(waker)) left.push(sudog)
    else errands.add(waker)
  })
  for (const sudog of left) dropSudog(sudog)
}

/** Whether thread `m` is dead and buried. */
const isLeft = (m: number): boolean => m !== NOBODY && isGone(load(mAt(m) + M.status))

/** There is no thread and none can be started: what waits to run never will, and is told so; and so is what comes later. */
function giveUp(cause: unknown): void {
  const error = new ThreadDiedError(
    `no thread can be started for goroutines: ${messageOf(cause)}; ` +
      'look at execArgv, env and resourceLimits in runtime.configure()',
    { cause },
  )
  const failQueued = () => {
    for (let g = takeQueued(); g !== 0; g = takeQueued()) {
      if (load(g + G.status) === CANCELLED) {
        sendHomeUnrun(g)
      } else {
        dropValues(g)
        fail(g, error)
      }
    }
  }
  failQueued()
  // A new goroutine is queued right after this callback.
  alsoWhenExpecting(() => queueMicrotask(failQueued))
}

/** Takes a goroutine out of any queue, with no other thread about; 0 if all are empty. */
function takeQueued(): number {
  const g = self.runq.get() || self.pinned.take()
  if (g !== 0) return g
  const first = self.global.take()
  if (first !== 0) {
    for (let rest = read(first + G.schedlink); rest !== 0; ) {
      const next = read(rest + G.schedlink)
      self.runq.put(rest)
      rest = next
    }
    return first
  }
  for (let id = 1; id < self.procs.threads; id++) {
    const stolen = self.runq.stealFrom(victim(id), true)
    if (stolen !== 0) return stolen
  }
  return 0
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
