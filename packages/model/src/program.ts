/**
 * A thread as the tree of everything it may do. A node is one call of the seam that the thread is about to make; its
 * children are how the thread goes on, by what that call returns. Nothing else decides what a thread does, so a node is
 * all that has to be remembered of it: the explorer walks this tree, however often, without running the thread.
 *
 * A tree grows by replay. JavaScript cannot copy a thread that stands in the middle of a function, but it can run it
 * again: the seam answers from the path that leads to the new node and stops the thread, by throwing, at the call after
 * it. A thread's code thus runs once for each history that it can have, not once for each interleaving.
 */

/** What a call of the seam can be; which of them are scheduling points is in `state.ts`. */
export type Kind =
  | 'load'
  | 'store'
  | 'cas'
  | 'exchange'
  | 'add'
  | 'and'
  | 'or'
  | 'wait'
  | 'waitAsync'
  | 'notify'
  | 'sleep'
  | 'turn'
  | 'outlive'
  | 'pause'
  | 'read'
  | 'write'
  | 'readF64'
  | 'writeF64'
  | 'bytes'
  | 'writeBytes'
  | 'words'

/** What a call of the seam returns. */
export type Value = number | undefined | readonly number[] | Uint8Array

export interface Op {
  readonly kind: Kind
  readonly address: number
  /** First and second argument after the address. */
  readonly a: number
  readonly b: number
  readonly data: Uint8Array | undefined
}

/** What a test records of one operation of a structure: see `operation`. */
export interface Call {
  readonly name: string
  readonly args: readonly unknown[]
  readonly result: unknown
  /** The thread was still in it when the execution ended. */
  readonly pending: boolean
}

/** How a thread's function ended. */
export type Outcome = { readonly value: unknown } | { readonly error: unknown }

export interface Node {
  /** Unique among the nodes of all threads. */
  readonly id: number
  readonly parent: Node | undefined
  /** What the parent's call returned. */
  readonly value: Value
  /** Calls before this one. */
  readonly depth: number
  /** The call that the thread is about to make; none at its end. */
  readonly op: Op | undefined
  readonly outcome: Outcome | undefined
  /** Operations that have begun when this call is made, and those of them that have ended before. */
  readonly started: number
  readonly ended: number
  readonly calls: readonly Call[]
  readonly children: Map<number | string | undefined, Node>
}

/** Thrown through a thread's code to stop it at a call. */
const STOP = Symbol('stop')

/** One run of a thread's function along the path to a node. */
class Run {
  readonly #path: readonly Op[]
  readonly #values: readonly Value[]
  #at = 0
  readonly #wakers = new Map<number, () => void>()
  readonly #views: { readonly seen: Uint8Array; readonly given: Uint8Array }[] = []
  readonly calls: Call[] = []
  ended = 0
  op: Op | undefined

  constructor(path: readonly Op[], values: readonly Value[]) {
    this.#path = path
    this.#values = values
  }

  step(kind: Kind, address: number, a: number, b: number, data: Uint8Array | undefined): Value {
    if (this.op !== undefined) throw STOP
    for (const { seen, given } of this.#views) {
      if (given.some((byte, i) => byte !== seen[i])) throw new Error('bytes() is a copy here: write with writeBytes()')
    }
    if (this.#at === this.#path.length) {
      this.op = { kind, address, a, b, data }
      throw STOP
    }
    const op = this.#path[this.#at] as Op
    if (op.kind !== kind || op.address !== address) {
      throw new Error(
        `a thread must do the same each time it is run, but ${op.kind} at ${op.address} became ${kind} at ${address}: ` +
          'create in the thread function all that it changes, and use no clock and no random numbers',
      )
    }
    const value = this.#values[this.#at++]
    if (!(value instanceof Uint8Array)) return value
    const given = value.slice()
    this.#views.push({ seen: value, given })
    return given
  }

  /** Keeps the callback of the `waitAsync` that has just returned. */
  arm(wake: () => void): void {
    this.#wakers.set(this.#at - 1, wake)
  }

