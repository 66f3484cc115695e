/**
 * The monitor: a thread without a P that sees to it that no goroutine waits behind one that computes. Go's `sysmon` and `retake`
 * (`runtime/proc.go`).
 *
 *   WATCHING ── no processor is busy ──> ASLEEP on the futex ── a thread is busy again ──> WATCHING
 *
 * A step is what a thread runs without coming back to its loop: nothing can interrupt it. If a thread has been in the same one
 * for longer than `STEP_MS` while work waits and nobody is there to do it, its processor is taken from it (`overtake`), and goes to a
 * spare or a new thread. The operating system shares the cores out between the two. Each step that is overtaken already makes
 * the next one wait twice as long: a program of nothing but long computations soon has a thread for each core and few besides.
 *
 * While it watches it looks every 20 µs at first, and then less and less often, as Go's; what it looks for takes `STEP_MS` at least.
 * It writes nothing that others wait for, so it may be late, or die, and nothing is lost but its service.
 */
import { writeSync } from 'node:fs'
import { BUSY, load, NONE, SPINNING, store, wait } from '@goro/memory'
import { M, M_RUNNING, MAX_THREADS } from './m.ts'
import { now } from './native.ts'
import { P } from './p.ts'
import { wakep } from './park.ts'
import { ASKED } from './preempt.ts'
import { isStopping, joinRegion, mAt, pAt, SCHED, Sched, self } from './sched.ts'
import { formatTrace } from './schedtrace.ts'
import { anyWork } from './steal.ts'

/** The slot by which it takes part. No M has it. */
export const SYSMON_M = MAX_THREADS - 1

/** How long a step may take before the processor is taken from its thread, in milliseconds: Go's `forcePreemptNS`. */
const STEP_MS = 10
/** As `STEP_MS`, if a thread would have to be started for it: that takes 50 ms, and a step that long is often over by then. */
const STEP_BEFORE_START_MS = 50
/**
 * As that, while another thread gets on: that will come to what waits, and a thread more has its code to load and to optimise, which may
 * take it longer than the whole step.
 */
const STEP_BESIDE_OTHERS_MS = 250
const SHORTEST_MS = 0.02
const LONGEST_MS = 10

/** By thread, the step in which it was last seen, and since when. */
const steps: number[] = []
const since: number[] = []

/** What the monitor is told. */
export interface SysmonTask {
  readonly buffer: SharedArrayBuffer
  /** Prints the scheduler's trace so often, in milliseconds; 0: never. And whether in detail. */
  readonly schedtrace: number
  readonly scheddetail: boolean
}

/** Watches until the runtime stops. */
export function sysmon({ buffer, schedtrace, scheddetail }: SysmonTask): void {
  joinRegion(buffer, SYSMON_M)
  const start = now()
  let traced = start
  let delay = SHORTEST_MS
  while (!isStopping()) {
    if (schedtrace > 0 && now() - traced >= schedtrace) {
      traced = now()
      writeSync(2, formatTrace(traced - start, scheddetail))
    }
    // Who traces does not sleep for long.
    if (schedtrace === 0 && isIdle()) {
      sleepWhileIdle()
      delay = SHORTEST_MS
    } else {
      wait(SCHED + Sched.sysmonSleeps, 0, delay)
      if (retake()) delay = SHORTEST_MS
      else delay = Math.min(delay * 2, LONGEST_MS)
    }
  }
}

function isIdle(): boolean {
  for (let t = 1; t < self.procs.threads; t++) {
    const state = self.idle.stateOf(t)
    if (state === BUSY || state === SPINNING) return false
  }
  return true
}

function sleepWhileIdle(): void {
  store(SCHED + Sched.sysmonSleeps, 1)
  // A thread that became busy before this look is seen here; one after it sees that it has to wake us.
  if (isIdle() && !isStopping()) wait(SCHED + Sched.sysmonSleeps, 1)
  store(SCHED + Sched.sysmonSleeps, 0)
}

/** Takes the processors of threads that have been in one step for too long. Whether there was one. */
function retake(): boolean {
  const time = now()
  const due: number[] = []
  let overtaken = 0
  let busy = 0
  for (let t = 1; t < self.procs.threads; t++) {
    const state = self.idle.stateOf(t)
    const isRunning = load(mAt(t) + M.status) === M_RUNNING
    const step = stepOf(t)
    if (steps[t] !== step || !isRunning || state === NONE) {
      steps[t] = step
      since[t] = time
    }
    if (state === NONE && isRunning && !self.procs.isInLine(t)) overtaken++
    if (isRunning && time - since[t]! >= STEP_MS) store(mAt(t) + M.preempt, ASKED)
    if (state === BUSY) busy++
    if (state === BUSY && isRunning && time - since[t]! >= STEP_MS) due.push(t)
  }
  const { idle } = self
  if (idle.idle > 0 || idle.spinning > 0) return false
  const startsAfter = due.length === busy ? STEP_BEFORE_START_MS : STEP_BESIDE_OTHERS_MS
  let any = false
  for (const t of due) {
    const most = self.procs.hasSpare() ? STEP_MS : startsAfter
    if (time - since[t]! < most * 2 ** overtaken || !(self.procs.isWanted || anyWork())) continue
    if (!self.procs.overtake(t, () => stepOf(t) === steps[t])) continue
    overtaken++
    any = true
    if (anyWork()) wakep()
  }
  return any
}

/** Changes whenever thread `t` comes back to its loop or starts a goroutine. */
const stepOf = (t: number): number => (load(pAt(t) + P.schedtick) + load(pAt(t) + P.turns)) | 0
