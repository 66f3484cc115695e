/**
 * P: a processor, the right to run goroutines plus a run queue. There are GOMAXPROCS of them; a thread needs one to run
 * goroutine code. The main thread has a P struct too (`MAIN_P`), for its queue alone: it never runs from it, others steal
 * from it.
 *
 *   UNUSED ── gomaxprocs grows ──> BUSY <── found work or woken ── IDLE      (UNUSED again when gomaxprocs shrinks)
 *                                └───────── nothing to run ────────┘
 */
import { array, i32, LINE, line, runQueueLayout, struct } from '@goro/memory'

/** Goroutines in a P's ring, as in Go. */
export const RUNQ_CAPACITY = 256
export const MAX_PROCS = 256
/** The main thread's P, behind those that run. */
export const MAIN_P = MAX_PROCS

export const P = struct({
  /** Its run queue (run-queue.ts says who writes what). */
  runq: array(runQueueLayout(RUNQ_CAPACITY).SIZE, LINE),
  /** One of the states below. The M that has it. */
  status: line(i32),
  /** M that has it. That M at its start, the undertaker when it dies. */
  m: i32,
  /** Goroutines started, and goroutines stolen from others. The M that has it; others read them as statistics. */
  schedtick: i32,
  steals: i32,
})

export const P_UNUSED = 0
export const P_IDLE = 1
export const P_BUSY = 2

export const P_STATUS_NAMES = ['unused', 'idle', 'busy'] as const
