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
import { NONE, pause, read, write } from '@goro/memory'
import { G } from './g.ts'
import { M, MAIN_M } from './m.ts'
import { now } from './native.ts'
import { P } from './p.ts'
import { gomaxprocs, mAt, self, victim } from './sched.ts'

/** How long a thread goes on before it puts its newest goroutine last, in milliseconds: Go's `forcePreemptNS`. */
export const SLICE_MS = 10

const GLOBAL_EVERY = 61
const STEAL_ROUNDS = 4
/** As many goroutines in a ring are few: a thread that has just made them begins them itself in a moment, if it does not compute. */
const FEW = 1
/** How long that takes. What talks to each other stays on one thread that way, where it does so 10 times faster (Go: 3 µs). */
const GRACE_MS = 0.02

/** The next goroutine to run, or 0 if there is none to be found right now. */
export function findRunnable(): number {
  const tick = read(self.p + P.schedtick)
  if (tick % GLOBAL_EVERY === 0) {
    const g = takeOneGlobal()
    if (g !== 0) return g
  }
  return self.runq.get() || takeGlobal() || stealWork()
}

/** Takes a batch from the global queue: its first goroutine to run now, the others into the local queue. */
function takeGlobal(): number {
  const first = self.global.take()
  if (first === 0) return 0
  const rest = self.runq.fill(read(first + G.schedlink))
  if (rest !== 0) putBackGlobal(rest)
  return first
}

/** Takes one goroutine from the global queue, while the local one may be full: what is behind it goes to the end. */
function takeOneGlobal(): number {
  const first = self.global.take()
  if (first === 0) return 0
  const count = read(first + G.batchCount)
  if (count > 1) self.global.put(read(first + G.schedlink), count - 1)
  return first
}

function putBackGlobal(first: number): void {
  let count = 0
  for (let g = first; g !== 0; g = read(g + G.schedlink)) count++
  self.global.put(first, count)
}

/** At the end of a slice: true if there is something in the global queue now. Wake somebody after this. */
export function endSlice(): boolean {
  let any = false
  for (let id = 0; id < self.procs.threads; id++) {
    if (!isWorked(id) && empty(id)) any = true
  }
  const next = self.runq.takeNext()
  if (next === 0) return any
  write(next + G.schedlink, 0)
  self.global.put(next, 1)
  return true
}

const isWorked = (id: number): boolean =>
  id !== MAIN_M && self.idle.stateOf(id) !== NONE && read(mAt(id) + M.locked) === 0

/** Moves what is in the queue of thread `id` to the global queue. Whether there was anything. */
function empty(id: number): boolean {
  const queue = victim(id)
  const first = queue.take()
  if (first === 0) return false
  let last = first
  let count = 1
  // No more than there were: its thread may put in others all the while.
  for (let n = queue.length; n > 0; n--) {
    const g = queue.take()
    if (g === 0) break
    write(last + G.schedlink, g)
    last = g
    count++
  }
  write(last + G.schedlink, 0)
  self.global.put(first, count)
  return true
}

/** Steals half of somebody's queue, if this thread may spin. Go's `stealWork`. */
function stealWork(): number {
  if (!self.idle.isSpinning(self.id) && !self.idle.trySpin(self.id, gomaxprocs())) return 0
  const all = self.procs.threads
  let isSparing = false
  for (let round = 1; round <= STEAL_ROUNDS; round++) {
    const isLast = round === STEAL_ROUNDS
    if (isLast && isSparing) giveTime()
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

/** Lets the others begin what they have just made. This thread is still a spinner meanwhile, and looks at every queue again. */
function giveTime(): void {
  for (const end = now() + GRACE_MS; now() < end; ) pause()
}

/** Whether any queue has something to run, as far as can be seen by looking at one after another. */
export function anyWork(): boolean {
  if (self.global.size > 0) return true
  const all = self.procs.threads
  for (let id = 0; id < all; id++) if (!victim(id).isEmpty) return true
  return false
}
