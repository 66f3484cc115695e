/**
 * Deadlock: every goroutine is parked on another, and nothing can wake any of them. Exact, and no time-out.
 *
 * A thread is *quiet* when it sleeps and nothing in libuv can wake it: no handle, no request, no timer, no message under way. The
 * goroutines are blocked when all threads are quiet and nothing is queued for any of them. Only a thread that is awake can
 * change that, or the main thread: so it stays true until the main thread does something.
 *
 * Seeing it: the threads are looked at one after another, so one that was quiet when it was looked at may have been woken since by one
 * that is quiet only now. Hence two rounds: if each thread is quiet both times, and has not been awake in between (it counts
 * its sleeps), then all were quiet at the moment between the rounds (the double collect of Afek et al., "Atomic Snapshots of
 * Shared Memory"). Who looks: the main thread when it goes to sleep, and the last thread that becomes quiet while the main
 * thread sleeps, which then wakes it.
 *
 * What follows from it depends on the main thread. If its own event loop still has something to do, that may wake somebody. If not,
 * Node says so (`beforeExit`): then the process ends; as a deadlock if the main thread waits for a goroutine, a channel or
 * the like, and else in peace, as a Go program does when `main` returns.
 */
import { AWAKE, cas, inbox, load, NoteLayout, read, store } from '@goro/memory'
import { isGone, M, M_RUNNING, M_SLEEPING, M_SPARE } from './m.ts'
import { mAt, self } from './sched.ts'
import { anyWork } from './steal.ts'

/** Whether no goroutine can go on unless the main thread, or its event loop, does something. */
export function isBlocked(): boolean {
  return areBlocked(self.procs.threads, mAt, () => self.pinned.size > 0 || anyWork())
}

/** As `isBlocked`, for the Ms from 1 to below `threads`, which are at `at(id)`; `anyWork` tells whether anything is queued. */
export function areBlocked(threads: number, at: (id: number) => number, anyWork: () => boolean): boolean {
  const sleeps: number[] = []
  return (
    allQuiet(threads, at, (id, count) => {
      sleeps[id] = count
      return true
    }) &&
    !anyWork() &&
    allQuiet(threads, at, (id, count) => sleeps[id] === count)
  )
}

/** One round: whether each thread is quiet when it is looked at, and `visit`, which is told how often it has slept, agrees. */
export function allQuiet(
  threads: number,
  at: (id: number) => number,
  visit: (id: number, sleeps: number) => boolean,
): boolean {
  for (let id = 1; id < threads; id++) {
    const m = at(id)
    const status = load(m + M.status)
    if (isGone(status)) continue
    if ((status !== M_SLEEPING && status !== M_SPARE) || load(m + M.quiet) === 0) return false
    if (!visit(id, load(m + M.sleeps))) return false
    if (load(m + M.note + NoteLayout.state) === AWAKE || !inbox.isEmpty(m + M.inbox)) return false
  }
  return true
}

/** The thread `m` sleeps from here on; `quiet` if nothing in its event loop can wake it. Its note is prepared. */
export function fallAsleep(m: number, quiet: boolean): void {
  store(m + M.sleeps, (read(m + M.sleeps) + 1) | 0)
  store(m + M.quiet, quiet ? 1 : 0)
  // A spare has said so already (processors.ts).
  cas(m + M.status, M_RUNNING, M_SLEEPING)
}

/** The thread `m` runs again. If it was a spare, it is one until it has said otherwise (processors.ts). */
export function getUp(m: number): void {
  store(m + M.quiet, 0)
  cas(m + M.status, M_SLEEPING, M_RUNNING)
}

/**
 * After a thread has fallen asleep: whether it has to wake the main thread, which waits, as `mainWaits` says, for this to be so: no
 * goroutine is left, or none can go on. The last thread to fall asleep comes by here after all the others: so somebody sees it.
 */
export function claimReport(mainWaits: number, isOver: () => boolean): boolean {
  return load(mainWaits) !== 0 && isOver() && cas(mainWaits, 1, 0) === 1
}
