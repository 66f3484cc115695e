/**
 * Blocking on purpose: a synchronous call that waits, and for whose time another thread can have the processor. Go's `entersyscallblock`
 * and `exitsyscall` (`runtime/proc.go`).
 *
 *   RUNNING ── the processor is handed on ──> BLOCKING, fn runs ── one is had again ──> RUNNING
 *
 * The thread gets its processor back, or another one that is free or idle, or waits in line for one.
 */
import { read, store } from '@goro/memory'
import { resumeStep } from './audit.ts'
import { M, M_BLOCKING, M_RUNNING, MAIN_M } from './m.ts'
import { isJoined, self } from './sched.ts'
import { anyWork } from './steal.ts'
import { passOnUnbegun } from './unbegun.ts'
import { wakep, wakeSysmon } from './wake.ts'

/** Calls `fn` without a processor. On the main thread, which has none, and within another such call, just calls it. */
export function blocking<T>(fn: () => T): T {
  if (!isJoined() || self.id === MAIN_M || read(self.m + M.status) === M_BLOCKING) return fn()
  store(self.m + M.status, M_BLOCKING)
  passOnUnbegun()
  self.procs.handoff()
  // Who had been counted on to look for work is this thread no more.
  if (anyWork()) wakep()
  try {
    return fn()
  } finally {
    store(self.m + M.status, M_RUNNING)
    self.procs.acquire()
    resumeStep()
    wakeSysmon()
  }
}
