/**
 * Which processors are idle and how many threads spin: what decides whether new work wakes a thread. After the essay
 * "Worker thread parking/unparking" in Go's `runtime/proc.go`: a wake-up happens only if a processor is idle and nobody
 * spins; a spinner that finds work wakes the next; the last spinner to give up looks at every queue once more.
 *
 * `state` holds, for each processor, one of BUSY, SPINNING and IDLE:
 *
 *   BUSY ── trySpin ──> SPINNING ── enter ──> IDLE ── leave (its thread) ──> BUSY
 *    └───────────────── enter ─────────────────┘ └──── claim (a submitter) ──> SPINNING ── stopSpinning ──> BUSY
 *
 * Only its own thread moves it, but for the claim; and the two ways out of IDLE are a `cas`, so one of them gets it. A claim
 * that has taken place is there to be seen by whoever fails to leave. The state belongs to the processor, not to its
 * thread, so that a claim survives the thread.
 *
 * `counts` holds idle processors (upper half) and spinning threads (lower half) in one word, read by every `go()`, written
 * only when a thread goes to sleep or wakes. A count is raised before the state that it counts is entered, and lowered after
 * that is left: it is never below what the states say.
 *
 * No work is lost. A submitter makes work visible, then loads `counts`. A thread that goes idle raises the
 * count (and lowers the spinning one) and becomes IDLE, then looks at every queue again. Both orders are sequentially
 * consistent: either the submitter sees an idle processor and no spinner, and wakes; or the thread sees the work. If the
 * submitter saw a spinner instead, that spinner has yet to lower the count, and will look at every queue after it has.
 */
import { add, cas, load, read, store } from '#atomics'
import { array, type Field, i32, type Layout, LINE, line, struct } from './struct.ts'

/** What one idle processor, and one spinning thread, add to `counts`. */
const ONE_IDLE = 1 << 16
const ONE_SPINNING = 1

const BUSY = 0
const SPINNING = 1
const IDLE = 2

interface IdleSetFields extends Record<string, Field> {
  counts: Field
  state: Field
}

/** The layout for `capacity` processors. */
export function idleSetLayout(capacity: number): Layout<IdleSetFields> {
  return struct({
    /** Idle processors << 16 | spinning threads. Any thread, atomically. */
    counts: line(i32),
    /** By processor, a line each: one of the states above. The thread that has it; a submitter from IDLE, by cas. */
    state: array(capacity * LINE, LINE),
  })
}

export class IdleSet {
  readonly #counts: number
  readonly #state: number

  constructor(base: number, capacity: number) {
    const layout = idleSetLayout(capacity)
    this.#counts = base + layout.counts
    this.#state = base + layout.state
  }

  get idle(): number {
    return load(this.#counts) >>> 16
  }

  get spinning(): number {
    return load(this.#counts) & 0xffff
  }

  /**
   * For a submitter, after its work is visible: takes an idle processor out of the first `procs`, as a spinner, if there is
   * one and nobody spins. Returns its number or -1. The caller then looks up which thread has it, and wakes that.
   */
  claim(procs: () => number): number {
    const counts = load(this.#counts)
    if (counts >>> 16 === 0 || (counts & 0xffff) !== 0) return -1
    return this.#claimSlow(procs())
  }

  #claimSlow(procs: number): number {
    // Becoming the spinner first makes sure that two submitters do not wake two threads for one piece of work. Only a
    // spinner lets us off: a processor that comes or goes meanwhile does not, it need not look at our work.
    for (;;) {
      const counts = load(this.#counts)
      if (counts >>> 16 === 0 || (counts & 0xffff) !== 0) return -1
      if (cas(this.#counts, counts, counts + ONE_SPINNING) !== counts) continue
      for (let p = 0; p < procs; p++) {
        const state = this.#state + p * LINE
        if (load(state) !== IDLE || cas(state, IDLE, SPINNING) !== IDLE) continue
        add(this.#counts, -ONE_IDLE)
        return p
      }
      // Another submitter may have let itself off for our sake, and a processor may have gone to sleep before that: then
      // we owe it a thread. One that becomes idle later looks at every queue after that.
      add(this.#counts, -ONE_SPINNING)
      if (!this.#hasAny(procs)) return -1
    }
  }

  #hasAny(procs: number): boolean {
    for (let p = 0; p < procs; p++) if (load(this.#state + p * LINE) === IDLE) return true
    return false
  }

  /** Whether processor `p` counts as spinning. For the thread that has it, while it is not idle. */
  isSpinning(p: number): boolean {
    return read(this.#state + p * LINE) === SPINNING
  }

  /** Starts to spin on `p` if at most half of the busy processors of `procs` do. For the thread that has it. */
  trySpin(p: number, procs: number): boolean {
    const counts = load(this.#counts)
    const busy = procs - (counts >>> 16)
    if (2 * (counts & 0xffff) >= busy || cas(this.#counts, counts, counts + ONE_SPINNING) !== counts) return false
    store(this.#state + p * LINE, SPINNING)
    return true
  }

  /** Stops spinning on `p`, having found work: the caller then makes sure that somebody looks for more (Go's `resetspinning`). */
  stopSpinning(p: number): void {
    if (!this.isSpinning(p)) return
    store(this.#state + p * LINE, BUSY)
    add(this.#counts, -ONE_SPINNING)
  }

  /** Announces that `p` goes idle; it spins no longer. Look at every queue after this. For the thread that has it. */
  enter(p: number): void {
    add(this.#counts, this.isSpinning(p) ? ONE_IDLE - ONE_SPINNING : ONE_IDLE)
    store(this.#state + p * LINE, IDLE)
  }

  /** Takes `p` out of the set. False if it is not idle: a submitter has claimed it, and it counts as a spinner, or it never was. */
  leave(p: number): boolean {
    if (cas(this.#state + p * LINE, IDLE, BUSY) !== IDLE) return false
    add(this.#counts, -ONE_IDLE)
    return true
  }
}
