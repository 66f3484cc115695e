/**
 * The interleaving explorer: runs the real source of a structure, with every shared access going through the seam, in
 * every order in which its threads' atomic calls can happen, up to a bound on preemptions (or without one).
 *
 * A depth-first search over schedules. Since a state's `key` says all that the future depends on, a state that was reached
 * before is not walked again: its number of executions is added and the search goes on. Every schedule within the bound
 * is thereby covered, and counted, though few are walked.
 *
 * A switch from a thread that could have gone on costs one preemption. A switch from one that has ended, sleeps, or waits
 * in a spin loop costs nothing. Most bugs need one or two (Musuvathi and Qadeer, PLDI 2007), and a failure is searched for
 * again with lower bounds, so that the schedule that is printed has as few as can be.
 *
 * What is not explored: weak memory. JavaScript's atomics are sequentially consistent, and a program without data races
 * behaves as if all its accesses were; what has a race is reported, not explored (see `race.ts`).
 */
import { Key } from './key.ts'
import { directly, Program } from './program.ts'
import { Fault, type Speculative, Touched } from './race.ts'
import {
  describeFailure,
  formatSchedule,
  type Move,
  type NamedStruct,
  nameAddresses,
  parseSchedule,
  Trace,
} from './report.ts'
import { type Operation, State, type World } from './state.ts'

/** Words from `from` up to `to`. */
export interface Range {
  readonly from: number
  readonly to: number
}

export interface Exploration {
  /** Words of shared memory, all 0 at first. Address 0 is null and may not be touched. */
  readonly words: number
  /** Prepares memory, before the threads start. */
  readonly setup?: () => void
  /**
   * The threads. Each function is run many times, from its start: it creates what it changes, except in shared memory, and
   * does the same each time.
   */
  readonly threads: readonly (() => unknown)[]
  /**
   * Checks the end of every execution, by throwing. Gets what each thread returned (nothing for one that sleeps or died),
   * frozen, and the history of operations; may use the structures to look at memory.
   */
  readonly after?: (results: readonly unknown[], history: readonly Operation[]) => void
  /** Most preemptions of an execution. Without it, there is no bound. */
  readonly maxPreemptions?: number | undefined
  /** Threads that may be asleep for ever at the end. */
  readonly allowAsleep?: readonly number[]
  /** Most early returns from `wait` (spurious, or timed out) of an execution; 0 if not given. */
  readonly earlyReturns?: number
  /** Threads that may die between any two of their calls, plain ones included. */
  readonly mortal?: readonly number[]
  /** Plain reads that may race if their thread's next `cas` on a word then fails. */
  readonly speculative?: readonly Speculative[]
  /** Words whose plain accesses may race; each of them is a scheduling point. */
  readonly racy?: readonly Range[]
  /** Names of structs, for readable failures. */
  readonly names?: readonly NamedStruct[]
  /** Longest execution, in steps; what is longer counts as a livelock. */
  readonly maxSteps?: number
  /** Runs this one schedule, as a failure printed it, instead of all. */
  readonly replay?: string | undefined
}

export interface Explored {
  /** Schedules that were covered. */
  readonly executions: number
  /** Steps that were taken to cover them. */
  readonly steps: number
  /** Different states in which there was a choice. */
  readonly states: number
}

/** An execution in which something went wrong; `cause` is what was thrown, if anything was. */
export class ExploreFailure extends Error {
  override readonly name = 'ExploreFailure'
  /** For `replay`. */
  readonly schedule: string

  constructor(message: string, schedule: string, cause: unknown) {
    super(message, { cause })
    this.schedule = schedule
  }
}

interface Choice {
  readonly move: Move
  readonly cost: number
}

interface Failing {
  readonly path: readonly Move[]
  readonly error: unknown
}

const MAX_STEPS = 2000

/**
 * Explores.
 *
 * @throws ExploreFailure for the first execution that fails, by a race, a deadlock or lost wake-up, a livelock, or an error
 * of a thread or of `after`.
 */