  wake(id: number): void {
    const waker = this.#wakers.get(id) as () => void
    this.#wakers.delete(id)
    waker()
  }

  operation<T>(name: string, args: readonly unknown[], body: () => T): T {
    if (this.calls.length > this.ended) throw new Error(`operation ${name} inside another operation`)
    const index = this.calls.push({ name, args, result: undefined, pending: true }) - 1
    const result = body()
    this.calls[index] = { name, args, result, pending: false }
    this.ended++
    return result
  }
}

/** The thread that is being run, if one is. */
let run: Run | undefined
/** Carries out calls at once, outside all threads: in `setup` and `after`. */
let direct: ((op: Op) => Value) | undefined

/** Where every call of the seam goes. */
export function step(kind: Kind, address = 0, a = 0, b = 0, data?: Uint8Array): Value {
  if (run !== undefined) return run.step(kind, address, a, b, data)
  if (direct !== undefined) return direct({ kind, address, a, b, data })
  throw new Error('code under the explorer runs inside explore(): there is no memory outside it')
}

/** Runs `body` with its calls carried out at once by `perform`. */
export function directly<T>(perform: (op: Op) => Value, body: () => T): T {
  direct = perform
  try {
    return body()
  } finally {
    direct = undefined
  }
}

export function armed(wake: () => void): void {
  run?.arm(wake)
}

/** Blocks this thread, in its event loop, until one of its `waitAsync` is notified; then runs the callbacks. */
export function sleepUntilWoken(): void {
  for (const id of step('sleep') as readonly number[]) run?.wake(id)
}

/** One turn of this thread's event loop: runs the callbacks of those of its `waitAsync` that have been notified. */
export function turnEventLoop(): void {
  for (const id of step('turn') as readonly number[]) run?.wake(id)
}

/** Blocks until `thread` has ended or died, and tells whether it died: for the undertaker of a mortal thread. */
export function outlive(thread: number): boolean {
  return step('outlive', thread) === 1
}

/** Records `body` as one operation in the history that `after` is given. */
export function operation<T>(name: string, args: readonly unknown[], body: () => T): T {
  return run === undefined ? body() : run.operation(name, args, body)
}

/** Grows the trees of an exploration. */
export class Program {
  readonly #threads: readonly (() => unknown)[]
  #nodes = 0

  constructor(threads: readonly (() => unknown)[]) {
    this.#threads = threads
  }

  root(thread: number): Node {
    return this.#discover(thread, undefined, undefined)
  }

  /** How `thread` goes on from `node` when its call returns `value`. */
  next(thread: number, node: Node, value: Value): Node {
    const key = typeof value === 'object' ? value.join() : Object.is(value, -0) ? '-0' : value
    let next = node.children.get(key)
    if (next === undefined) {
      next = this.#discover(thread, node, value)
      node.children.set(key, next)
    }
    return next
  }

  #discover(thread: number, parent: Node | undefined, value: Value): Node {
    const path: Op[] = []
    const values: Value[] = []
    let answer = value
    for (let node = parent; node !== undefined; node = node.parent) {
      path.push(node.op as Op)
      values.push(answer)
      answer = node.value
    }
    const current = new Run(path.reverse(), values.reverse())
    const outcome = this.#run(thread, current)
    return {
      id: this.#nodes++,
      parent,
      value,
      depth: path.length,
      op: outcome === undefined ? current.op : undefined,
      outcome,
      started: current.calls.length,
      ended: current.ended,
      calls: current.calls,
      children: new Map(),
    }
  }

  #run(thread: number, current: Run): Outcome | undefined {
    run = current
    try {
      const value = freeze((this.#threads[thread] as () => unknown)())
      if (current.op !== undefined)
        throw new Error('the thread caught what stops it: a catch must rethrow what it does not know')
      return { value }
    } catch (error) {
      return error === STOP ? undefined : { error }
    } finally {
      run = undefined
    }
  }
}

/** Results are shared by all executions in which the thread did the same, so nobody may change them. */
function freeze(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) return value
  for (const each of Object.values(value)) freeze(each)
  return Object.freeze(value)
}
