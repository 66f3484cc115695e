/**
 * Which threads have the right to run goroutines (a processor), which of those are idle and how many spin: what decides
 * whether new work wakes a thread. After the essay "Worker thread parking/unparking" in Go's `runtime/proc.go`: a wake-up
 * happens only if a processor is idle and nobody spins; a spinner that finds work wakes the next; the last spinner to give up
 * looks at every queue once more.
 *
 * `state` holds, for each thread, one of NONE, BUSY, SPINNING and IDLE:
 *
 *   NONE ── grant ──> BUSY ── trySpin ──> SPINNING ── enter ──> IDLE ── leave (its thread) ──> BUSY
 *                      └──────────────── enter ─────────────────┘ └──── claim (a submitter) ──> SPINNING ── stopSpinning ──> BUSY
 *   NONE <── revoke: from BUSY (the monitor, a thread that gives way) or from IDLE (whoever needs the processor) ── BUSY, IDLE
 *
 * Out of NONE a thread is brought by whoever grants, under the lock that keeps the number of processors (processors.ts). All other
 * moves that two may want to make are a `cas`, so one of them makes it: a claim that has taken place is there to be seen by
 * whoever fails to leave, a revocation by whoever fails to enter, spin or leave. A SPINNING thread is not taken from: it is on its
 * way to work or to sleep.
 *
 * `counts` holds idle processors (upper half) and spinning threads (lower half) in one word, read by every `go()`, written
 * only when a thread goes to sleep or wakes. A count is raised before the state that it counts is entered, and lowered after
 * that is left: it is never below what the states say.
 *
 * A thread may die in the middle of a move, between the state and its count. So it says when it begins and ends one (`moves`, odd in
 * between), and `mend` puts the counts right: it sums up the states while no living thread moves. It reads every `moves`, the counts and
 * the states, and every `moves` again: if none is odd and none has changed, the counts were off by what the dead have left, and by nothing
 * else, and they stay off by that much, whatever the living do since.
 *
 * No work is lost. A submitter makes work visible, then loads `counts`. A thread that goes idle raises the
 * count (and lowers the spinning one) and becomes IDLE, then looks at every queue again. Both orders are sequentially
 * consistent: either the submitter sees an idle processor and no spinner, and wakes; or the thread sees the work. If the
 * submitter saw a spinner instead, that spinner has yet to lower the count, and will look at every queue after it has.
 */
import { add, cas, load, read, store } from '#atomics'
import { lose } from './races.ts'
import { array, type Field, i32, type Layout, LINE, line, struct } from './struct.ts'

/** What one idle processor, and one spinning thread, add to `counts`. */
const ONE_IDLE = 1 << 16
const ONE_SPINNING = 1

export const NONE = 0
export const BUSY = 1
export const SPINNING = 2
export const IDLE = 3

/** Why a claim came to nothing. */
const NONE_IDLE = -1
const LOST_RACE = -2

interface IdleSetFields extends Record<string, Field> {
  counts: Field
  state: Field
  moves: Field
}

/** The layout for `capacity` threads. */
export function idleSetLayout(capacity: number): Layout<IdleSetFields> {
  return struct({
    /** Idle processors << 16 | spinning threads. Any thread, atomically. */
    counts: line(i32),
    /** By thread, a line each: one of the states above. See there who moves it. */
    state: array(capacity * LINE, LINE),
    /** By thread, a line each: how often it has begun or ended a move. That thread; the undertaker once it is dead. */
    moves: array(capacity * LINE, LINE),
  })
}

export class IdleSet {
  readonly #counts: number
  readonly #state: number
  readonly #moves: number
  readonly #own: number

  /** The face of thread `self`. */
  constructor(base: number, capacity: number, self: number) {
    const layout = idleSetLayout(capacity)
    this.#moves = base + layout.moves
    this.#own = this.#moves + self * LINE
    this.#counts = base + layout.counts
    this.#state = base + layout.state
  }