export function explore(exploration: Exploration): Explored {
  const explorer = new Explorer(exploration)
  if (exploration.replay !== undefined) return explorer.follow(parseSchedule(exploration.replay))
  const bound = exploration.maxPreemptions ?? Infinity
  let found = explorer.search(bound)
  if ('executions' in found) return found
  // Any schedule has finitely many preemptions, so this ends, with the same failure at the latest.
  for (let fewer = 0; fewer < bound; fewer++) {
    const simpler = explorer.search(fewer)
    if ('executions' in simpler) continue
    found = simpler
    break
  }
  explorer.follow(found.path)
  // Following the path did not fail: what failed is the explorer.
  throw found.error
}

class Explorer {
  readonly #exploration: Exploration
  readonly #world: World
  readonly #threads: readonly number[]
  /** By depth. */
  readonly #states: State[] = []
  /** Executions that follow from a state, by its key. */
  readonly #known = new Map<string, number>()
  #bound = Infinity
  #path: Move[] = []
  #steps = 0

  constructor(exploration: Exploration) {
    const { words, threads, racy = [], names = [] } = exploration
    if (words > 0xffff) throw new RangeError(`explore: ${words} words are too many, ${0xffff} is the most`)
    this.#exploration = exploration
    this.#threads = threads.map((_, t) => t)
    this.#world = {
      words,
      threads: threads.length,
      program: new Program(threads),
      touched: new Touched(words),
      speculative: exploration.speculative ?? [],
      racy: (address) => racy.some(({ from, to }) => address >= from && address < to),
      mortal: exploration.mortal ?? [],
      early: exploration.earlyReturns ?? 0,
      nameOf: nameAddresses(names),
    }
  }

  /** Covers all schedules with at most `bound` preemptions, or returns the first that fails. */
  search(bound: number): Explored | Failing {
    this.#bound = bound
    this.#known.clear()
    this.#path = []
    this.#steps = 0
    try {
      this.#begin(this.#state(0))
      const executions = this.#walk(0, -1, 0)
      return { executions, steps: this.#steps, states: this.#known.size }
    } catch (error) {
      return { path: this.#path, error }
    }
  }

  /** Runs one schedule, and whatever comes first from where it ends. */
  follow(path: readonly Move[]): Explored {
    const trace = new Trace(this.#world.nameOf)
    const state = new State(this.#world)
    const taken: Move[] = []
    state.tracer = trace
    try {
      this.#begin(state)
      for (;;) {
        const last = taken.at(-1) ?? -1
        const possible = this.#moves(state, last)
        const planned = path[taken.length]
        if (planned !== undefined && !possible.includes(planned)) {
          throw new RangeError(
            `the schedule does not fit: ${formatSchedule([planned])} cannot be step ${taken.length + 1}`,
          )
        }
        if (taken.length >= this.#maxSteps) throw tooLong(this.#maxSteps)
        const at = taken.push(-1) - 1
        const move = (planned === undefined ? possible : [planned]).find((each) => {
          taken[at] = each
          return this.#take(state, each)
        })
        if (move === undefined) {
          taken.pop()
          break
        }
      }
      this.#finish(state)
      return { executions: 1, steps: taken.length, states: taken.length + 1 }
    } catch (error) {
      throw new ExploreFailure(describeFailure(error, trace, this.#history(state), taken), formatSchedule(taken), error)
    }
  }

  get #maxSteps(): number {
    return this.#exploration.maxSteps ?? MAX_STEPS
  }

  #state(depth: number): State {
    if (depth === this.#states.length) this.#states.push(new State(this.#world))
    return this.#states[depth] as State
  }

  #begin(state: State): void {
    const { setup } = this.#exploration
    state.reset()
    if (setup !== undefined) directly((op) => state.perform(op), setup)
    state.begin()
  }

  /** Walks everything that follows from the state at `depth`, and returns how many executions that is. */
  #walk(depth: number, last: Move, preemptions: number): number {
    const state = this.#state(depth)
    const start = this.#path.length
    let moves = this.#affordable(state, last, preemptions)
    // Where there is no choice there is nothing to come back to.
    while (moves.length === 1 && !this.#isEnd(state)) {
      const [{ move, cost }] = moves as [Choice]
      if (!this.#advance(state, move)) throw livelock(state, this.#threads)
      last = move
      preemptions = cost
      moves = this.#affordable(state, last, preemptions)
    }
    const key = this.#keyOf(state, last, preemptions)
    let executions = this.#known.get(key) ?? 0
    if (executions === 0) {
      if (this.#isEnd(state)) {
        const end = this.#state(depth + 1)
        end.copyFrom(state)
        this.#finish(end)
        executions = 1
      }
      for (const { move, cost } of moves) {
        const next = this.#state(depth + 1)
        next.copyFrom(state)
        if (this.#advance(next, move)) executions += this.#walk(depth + 1, move, cost)
        this.#path.pop()
      }
      if (executions === 0) throw livelock(state, this.#threads)
      this.#known.set(key, executions)
    }
    this.#path.length = start
    return executions
  }

  #advance(state: State, move: Move): boolean {
    if (this.#path.length >= this.#maxSteps) throw tooLong(this.#maxSteps)
    this.#path.push(move)
    this.#steps++
    return this.#take(state, move)
  }

  #keyOf(state: State, last: Move, preemptions: number): string {
    const key = new Key()
    state.encode(key)
    if (this.#bound !== Infinity) {
      key.add(preemptions)
      key.add(this.#goesOn(state, last) ? last : -1)
    }
    return key.toString()
  }

  /** Whether to switch from `last` now is to preempt it. */
  #goesOn(state: State, last: Move): boolean {
    return last >= 0 && state.canStep(last) && !state.isSpinning(last)
  }

  /** What may happen next within the bound, and the preemptions that the execution then has. */
  #affordable(state: State, last: Move, preemptions: number): Choice[] {
    const goesOn = this.#goesOn(state, last)
    // Most of a bounded search: there is one way on, and no need to look for it.
    if (goesOn && preemptions === this.#bound && !state.canDie(last)) return [{ move: last, cost: preemptions }]
    return this.#moves(state, last)
      .map((move) => ({ move, cost: goesOn && threadOf(move) !== last ? preemptions + 1 : preemptions }))
      .filter(({ cost }) => cost <= this.#bound)
  }

  /** What may happen next. First comes what needs no switch. */
  #moves(state: State, last: Move): Move[] {
    if (last >= 0 && state.isWithinStep(last)) return [last, dies(last)]
    const threads = last < 0 ? this.#threads : [last, ...this.#threads.filter((t) => t !== last)]
    const steps = threads.filter((t) => state.canStep(t))
    const early = threads.filter((t) => state.canReturnEarly(t) || (steps.length === 0 && state.canTimeOut(t)))
    return [...steps, ...early, ...threads.filter((t) => state.canDie(t)).map(dies)]
  }

  #take(state: State, move: Move): boolean {
    if (move >= 0) return state.step(move)
    state.die(threadOf(move))
    return true
  }

  /** Nothing has to follow. */
  #isEnd(state: State): boolean {
    return !this.#threads.some((t) => state.canStep(t) || state.canTimeOut(t))
  }

  /** Looks whether an execution ended well, and throws if not. */
  #finish(state: State): void {
    const { allowAsleep = [], after } = this.#exploration
    const stuck = this.#threads.filter((t) => !state.isOver(t))
    if (stuck.some((t) => state.canStep(t))) throw livelock(state, this.#threads)
    const lost = stuck.filter((t) => !allowAsleep.includes(t))
    if (lost.length > 0) {
      const where = lost.map((t) => `T${t} sleeps for ever in ${state.whereabouts(t)}`).join(', ')
      throw new Fault(`deadlock or lost wake-up: ${where}`)
    }
    if (after === undefined) return
    const results = this.#threads.map((t) => state.result(t))
    const history = this.#history(state)
    directly(
      (op) => state.perform(op),
      () => after(results, history),
    )
  }

  #history(state: State): Operation[] {
    return this.#threads.flatMap((t) => state.operations(t))
  }
}

const threadOf = (move: Move): number => (move < 0 ? ~move : move)
const dies = (thread: number): Move => ~thread

function tooLong(steps: number): Fault {
  return new Fault(`livelock: still running after ${steps} steps`)
}

function livelock(state: State, threads: readonly number[]): Fault {
  const spinning = threads.filter((t) => state.canStep(t)).map((t) => `T${t} spins for ever at ${state.whereabouts(t)}`)
  return new Fault(`livelock: ${spinning.join(', ')}`)
}
