/**
 * G: a goroutine, one call of a sync or async function. A G struct is one cache line: what is queued for a core to run,
 * and in the end carries the result home.
 *
 *   IDLE ── go() ──> RUNNABLE ── a thread takes it ──> RUNNING ── returns a promise ──> WAITING
 *                        │                                │                                │
 *                        └── its signal aborts ──> CANCELLED        result or error written ──> DONE ──> IDLE
 *                                                    └── a thread takes it, and sends it home unrun ──↑
 *
 * A G is made by its creator's thread and comes back to it when DONE: the creator settles the `Goroutine`, and frees the
 * struct into its own cache, so that a million goroutines in a row run on the same few cache lines. In between it belongs to
 * whoever took it from a queue. A RUNNABLE one may move to any thread; once RUNNING it never moves (the largest departure
 * from Go: an async function resumes only in the isolate where it started).
 */
import { array, f64, i32, type Links, load, read, struct, write } from '@goro/memory'

export const G = struct({
  /** One of the states below. The current owner; by cas where the creator's abort and a thread's start may meet. */
  status: i32,
  /** Next in a queue, batch or inbox. The current owner. */
  schedlink: i32,
  /** Code record (an address) of its function. Written once, by the creator. */
  code: i32,
  /** Its place among its creator's `Goroutine` handles. Written once, by the creator. */
  handle: i32,
  /** Its id: a positive integer, unique in the process. Written once, by the creator. */
  goid: f64,
  /** M that made it and gets its result, or NOBODY. The creator, then the undertaker if the creator died. */
  creator: i32,
  /**
   * M that has it in hand: from when that took it from a queue until it is home; NOBODY while it is queued. So that what a dead thread had
   * in hand is found. Who takes it, or sends it on.
   */
  m: i32,
  /** Packed: see `Tags`. The creator for the arguments, then the thread that runs it for the result. */
  tags: i32,
  /** What is no bytes among its arguments (control.ts), if it has F_EXTERNALS; below 0 if the porter has it (moved.ts), 0 when it is fetched. As `tags`. */
  parcel: i32,
  /** First argument, then the result; or the address and length in bytes of the block that holds them all. As `tags`. */
  cell0: array(2, 2),
  /** Second argument. As `tags`. Of one that is pinned: once it owns its value, the address of the channel of requests (pin.ts). */
  cell1: array(2, 2),
  /**
   * Links of the global queue. Who holds it queued. Once it has ended, `batchCount` says how many its thread has ended with it: if that
   * dies, whether it was counted.
   */
  batchLink: i32,
  batchCount: i32,
})

/** How the global queue links Gs. */
export const G_LINKS: Links = { link: G.schedlink, batchLink: G.batchLink, batchCount: G.batchCount }

/** Free, or never used. */
export const IDLE = 0
/** In a run queue, or on its way from one to a thread. */
export const RUNNABLE = 1
/** Its first step is running, on M `m`. */
export const RUNNING = 2
/** It has returned a promise that is pending, on M `m`. */
export const WAITING = 3
/** Its result is written; in its creator's inbox. */
export const DONE = 4
/** Aborted before its start: the thread that takes it from the queue sends it home unrun. */
export const CANCELLED = 5

export const STATUS_NAMES = ['idle', 'runnable', 'running', 'waiting', 'done', 'cancelled'] as const

/**
 * The `tags` word: how many arguments (8 bits), the tags of the two cells (8 bits each), flags (8 bits). Up to two
 * arguments that fit in a cell stand in the struct; anything else is one block.
 */
export const tagsOf = (count: number, tag0: number, tag1: number, flags: number): number =>
  count | (tag0 << 8) | (tag1 << 16) | (flags << 24)
export const countOf = (tags: number): number => tags & 0xff
export const tag0Of = (tags: number): number => (tags >>> 8) & 0xff
export const tag1Of = (tags: number): number => (tags >>> 16) & 0xff
export const flagsOf = (tags: number): number => tags >>> 24

/** As the tag of cell 0: the cell holds the address and the length in bytes of a block. */
export const BLOCK = 255

/** Its creator may abort it: its start is a cas. */
export const F_ABORTABLE = 1
/** Something among its arguments is no bytes and waits in parcel `parcel`. */
export const F_EXTERNALS = 2
/** The value is an error. */
export const F_FAILED = 4
/** There was no shared memory left for its result. */
export const F_LOST = 8
/** It locks its thread and owns what its function returns (pin.ts): ahead of its arguments comes the line to those who use that. */
export const F_PINNED = 16
/** Among its arguments are handles: their classes have to be there before it starts (handle.ts). */
export const F_HANDLES = 32
/** Ahead of its arguments comes its context. */
export const F_CONTEXT = 64
/** Something comes ahead of its arguments. */
export const F_AHEAD = F_CONTEXT | F_PINNED
/** It has ended without having run: its cells hold the arguments. */
export const F_UNRUN = 128
/** With F_FAILED: no goroutine, but an error on its way to the main thread; `batchLink` says how many its thread has reported with it. */
export const F_REPORT = 1

/** `tags`, when the values have been taken out of the cells: whoever buries the thread that did must not take them again. */
export const emptied = (tags: number): number => tags & (F_PINNED << 24)

/** As `creator`: the thread that made it is gone. As `m`: no thread has it. */
export const NOBODY = -1
/** As `handle`: an error without a `Goroutine` on its way to the main thread (panic.ts). */
export const NO_HANDLE = -1

/** `g` has ended, with its result in it, and is counted in the word `finished` of its thread. */
export function end(g: number, finished: number): void {
  const count = (read(finished) + 1) | 0
  write(g + G.batchCount, count)
  write(g + G.status, DONE)
  write(finished, count)
}

/** Whether `g`, which has not ended, is to own a value. */
export const isPinned = (g: number): boolean => (flagsOf(read(g + G.tags)) & F_PINNED) !== 0

/** Whether thread `m` has ended `g`, which is not home. */
export const isEndedBy = (g: number, m: number): boolean => load(g + G.status) === DONE && read(g + G.m) === m

/** Whether `g` was counted when its thread, which is dead, had counted `finished`. */
export const isCounted = (g: number, finished: number): boolean => ((read(g + G.batchCount) - finished) | 0) <= 0
