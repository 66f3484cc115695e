/**
 * Which processors are idle and how many threads spin: what decides whether new work wakes a thread. After the essay
 * "Worker thread parking/unparking" in Go's `runtime/proc.go`: a wake-up happens only if a processor is idle and nobody
 * spins; a spinner that finds work wakes the next; the last spinner to give up looks at every queue once more.
 *
 * `counts` holds idle processors (upper half) and spinning threads (lower half) in one word, read by every `go()`, written
 * only when a thread goes to sleep or wakes. `mask` has one bit a processor; whoever clears a bit, by `and`, has that
 * processor and then lowers the count, and a count is raised before its bit is set: it is never below the number of bits.
 *
 * `spins` says, for each processor, how many of the spinning count it stands for: 0 or 1, or 2 for a moment when its thread
 * starts to spin just as a submitter claims it. It belongs to the processor, not to its thread, so that a claim survives the
 * thread. Only the thread that has the processor lowers it.
 *
 * No work is lost. A submitter makes work visible, then loads `counts`. A thread that goes idle raises the
 * count (and lowers the spinning one) and sets its bit, then looks at every queue again. Both orders are sequentially consistent: either the
 * submitter sees an idle processor and no spinner, and wakes; or the thread sees the work. If the submitter saw a spinner
 * instead, that spinner has yet to lower the count, and will look at every queue after it has.
 */
import { add, and, cas, exchange, load, or, read } from '#atomics'
import { array, type Field, i32, type Layout, LINE, line, struct } from './struct.ts'

const IDLE = 1 << 16
const SPINNING = 1

interface IdleSetFields extends Record<string, Field> {
  counts: Field
  mask: Field
  spins: Field
}

/** The layout for `capacity` processors. */
export function idleSetLayout(capacity: number): Layout<IdleSetFields> {
  return struct({
    /** Idle processors << 16 | spinning threads. Any thread, atomically. */
    counts: line(i32),
    /** Bit p % 32 of word p / 32: processor p is idle. Any thread, atomically. */
    mask: array((capacity + 31) >>> 5),
    /** By processor, a line each: its share of the spinning count. Submitters add, the thread that has it takes all. */
    spins: array(capacity * LINE, LINE),
  })
}

export class IdleSet {
  readonly #counts: number
  readonly #mask: number
  readonly #spins: number
  readonly #words: number

  constructor(base: number, capacity: number) {
    const layout = idleSetLayout(capacity)
    this.#counts = base + layout.counts
    this.#mask = base + layout.mask
    this.#spins = base + layout.spins
    this.#words = (capacity + 31) >>> 5
  }

  get idle(): number {
    return load(this.#counts) >>> 16
  }

  get spinning(): number {
    return load(this.#counts) & 0xffff
  }

  /**
   * For a submitter, after its work is visible: takes an idle processor, as a spinner, if there is one and nobody spins.
   * Returns its number or -1. The caller then looks up which thread has it, and wakes that.
   */
  claim(): number {
    const counts = load(this.#counts)
    if (counts >>> 16 === 0 || (counts & 0xffff) !== 0) return -1
    return this.#claimSlow()
  }

  #claimSlow(): number {
    // Becoming the spinner first makes sure that two submitters do not wake two threads for one piece of work. Only a
    // spinner lets us off: a processor that comes or goes meanwhile does not, it need not look at our work.
    for (;;) {
      const counts = load(this.#counts)
      if (counts >>> 16 === 0 || (counts & 0xffff) !== 0) return -1
      if (cas(this.#counts, counts, counts + SPINNING) !== counts) continue
      const p = this.#takeAny()
      if (p >= 0) {
        add(this.#spins + p * LINE, 1)
        return p
      }
      // Another submitter may have let itself off for our sake, and a processor may have gone to sleep before that: then
      // we owe it a thread. One whose bit comes later looks at every queue after that.
      add(this.#counts, -SPINNING)
      if (!this.#hasAny()) return -1
    }
  }

  /** Takes the first processor out of the mask that it can get; -1 if there is none. */
  #takeAny(): number {
    for (let word = 0; word < this.#words; word++) {
      for (let bits = load(this.#mask + word); bits !== 0; bits = load(this.#mask + word)) {
        const p = word * 32 + (31 - Math.clz32(bits & -bits))
        if (this.leave(p)) return p
      }
    }
    return -1
  }

  #hasAny(): boolean {
    for (let word = 0; word < this.#words; word++) if (load(this.#mask + word) !== 0) return true
    return false
  }

  /** Whether processor `p` counts as spinning. For the thread that has it. */
  isSpinning(p: number): boolean {
    return read(this.#spins + p * LINE) !== 0
  }

  /** Starts to spin on `p` if at most half of the busy processors of `procs` do. For the thread that has it. */
  trySpin(p: number, procs: number): boolean {
    const counts = load(this.#counts)
    const busy = procs - (counts >>> 16)
    if (2 * (counts & 0xffff) >= busy || cas(this.#counts, counts, counts + SPINNING) !== counts) return false
    add(this.#spins + p * LINE, 1)
    return true
  }

  /** Stops spinning on `p`, having found work: the caller then makes sure that somebody looks for more (Go's `resetspinning`). */
  stopSpinning(p: number): void {
    const spins = exchange(this.#spins + p * LINE, 0)
    if (spins !== 0) add(this.#counts, -spins * SPINNING)
  }

  /** Announces that `p` goes idle; it spins no longer. Look at every queue after this. For the thread that has it. */
  enter(p: number): void {
    add(this.#counts, IDLE - exchange(this.#spins + p * LINE, 0) * SPINNING)
    or(this.#mask + (p >>> 5), 1 << (p & 31))
  }

  /** Takes `p` out of the set. False if a submitter has claimed it: it then counts as a spinner, now or in a moment. */
  leave(p: number): boolean {
    const bit = 1 << (p & 31)
    if ((and(this.#mask + (p >>> 5), ~bit) & bit) === 0) return false
    add(this.#counts, -IDLE)
    return true
  }
}
