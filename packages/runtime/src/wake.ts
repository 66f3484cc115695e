/**
 * Waking processors: what whoever makes work does, and whoever gives a processor up or takes one. idle-set.ts has the argument why no work
 * is lost; park.ts is the other half, going to sleep. Needs nothing of the event loop or of goroutines: the monitor, which is to be started
 * quickly, loads this file too.
 */
import { isAsleep, wake } from '@goro/memory'
import { M, MAIN_M, SYSMON_M } from './m.ts'
import { gomaxprocs, mAt, self, wakeThread } from './sched.ts'

/**
 * After new work has been made visible: wakes the thread of an idle P, as a spinner, if there is one and nobody spins. If
 * nobody is idle, whoever is busy finds the work when it is through; if somebody spins, that one finds it (idle-set.ts). And if no
 * thread has the processor that is free, one is found for it (processors.ts).
 */
export function wakep(): void {
  const id = self.idle.claim(threadsEver)
  if (id >= 0) wakeM(id)
  // The claim's look at the counts comes before this one: it is as good as an atomic.
  else if (self.procs.hasFree) startFree()
}

const threadsEver = (): number => self.procs.threads

/** Finds a thread for a processor that is free. */
export function startFree(): void {
  if (self.idle.spinning > 0 || !self.procs.startFree()) return
  if (self.id === MAIN_M) self.wakeSelf()
  else wakeThread(MAIN_M)
}

/** Finds a thread for each processor that has none: there may be more of them now. */
export function fitThreads(): void {
  for (let tries = gomaxprocs(); tries > 0 && self.procs.hasFree; tries--) startFree()
}

/** Wakes M `id` whatever it sleeps for. */
export function wakeM(id: number): void {
  if (id === self.id) self.wakeSelf()
  else wakeThread(id)
}

/**
 * This thread is busy again, or spins: somebody has to watch it. Called wherever a thread gets a processor or wakes with one; its state
 * was stored by an atomic before this look.
 */
export function wakeSysmon(): void {
  if (isAsleep(SYSMON_NOTE)) wake(SYSMON_NOTE)
}

const SYSMON_NOTE = mAt(SYSMON_M) + M.note