  get idle(): number {
    return load(this.#counts) >>> 16
  }

  get spinning(): number {
    return load(this.#counts) & 0xffff
  }

  /** The state of thread `t`. */
  stateOf(t: number): number {
    return load(this.#state + t * LINE)
  }

  /**
   * For a submitter, after its work is visible: takes an idle processor from one of the first `threads`, as a spinner, if there
   * is one and nobody spins. Returns the thread, for the caller to wake, or -1.
   */
  claim(threads: () => number): number {
    const counts = load(this.#counts)
    if (counts >>> 16 === 0 || (counts & 0xffff) !== 0) return -1
    return this.#claimSlow(threads())
  }

  #claimSlow(threads: number): number {
    // Becoming the spinner first makes sure that two submitters do not wake two threads for one piece of work. Only a
    // spinner lets us off: a processor that comes or goes meanwhile does not, it need not look at our work.
    for (;;) {
      const counts = load(this.#counts)
      if (counts >>> 16 === 0 || (counts & 0xffff) !== 0) return -1
      add(this.#own, 1)
      const claimed = this.#claimAs(counts, threads)
      add(this.#own, 1)
      if (claimed >= 0) return claimed
      // Another submitter may have let itself off for our sake, and a processor may have gone to sleep before that: then
      // we owe it a thread. One that becomes idle later looks at every queue after that.
      if (claimed === NONE_IDLE && !this.#hasAny(threads)) return -1
    }
  }

  /** Claims a processor if the counts still are `counts`: else LOST_RACE. */
  #claimAs(counts: number, threads: number): number {
    if (cas(this.#counts, counts, counts + ONE_SPINNING) !== counts) {
      lose()
      return LOST_RACE
    }
    for (let t = 0; t < threads; t++) {
      const state = this.#state + t * LINE
      if (load(state) !== IDLE || cas(state, IDLE, SPINNING) !== IDLE) continue
      add(this.#counts, -ONE_IDLE)
      return t
    }
    add(this.#counts, -ONE_SPINNING)
    return NONE_IDLE
  }

  #hasAny(threads: number): boolean {
    for (let t = 0; t < threads; t++) if (load(this.#state + t * LINE) === IDLE) return true
    return false
  }

  /** Whether thread `t` has a processor. For `t` itself: what it reads without an atomic is no older than its last one. */
  has(t: number): boolean {
    return read(this.#state + t * LINE) !== NONE
  }

  /** Whether thread `t` counts as spinning. For `t` itself. */
  isSpinning(t: number): boolean {
    return read(this.#state + t * LINE) === SPINNING
  }

  /** Starts to spin if at most half of the busy ones of `procs` processors do. For thread `t`, which is BUSY. */
  trySpin(t: number, procs: number): boolean {
    const counts = load(this.#counts)
    const busy = procs - (counts >>> 16)
    if (2 * (counts & 0xffff) >= busy) return false
    add(this.#own, 1)
    const spins = this.#spinAs(t, counts)
    add(this.#own, 1)
    return spins
  }

  #spinAs(t: number, counts: number): boolean {
    if (cas(this.#counts, counts, counts + ONE_SPINNING) !== counts) {
      lose()
      return false
    }
    if (cas(this.#state + t * LINE, BUSY, SPINNING) === BUSY) return true
    // Its processor has just been taken. Who submitted meanwhile may have counted on it: the caller looks at every queue.
    add(this.#counts, -ONE_SPINNING)
    return false
  }

  /** Stops spinning, having found work: the caller then makes sure that somebody looks for more (Go's `resetspinning`). */
  stopSpinning(t: number): void {
    if (!this.isSpinning(t)) return
    add(this.#own, 1)
    store(this.#state + t * LINE, BUSY)
    add(this.#counts, -ONE_SPINNING)
    add(this.#own, 1)
  }

  /**
   * Announces that thread `t`, which spins no longer, is idle. Look at every queue after this. False if its processor has been
   * taken from it. For `t` itself.
   */
  enter(t: number): boolean {
    const spins = this.isSpinning(t)
    const from = spins ? SPINNING : BUSY
    add(this.#own, 1)
    add(this.#counts, spins ? ONE_IDLE - ONE_SPINNING : ONE_IDLE)
    const entered = cas(this.#state + t * LINE, from, IDLE) === from
    if (!entered) add(this.#counts, -ONE_IDLE)
    add(this.#own, 1)
    return entered
  }

  /**
   * Thread `t` is idle no more. False if it was not: a submitter has claimed its processor, and it counts as a spinner, or the
   * processor has been taken from it.
   */
  leave(t: number): boolean {
    return this.#move(t, BUSY)
  }

  #move(t: number, to: number): boolean {
    if (load(this.#state + t * LINE) !== IDLE) return false
    add(this.#own, 1)
    const moved = cas(this.#state + t * LINE, IDLE, to) === IDLE
    if (moved) add(this.#counts, -ONE_IDLE)
    add(this.#own, 1)
    return moved
  }

  // --- for processors.ts, under its lock ------------------------------------------------------------------------------------

  /** Gives thread `t`, which has none, a processor. */
  grant(t: number): void {
    store(this.#state + t * LINE, BUSY)
  }

  /** As `grant`, for a thread that sleeps: the processor is idle. Look at every queue after this. */
  grantIdle(t: number): void {
    add(this.#own, 1)
    add(this.#counts, ONE_IDLE)
    store(this.#state + t * LINE, IDLE)
    add(this.#own, 1)
  }

  /** Takes the processor of thread `t`, which is BUSY. False if it is not. */
  revokeBusy(t: number): boolean {
    return cas(this.#state + t * LINE, BUSY, NONE) === BUSY
  }

  /** Takes the processor of thread `t`, which is IDLE. False if it is not. */
  revokeIdle(t: number): boolean {
    return this.#move(t, NONE)
  }

  /** Takes the processor of the dead thread `t`. False if it had none. Then `mend`, and look at every queue. */
  revokeDead(t: number): boolean {
    // It is in no move any more.
    const moves = this.#moves + t * LINE
    if ((load(moves) & 1) === 1) add(moves, 1)
    for (;;) {
      const state = load(this.#state + t * LINE)
      if (state === NONE) return false
      add(this.#own, 1)
      // A submitter may be claiming it just now.
      const revoked = cas(this.#state + t * LINE, state, NONE) === state
      if (revoked && state === IDLE) add(this.#counts, -ONE_IDLE)
      if (revoked && state === SPINNING) add(this.#counts, -ONE_SPINNING)
      add(this.#own, 1)
      if (revoked) return true
    }
  }

  /**
   * After the deaths of threads: puts the counts right, if none of `threads` threads moves just now. False if one does: try again soon. Look at every
   * queue after it.
   */
  mend(threads: readonly number[]): boolean {
    const before = threads.map((t) => load(this.#moves + t * LINE))
    if (before.some((moves) => (moves & 1) === 1)) return false
    const counts = load(this.#counts)
    let idle = 0
    let spinning = 0
    for (const t of threads) {
      const state = load(this.#state + t * LINE)
      if (state === IDLE) idle++
      if (state === SPINNING) spinning++
    }
    if (threads.some((t, i) => load(this.#moves + t * LINE) !== before[i])) return false
    const off = counts - (idle * ONE_IDLE + spinning * ONE_SPINNING)
    if (off !== 0) add(this.#counts, -off)
    return true
  }
}
