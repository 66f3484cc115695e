/**
 * M: a machine, one thread. M 0 is the main thread, which creates goroutines and waits for them but runs none; the
 * others are worker threads, each one long task of the Piscina pool.
 *
 *   FREE ──> STARTING ──> RUNNING <──> SPINNING ──> SLEEPING ──> RUNNING …        any ──> DEAD ──> FREE (slot used again)
 *                            ├── sleeps without a processor ──> SPARE ──> RUNNING
 *                            │                                 └── not needed for long ──> RETIRED ──> DEAD
 *                            └── in blocking code, without a processor ──> BLOCKING ──> RUNNING
 */
import { array, cacheWords, InboxLayout, i32, LINE, line, NoteLayout, SLAB_SHAPE, struct } from '@goro/memory'

/** Threads there can be at once, the main thread among them. */
export const MAX_THREADS = 1024
export const MAIN_M = 0
/** The slot by which the monitor takes part (sysmon.ts), which is no M: the last one. */
export const SYSMON_M = MAX_THREADS - 1

export const M = struct({
  /** Where it sleeps (note.ts). */
  note: array(NoteLayout.SIZE, LINE),
  /** Goroutines that come home to it (inbox.ts). */
  inbox: array(InboxLayout.SIZE, LINE),
  /** One of the states below. Owner; the undertaker once it is dead. */
  status: line(i32),
  /** G whose first step is running, or 0. Owner. */
  curg: i32,
  /** A value on its way to or from a channel. Owner. */
  cell: array(4, 2),
  /** Started goroutines that wait for their promise. Owner. */
  waiting: i32,
  /**
   * Counted for ever, also when the slot is used again: goroutines it has made, goroutines it has run to their end, and
   * goroutines whose outcome it has handed on. Owner; the undertaker once it is dead.
   */
  created: i32,
  finished: i32,
  settled: i32,
  /** As these: what is no goroutine and has kept the process open (`hold`), what of it does no more, and errors told to the main thread. */
  held: i32,
  unheld: i32,
  reported: i32,
  /** The goroutine that it is making or passing on, until that is in a queue, or 0; and what `created` is once it is counted. Owner. */
  making: i32,
  makingAs: i32,
  /** Times it went to sleep; and, as of the last one, races that its threads have lost (races.ts). Owner. */
  sleeps: i32,
  races: i32,
  /** 1 while it sleeps and nothing in its event loop can wake it (deadlock.ts). Owner. */
  quiet: i32,
  /** Node's thread id, and that of the operating system if that is known, else 0. Owner. */
  threadId: i32,
  osThreadId: i32,
  /** Its place in the line for a processor, 0 if it is in none: where it waits. Under the lock of processors.ts. */
  ticket: i32,
  /** While there is an audit: whether it is in a step, one of the states below. Under the lock of processors.ts. */
  step: i32,
  /** How often a goroutine has locked it (`lockOSThread`). Owner. */
  locked: i32,
  /** 1 while what it is locked for is to own a value (pin.ts). Owner; the undertaker once it is dead. */
  pins: i32,
  /**
   * ASKED while the goroutine that runs is to let others run (preempt.ts). The monitor sets it, its thread clears it, atomically. Compiled code
   * reads it by a plain access, as a loop can't afford another: it need not see it at once.
   */
  preempt: i32,
  /** Counts the porter's answers to it (moved.ts); below 0 once there will be none any more. The porter; the main thread when that is gone. */
  answers: i32,
  /** Its slab cache (slab.ts). Owner; the undertaker once it is dead. */
  cache: array(cacheWords(SLAB_SHAPE.classes.length), LINE),
})

/** As `preempt`. Every byte of it is set: code looks at the first one, which is the low or the high one by machine. */
export const ASKED = -1

export const M_FREE = 0
export const M_STARTING = 1
export const M_RUNNING = 2
export const M_SPINNING = 3
export const M_SLEEPING = 4
export const M_DEAD = 5
export const M_SPARE = 6
export const M_BLOCKING = 7
export const M_RETIRED = 8

/** In no step; in one, with a processor; in one in which it has lost that (audit.ts). */
export const OUT = 0
export const IN = 1
export const OVERTAKEN = 2

export const M_STATUS_NAMES = [
  'free',
  'starting',
  'running',
  'spinning',
  'sleeping',
  'dead',
  'spare',
  'blocking',
  'retired',
] as const

/** Whether there is no thread, or one that is about to end and does nothing more. */
export const isGone = (status: number): boolean => status === M_FREE || status === M_DEAD || status === M_RETIRED
