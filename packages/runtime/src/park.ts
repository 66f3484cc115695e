/**
 * Waking processors and going to sleep. idle-set.ts has the argument why no work is lost; this is its use.
 *
 * An M that found nothing to run goes through these states: it spins, if at most half of the busy Ps do, for a bounded
 * time; then it announces its sleep (note), gives its P to the idle set, looks at every queue and its inbox once more, and
 * sleeps. Two kinds of sleep: on the futex, when nothing in its isolate waits on libuv, and else in the event loop. When that is not
 * certain it naps on the futex first, and then sleeps in the event loop; if a nap passes without a wake-up, its note is cancelled as
 * after any sleep, and every queue and the inbox are looked at again before the next: so nothing is missed in between.
 *
 * Who wakes it: whoever makes work and claims its P (`wakep`), and whoever puts something into its inbox.
 */
import { FUTEX, inbox, load, POLL, read, store, write } from '@goro/memory'
import { claimReport, fallAsleep, getUp, isBlocked } from './deadlock.ts'
import { G } from './g.ts'
import { noteTime } from './gopark.ts'
import { M, M_SLEEPING, MAIN_M } from './m.ts'
import { now } from './native.ts'
import {
  afterCallbacks,
  beforeNextCallback,
  canBlock,
  cancelBeforeNextCallback,
  cancelWhenDry,
  isQuiet,
  nextWakeUp,
  whenDry,
} from './netpoll.ts'
import { P, P_BUSY, P_IDLE, P_UNUSED } from './p.ts'
import { gomaxprocs, isStopping, pAt, SCHED, Sched, self, unsettledGoroutines, wakeThread } from './sched.ts'
import { anyWork } from './steal.ts'

/**
 * After new work has been made visible: wakes the thread of an idle P, as a spinner, if there is one and nobody spins. If
 * nobody is idle, whoever is busy finds the work when it is through; if somebody spins, that one finds it (idle-set.ts).
 */
export function wakep(): void {
  const pid = self.idle.claim(allProcs)
  if (pid >= 0) wakeP(pid)
}

/** Where there may be an idle processor: also behind those that run, since GOMAXPROCS was lowered. */
const allProcs = (): number => load(SCHED + Sched.allp)

function wakeP(pid: number): void {
  // The claim stands on the P before its M is looked up: if the P gets a new M meanwhile, either that one finds the claim
  // when it goes to sleep, or it is the one that is woken here.
  wakeM(load(pAt(pid) + P.m))
}

/** Wakes M `id` whatever it sleeps for. */
export function wakeM(id: number): void {
  if (id === self.id) self.wakeSelf()
  else wakeThread(id)
}

/**
 * A spinner has found work, or gives other code its turn: it is none any more. Work that was made while it spun woke nobody, so if there is more, the next
 * thread is woken. Go wakes one in any case (`resetspinning`); here a look at the queues is cheap beside a wake-up, and a
 * spinner too many takes a core from the main thread. What is made after the count went down wakes somebody by itself.
 */
export function resetSpinning(): void {
  if (!self.idle.isSpinning(self.pid)) return
  self.idle.stopSpinning(self.pid)
  if (anyWork()) wakep()
}

/** Whether this thread's P is one too many since GOMAXPROCS was lowered. Only this thread sets and clears it. */
export const isRetired = (): boolean => read(self.p + P.status) === P_UNUSED

/**
 * How long a thread blocks at first in which there may be something that Node does not list: that stands still for so long. From there
 * it is woken with a tenth of the work that it takes from the event loop; and who waits for another goroutine mostly waits for less.
 */
const NAP_MS = 1
/** It has napped, and nobody has woken it. */
let hasNapped = false

/** Puts this thread to sleep until there may be something to do. */
export function stopm(): Promise<void> | undefined {
  const quiet = isQuiet()
  const form = quiet && (canBlock() || !hasNapped) ? FUTEX : POLL
  const woken = form === POLL ? nextWakeUp() : undefined
  // Before the P can be claimed: a claim then finds the note prepared, and ends the sleep.
  self.note.prepare(form)
  const work = enterIdle()
  // While it is quiet there is nothing whose callback could run, save for handles that are unref'd; for what Node does not tell of,
  // `announceQuiet` makes up.
  if (form === POLL && !quiet && !work) beforeNextCallback(stir)
  return sleep(woken, work, quiet)
}

