/**
 * Going to sleep. idle-set.ts has the argument why no work is lost; this is its use, with wake.ts.
 *
 * An M that found nothing to run goes through these states: it spins, if at most half of the busy Ps do, for a bounded
 * time; then it announces its sleep (note), gives its P to the idle set, looks at every queue and its inbox once more, and
 * sleeps. Two kinds of sleep: on the futex, when nothing in its isolate waits on libuv, and else in the event loop. When that is not
 * certain it naps on the futex first, and then sleeps in the event loop; if a nap passes without a wake-up, its note is cancelled as
 * after any sleep, and every queue and the inbox are looked at again before the next: so nothing is missed in between.
 *
 * Who wakes it: whoever makes work and claims its P (`wakep`), and whoever puts something into its inbox.
 */
import { FUTEX, inbox, POLL, read, store, takeLostRaces, write } from '@goro/memory'
import { endStep, resumeStep } from './audit.ts'
import { closesWithThread } from './channel.ts'
import { claimReport, fallAsleep, getUp, isBlocked } from './deadlock.ts'
import { outstanding } from './deliver.ts'
import { noteTime, parkedHere } from './gopark.ts'
import { M, M_RUNNING, M_SLEEPING, MAIN_M } from './m.ts'
import { clearTimeout, collectGarbage, now, setTimeout } from './native.ts'
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
import { isLocked, isSpent } from './osthread.ts'
import { P } from './p.ts'
import { isOver, isStopping, SCHED, Sched, self, wakeMainDozing, wakeThread } from './sched.ts'
import { anyWork } from './steal.ts'
import { hasTimers } from './timers.ts'
import { wakep, wakeSysmon } from './wake.ts'

/**
 * A spinner has found work, or gives other code its turn: it is none any more. Work that was made while it spun woke nobody, so if there is more, the next
 * thread is woken. Go wakes one in any case (`resetspinning`); here a look at the queues is cheap beside a wake-up, and a
 * spinner too many takes a core from the main thread. What is made after the count went down wakes somebody by itself.
 */
export function resetSpinning(): void {
  if (!self.idle.isSpinning(self.id)) return
  self.idle.stopSpinning(self.id)
  if (anyWork()) wakep()
}

/** Whether this thread has announced a sleep that has not ended; its event loop may be running callbacks in it. */
let asleep = false

/**
 * How long a thread blocks at first in which there may be something that Node does not list: that stands still for so long. From there
 * it is woken with a tenth of the work that it takes from the event loop; and who waits for another goroutine mostly waits for less.
 */
const NAP_MS = 1
/** It has napped, and nobody has woken it. */
let hasNapped = false

/** Puts this thread, which has a processor, to sleep until there may be something to do. */
export function stopm(): Promise<void> | undefined {
  const quiet = isQuiet()
  const form = quiet && (canBlock() || !hasNapped) ? FUTEX : POLL
  const woken = form === POLL ? nextWakeUp() : undefined
  // Before the P can be claimed: a claim then finds the note prepared, and ends the sleep.
  self.note.prepare(form)
  const work = enterIdle()
  // It was given away, or taken. There is nothing to do for it with the next one: it is not to stand in line for that.
  if (!self.idle.has(self.id)) return stopSpare()
  if (form === POLL) endLater()
  return sleep(woken, work, quiet)
}

/**
 * Puts this thread, which has no processor, to sleep until it is given one or something of its own is ready. What is in its queue is
 * for others to take. `hasIdled`: it has had nothing to do for so long that it ends if it is one too many.
 */
export function stopSpare(hasIdled = false): Promise<void> | undefined {
  const quiet = isQuiet()
  // In its event loop: the timer by which it ends is there.
  const woken = nextWakeUp()
  // Before it can be given a processor: that then finds the note prepared, and ends the sleep.
  self.note.prepare(POLL)
  const granted = self.procs.becomeSpare()
  // Who lost its processor may have been counted on.
  if (!granted && anyWork()) wakep()
  if (quiet && (hasIdled || isSpent())) {
    begunThen = read(self.p + P.schedtick)
    endIfUseless()
  } else {
    endLater()
  }
  return sleep(woken, granted || self.idle.has(self.id), quiet)
}

/** Puts this thread, which is one goroutine's own, to sleep until that has something to do. Its processor is another's meanwhile. */
export function stopLocked(): Promise<void> | undefined {
  self.procs.handoff()
  return stopSpare()
}

/** How long a thread that is one too many is kept, in milliseconds: to start one takes 50. */
const IDLE_TIMEOUT_MS = 10_000
/** How soon it looks again, in milliseconds, when something was in the way that is soon over. */
const SOON_MS = 100
let ending: NodeJS.Timeout | undefined
/** How often it has looked since it has something that may be garbage; at the first time it collects that, and in the rest of the sleep there comes none. */
let looks = 0
/** So often: what V8 has found to be garbage it says in a turn of the event loop, and on a busy machine that comes late. */
const LOOKS = 3

const timerThatEnds = () => ending

/** How many goroutines this thread had begun when it had something to do for the last time. */
let begunThen = -1

/**
 * This thread goes to sleep: ends it when it has been no use for so long, whatever has woken it in between. A processor that it has now
 * may be taken from it in its sleep.
 */
function endLater(): void {
  const begun = read(self.p + P.schedtick)
  if (begun !== begunThen) {
    begunThen = begun
    looks = 0
    endIn(IDLE_TIMEOUT_MS)
  } else if (ending === undefined) {
    // It was due while this thread was awake.
    endIn(SOON_MS)
  }
}

