/**
 * Finding work, in Go's order (`findRunnable`, `runtime/proc.go`): every 61st tick the global queue first, so that two
 * goroutines that keep readying each other cannot starve it; the local queue; the global queue; then stealing, from a
 * random start over all threads' queues, the main thread's among them.
 *
 * A thread that never runs dry never steals, and one whose goroutines start one another for ever never comes to its own ring. So every
 * `SLICE_MS` its newest goroutine goes to the end of the global queue, as in Go one does that has used up its time slice; and ahead of it
 * goes what stands in queues that nobody works (in Go those go with their processor): the main thread's, and that of a thread that has
 * none, or that one goroutine has for itself.
 */
import { FUTEX, inbox, NONE, pause, read, write } from '@goro/memory'
import { M, MAIN_M } from './m.ts'
import { now } from './native.ts'
import { P } from './p.ts'
import { gomaxprocs, isStopping, mAt, self, victim } from './sched.ts'

/** How long a thread goes on before it puts its newest goroutine last, in milliseconds: Go's `forcePreemptNS`. */
export const SLICE_MS = 10

const GLOBAL_EVERY = 61
const STEAL_ROUNDS = 4
/** As many goroutines in a ring are few: a thread that has just made them begins them itself in a moment, if it does not compute. */
const FEW = 1
/**
 * How long it is left to do so. What talks to each other stays on one thread that way, where it does so 10 times faster (Go: 3 µs, which the
 * system makes 60).
 */
const GRACE_MS = 0.1
/** As `GRACE_MS`, if the thief has something else to do. */
const SHORT_GRACE_MS = 0.02

/** The next goroutine to run, or 0 if there is none to be found right now. `isBusy`: this thread has something else to do. */
export function findRunnable(isBusy: boolean): number {
  const tick = read(self.p + P.schedtick)
  if (tick % GLOBAL_EVERY === 0) {
    const g = self.runq.takeOneOver(self.global)
    if (g !== 0) return g
  }
  return self.runq.get() || self.runq.takeOver(self.global) || stealWork(isBusy)
}

/** At the end of a slice: true if there is something in the global queue now. Wake somebody after this. */
export function endSlice(): boolean {
  let any = false
  for (let id = 0; id < self.procs.threads; id++) {
    if (!isWorked(id) && self.runq.moveAll(victim(id), self.global)) any = true
  }
  return self.runq.moveNext(self.global) || any
}

const isWorked = (id: number): boolean =>
  id !== MAIN_M && self.idle.stateOf(id) !== NONE && read(mAt(id) + M.locked) === 0

/** Steals half of somebody's queue, if this thread may spin. Go's `stealWork`. */
function stealWork(isBusy: boolean): number {
  if (!self.idle.isSpinning(self.id) && !self.idle.trySpin(self.id, gomaxprocs())) return 0
  const all = self.procs.threads
  let isSparing = false
  for (let round = 1; round <= STEAL_ROUNDS; round++) {
    const isLast = round === STEAL_ROUNDS
    if (isLast && isSparing) giveTime(isBusy)
    const start = (Math.random() * all) | 0
    for (let i = 0; i < all; i++) {
      const id = (start + i) % all
      if (id === self.id) continue
      const queue = victim(id)
      if (!isLast && id !== MAIN_M && queue.length <= FEW) {
        isSparing ||= !queue.isEmpty
        continue
      }
      // The newest goroutine of a P is about to run there, on warm caches: it is taken last.
      const g = self.runq.stealFrom(queue, isLast)
      if (g !== 0) {
        write(self.p + P.steals, self.runq.stolen)
        return g
      }
    }
    pause()
  }
  return 0
}

/**
 * Lets the others begin what they have just made: asleep, because one of them may be waiting for this core. What comes for this thread wakes
 * it. It is still a spinner meanwhile, and looks at every queue again.
 */
function giveTime(isBusy: boolean): void {
  if (isBusy) {
    for (const end = now() + SHORT_GRACE_MS; now() < end; ) pause()
    return
  }
  self.note.prepare(FUTEX)
  if (inbox.isEmpty(self.m + M.inbox) && !isStopping()) self.note.nap(GRACE_MS)
  self.note.cancel()
}

/** Whether any queue has something to run, as far as can be seen by looking at one after another. */
export function anyWork(): boolean {
  if (self.global.size > 0) return true
  const all = self.procs.threads
  for (let id = 0; id < all; id++) if (!victim(id).isEmpty) return true
  return false
}
