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
import { AWAKE, inbox, load, NoteLayout } from '@goro/memory'
import { M, M_DEAD, M_FREE, M_SLEEPING } from './m.ts'
import { mAt, SCHED, Sched } from './sched.ts'
import { anyWork } from './steal.ts'

/** Whether no goroutine can go on unless the main thread, or its event loop, does something. */
export function isBlocked(): boolean {
  const sleeps: number[] = []
  return (
    allQuiet((id, count) => {
      sleeps[id] = count
      return true
    }) &&
    !anyWork() &&
    allQuiet((id, count) => sleeps[id] === count)
  )
}

function allQuiet(visit: (id: number, sleeps: number) => boolean): boolean {
  const threads = load(SCHED + Sched.threads)
  for (let id = 1; id < threads; id++) {
    const m = mAt(id)
    const status = load(m + M.status)
    if (status === M_FREE || status === M_DEAD) continue
    if (status !== M_SLEEPING || load(m + M.quiet) === 0) return false
    if (!visit(id, load(m + M.sleeps))) return false
    if (load(m + M.note + NoteLayout.state) === AWAKE || !inbox.isEmpty(m + M.inbox)) return false
  }
  return true
}
