/**
 * P: a processor, the right to run goroutines plus a run queue. There are GOMAXPROCS such rights; a thread needs one to run
 * goroutine code. The run queue stays with its thread, and so does this struct: what goes from thread to thread is the right
 * (processors.ts), and whoever has it finds the work of a thread that lost it by stealing. In Go the queue moves along; here a
 * thread whose right is taken is in the middle of a step, may start goroutines in it, and must go on having a queue of its own
 * without an atomic at every `go`.
 *
 * The main thread has a P struct too (`MAIN_P`), for its queue alone: it never runs from it, others steal from it.
 *
 *   NONE ── granted ──> BUSY <── found work or woken ── IDLE        (the states are in the idle set, idle-set.ts)
 *    ↑                    └───────── nothing to run ───────↑
 *    └── handed off, overtaken, given way, or GOMAXPROCS lowered (BUSY and IDLE)
 */
import { array, BUSY, IDLE, i32, LINE, line, runQueueLayout, SPINNING, struct } from '@goro/memory'

/** Goroutines in a P's ring, as in Go. */
export const RUNQ_CAPACITY = 256
/** The most GOMAXPROCS can be. */
export const MAX_PROCS = 256
/** The main thread's P: as all threads, it has the number of its M. */
export const MAIN_P = 0

export const P = struct({
  /** Its run queue (run-queue.ts says who writes what). */
  runq: array(runQueueLayout(RUNQ_CAPACITY).SIZE, LINE),
  /** Goroutines started, and goroutines stolen from others. Its thread; others read them as statistics. */
  schedtick: line(i32),
  steals: i32,
  /** Turns of its thread's loop: with `schedtick`, how the monitor sees that it is still in the same step. Its thread. */
  turns: i32,
})

/** What the states of the idle set are called in statistics. */
export const P_STATUS_NAMES: Readonly<Record<number, 'busy' | 'idle'>> = {
  [BUSY]: 'busy',
  [SPINNING]: 'busy',
  [IDLE]: 'idle',
}