function endIn(ms: number): void {
  clearTimeout(ending)
  ending = setTimeout(() => {
    ending = undefined
    if (!asleep) return
    if (read(self.m + M.status) === M_RUNNING) endIn(SOON_MS)
    else if (read(self.p + P.schedtick) !== begunThen) endLater()
    else endIfUseless()
  }, ms).unref()
}

function endIfUseless(): void {
  if (read(self.m + M.waiting) > 0 || parkedHere() > 0 || outstanding() > 0) return endIn(IDLE_TIMEOUT_MS)
  // A thread that sleeps collects no garbage by itself: a ticker that nobody stopped would go on in it for ever.
  if (looks < LOOKS && (isSpent() || self.procs.hasTooMany) && (hasTimers() || closesWithThread())) {
    if (looks++ === 0) {
      // Others count on who is idle to take new work at once.
      if (asleep && self.idle.has(self.id)) {
        cancelBeforeNextCallback()
        stir()
      }
      collectGarbage()
    }
    return endIn(SOON_MS)
  }
  if (!isQuiet() || closesWithThread()) return endIn(IDLE_TIMEOUT_MS)
  if (asleep && read(self.m + M.quiet) === 0) announceQuiet()
  if (!self.procs.retire(isSpent())) return endIn(IDLE_TIMEOUT_MS)
  // Whatever modules have left on this thread goes with it: a thread is never used for another M.
  process.exit(0)
}

/** Makes the P idle. Returns whether it is to go on after all: there is work, or it has lost the P to somebody who waited for one. */
function enterIdle(): boolean {
  if (!self.idle.enter(self.id)) return true
  wakeMainDozing()
  if (anyWork()) return true
  // Who comes to wait from now on finds this P idle.
  if (!self.procs.isWanted) return false
  if (self.idle.leave(self.id)) self.procs.giveWay()
  return true
}

/**
 * A callback is about to run on this thread, which sleeps in its event loop: a timer, I/O, and with it a goroutine that goes on.
 * Its P is not idle meanwhile; and if somebody has just claimed it for new work, that work is somebody else's. Without a P it waits
 * for one, here and now: there is no later for a callback that Node is about to call.
 */
function stir(): void {
  noteTime(now())
  const sleep = read(self.m + M.sleeps)
  // For the monitor: not the step that it may have seen here before.
  write(self.p + P.turns, (read(self.p + P.turns) + 1) | 0)
  cancelWhenDry()
  store(self.m + M.quiet, 0)
  self.procs.awake()
  self.procs.acquire()
  resumeStep()
  wakeSysmon()
  resetSpinning()
  afterCallbacks(() => {
    if (asleep && read(self.m + M.sleeps) === sleep) sleepOn()
  })
}

/** The callbacks have run and have not woken this thread: it sleeps on, unless there is work by now. */
function sleepOn(): void {
  endStep()
  store(self.m + M.status, M_SLEEPING)
  // One that is a goroutine's own does not sleep with a processor (`stopLocked`): others would count on it, and it would never end.
  if (isLocked() || enterIdle()) return self.wakeSelf()
  if (isQuiet()) announceQuiet()
  else beforeNextCallback(stir, timerThatEnds)
}

/** This thread sleeps in its event loop, and nothing that Node lists can wake it: says that it is quiet, once it is certain. */
function announceQuiet(): void {
  cancelBeforeNextCallback()
  whenDry(
    () => beforeNextCallback(stir, timerThatEnds),
    () => {
      cancelBeforeNextCallback()
      store(self.m + M.quiet, 1)
      reportQuiescence(true)
    },
  )
}

/** Sleeps on the prepared note, unless there is something to do. */
function sleep(woken: Promise<void> | undefined, work: boolean, quiet: boolean): Promise<void> | undefined {
  const { note, m } = self
  if (work || !inbox.isEmpty(m + M.inbox) || isStopping()) {
    resume()
    return undefined
  }
  asleep = true
  const blocks = woken === undefined
  const isCertain = blocks && canBlock()
  // While it is quiet there is nothing whose callback could run, save for handles that are unref'd; for what Node does not tell of,
  // `announceQuiet` makes up.
  if (!blocks && !quiet) beforeNextCallback(stir, timerThatEnds)
  write(m + M.races, (read(m + M.races) + takeLostRaces()) | 0)
  fallAsleep(m, isCertain)
  reportQuiescence(isCertain)
  if (blocks) {
    // Now and then it looks whether it is still of use: its processor may have been taken in its sleep.
    let isWoken = note.nap(isCertain ? IDLE_TIMEOUT_MS : NAP_MS)
    while (isCertain && !isWoken && self.idle.has(self.id)) isWoken = note.nap(IDLE_TIMEOUT_MS)
    hasNapped = !isCertain && !isWoken
    resume()
    return isCertain && !isWoken ? stopSpare(true) : undefined
  }
  hasNapped = false
  if (quiet) announceQuiet()
  return woken.then(resume)
}

function resume(): void {
  asleep = false
  cancelBeforeNextCallback()
  cancelWhenDry()
  self.note.cancel()
  getUp(self.m)
  self.procs.awake()
  wakeSysmon()
}

/** Tells the main thread, if it waits for that, that no goroutine is left, or that none can go on. The last one comes by here. */
function reportQuiescence(quiet: boolean): void {
  if (claimReport(SCHED + Sched.mainWaits, () => isOver() || (quiet && isBlocked()))) wakeThread(MAIN_M)
}