/** Gives the P to the idle set. Returns whether there is work after all. */
function enterIdle(): boolean {
  store(self.p + P.status, P_IDLE)
  self.idle.enter(self.pid)
  return anyWork()
}

/** Takes the P back from the idle set, unless a waker has: then this thread is the spinner that the waker wanted. */
function leaveIdle(): void {
  self.idle.leave(self.pid)
  store(self.p + P.status, P_BUSY)
}

/**
 * A callback is about to run on this thread, which sleeps in its event loop: a timer, I/O, and with it a goroutine that goes on.
 * Its P is not idle meanwhile; and if somebody has just claimed it for new work, that work is somebody else's.
 */
function stir(): void {
  noteTime(now())
  const sleep = read(self.m + M.sleeps)
  cancelWhenDry()
  store(self.m + M.quiet, 0)
  leaveIdle()
  resetSpinning()
  afterCallbacks(() => {
    if (read(self.m + M.status) === M_SLEEPING && read(self.m + M.sleeps) === sleep) sleepOn()
  })
}

/** The callbacks have run and have not woken this thread: it sleeps on, unless there is work by now. */
function sleepOn(): void {
  if (enterIdle()) return self.wakeSelf()
  if (isQuiet()) announceQuiet()
  else beforeNextCallback(stir)
}

/** This thread sleeps in its event loop, and nothing that Node lists can wake it: says that it is quiet, once it is certain. */
function announceQuiet(): void {
  cancelBeforeNextCallback()
  whenDry(
    () => {
      if (!isRetired()) beforeNextCallback(stir)
    },
    () => {
      cancelBeforeNextCallback()
      store(self.m + M.quiet, 1)
      reportQuiescence(true)
    },
  )
}

/**
 * The P of this thread is one too many: hands on what is in its queue, and sleeps until what it has started goes on, or
 * until it is needed again. In no idle set meanwhile: nobody is to wake it for new work.
 */
export function retire(): Promise<void> | undefined {
  store(self.p + P.status, P_UNUSED)
  let first = 0
  let count = 0
  for (let g = self.runq.get(); g !== 0; g = self.runq.get(), count++) {
    write(g + G.schedlink, first)
    first = g
  }
  if (first !== 0) self.global.put(first, count)
  // A spinner is what somebody else counts on: let another look.
  resetSpinning()
  const quiet = isQuiet()
  const form = quiet && canBlock() ? FUTEX : POLL
  const woken = form === POLL ? nextWakeUp() : undefined
  self.note.prepare(form)
  return sleep(woken, self.pid < gomaxprocs() || !self.victims[self.pid]!.isEmpty, quiet)
}

/** Sleeps on the prepared note, unless there is something to do. */
function sleep(woken: Promise<void> | undefined, work: boolean, quiet: boolean): Promise<void> | undefined {
  const { note, m } = self
  if (work || !inbox.isEmpty(m + M.inbox) || isStopping()) {
    resume()
    return undefined
  }
  const blocks = woken === undefined
  const isCertain = blocks && canBlock()
  fallAsleep(m, isCertain)
  reportQuiescence(isCertain)
  if (blocks) {
    if (isCertain) note.sleep()
    else hasNapped = !note.nap(NAP_MS)
    resume()
    return undefined
  }
  hasNapped = false
  if (quiet) announceQuiet()
  return woken.then(resume)
}

function resume(): void {
  cancelBeforeNextCallback()
  cancelWhenDry()
  self.note.cancel()
  if (!isRetired()) leaveIdle()
  getUp(self.m)
}

/** Tells the main thread, if it waits for that, that no goroutine is left, or that none can go on. The last one comes by here. */
function reportQuiescence(quiet: boolean): void {
  if (claimReport(SCHED + Sched.mainWaits, () => unsettledGoroutines() === 0 || (quiet && isBlocked())))
    wakeThread(MAIN_M)
}
