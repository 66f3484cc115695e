/**
 * The handle that `go` returns. A promise costs 100 ns and, if a million of them wait, the time of the garbage collector; so
 * there is none until somebody asks: a handle that is never awaited makes none, one that is awaited makes the one that its
 * `then` returns.
 *
 *   PENDING ── result comes ──> FULFILLED
 *           └─ error comes ───> REJECTED        (REJECTED with nobody waiting: an unhandled rejection, as for a promise)
 */
import { AsyncResource } from 'node:async_hooks'

const PENDING = 0
const FULFILLED = 1
const REJECTED = 2

/** One `then` on a pending goroutine: what to call, and how to settle the promise that it returned. */
interface Reaction {
  /** The context in which the handler runs: that of the `then`, not that of the event loop's turn in which the result comes. */
  readonly context: AsyncResource
  readonly onFulfilled: ((value: unknown) => unknown) | null | undefined
  readonly onRejected: ((reason: unknown) => unknown) | null | undefined
  readonly resolve: (value: unknown) => void
  readonly reject: (reason: unknown) => void
}

interface Named {
  readonly code: number
  readonly name: string
}

/** Reactions on this thread that wait for their goroutine. */
let reactions = 0

/** How many times this thread waits for a goroutine. */
export const awaitedHere = (): number => reactions

/** The failed goroutines that nobody awaited when they failed, and the promises that stand for them: both ways. */
const rejections = new WeakMap<Goroutine<unknown>, Promise<never>>()
const goroutines = new WeakMap<Promise<unknown>, Goroutine<unknown>>()

/** The goroutine whose unawaited failure `promise` stands for, if it does. */
export function goroutineOf(promise: Promise<unknown>): Goroutine<unknown> | undefined {
  return goroutines.get(promise)
}

let resolveNew!: (value: unknown) => void
let rejectNew!: (reason: unknown) => void
/** Nobody needs to hear that a context is collected, and to arrange for that would cost more than the context. */
const NO_DESTROY = { requireManualDestroy: true }
/** One executor for all promises: a closure a promise would cost as much again. */
const capture = (resolve: (value: unknown) => void, reject: (reason: unknown) => void): void => {
  resolveNew = resolve
  rejectNew = reject
}

/**
 * A goroutine that was started: a promise-like of its result. Await it, or use `then`, `catch` and `finally`. One that fails
 * and is not awaited by anybody is an unhandled rejection.
 *
 * @example
 * const g = go(fib, 30)
 * console.log(g.id, await g)
 */
export class Goroutine<T> implements PromiseLike<T> {
  /** A positive integer, unique in the process. */
  readonly id: number
  /** Address of its code record, for its name and for reports; with a name of its own if it was given one. */
  readonly #about: number | Named
  #state = PENDING
  /** Once it is settled: the result or the error. */
  #value: unknown = undefined
  /** Who waits for it: most are awaited once, and one reaction needs no list. */
  #reactions: Reaction | Reaction[] | undefined = undefined

  /** @internal `go` makes them. */
  constructor(id: number, code: number, name?: string) {
    this.id = id
    this.#about = name === undefined ? code : { code, name }
  }

  /** The name given to `go.with`, else the function's own; empty if it has none. */
  get name(): string {
    return typeof this.#about === 'number' ? nameOfCode(this.#about) : this.#about.name
  }

  /** As `Promise.prototype.then`. */
  // biome-ignore lint/suspicious/noThenProperty: it is a thenable by contract
  then<R = T, E = never>(
    onFulfilled?: ((value: T) => R | PromiseLike<R>) | null,
    onRejected?: ((reason: unknown) => E | PromiseLike<E>) | null,
  ): Promise<R | E> {
    if (this.#state === FULFILLED) return Promise.resolve(this.#value as T).then(onFulfilled, onRejected)
    if (this.#state === REJECTED) {
      const rejected = rejections.get(this as Goroutine<unknown>) ?? Promise.reject(this.#value)
      return rejected.then(onFulfilled as undefined, onRejected)
    }
    const promise = new Promise(capture) as Promise<R | E>
    reactions++
    const reaction: Reaction = {
      context: new AsyncResource('Goroutine', NO_DESTROY),
      onFulfilled: onFulfilled as Reaction['onFulfilled'],
      onRejected,
      resolve: resolveNew,
      reject: rejectNew,
    }
    if (this.#reactions === undefined) this.#reactions = reaction
    else if (Array.isArray(this.#reactions)) this.#reactions.push(reaction)
    else this.#reactions = [this.#reactions, reaction]
    return promise
  }

  /** As `Promise.prototype.catch`. */
  catch<E = never>(onRejected?: ((reason: unknown) => E | PromiseLike<E>) | null): Promise<T | E> {
    return this.then(undefined, onRejected)
  }

  /** As `Promise.prototype.finally`. */
  finally(onFinally?: (() => void) | null): Promise<T> {
    return this.then().finally(onFinally)
  }

  get [Symbol.toStringTag](): string {
    return 'Goroutine'
  }

  /** @internal Called by its thread's event loop, with no user code on the stack. */
  static fulfill(g: Goroutine<unknown>, value: unknown): void {
    g.#settle(FULFILLED, value)
  }

  /** @internal As `fulfill`. */
  static reject(g: Goroutine<unknown>, reason: unknown): void {
    g.#settle(REJECTED, reason)
  }

  /** @internal Address of its code record; 0 if it was made without one. */
  static codeOf(g: Goroutine<unknown>): number {
    return typeof g.#about === 'number' ? g.#about : g.#about.code
  }

  #settle(state: typeof FULFILLED | typeof REJECTED, value: unknown): void {
    // An aborted goroutine is settled when its signal aborts, and again, in vain, when its struct comes home.
    if (this.#state !== PENDING) return
    this.#state = state
    this.#value = value
    const waiting = this.#reactions
    if (waiting === undefined) {
      if (state === REJECTED) raise(this as Goroutine<unknown>, value)
      return
    }
    this.#reactions = undefined
    if (Array.isArray(waiting)) for (const reaction of waiting) run(reaction, state, value)
    else run(waiting, state, value)
  }
}

function run(reaction: Reaction, state: number, value: unknown): void {
  reactions--
  const handler = state === FULFILLED ? reaction.onFulfilled : reaction.onRejected
  try {
    if (typeof handler === 'function') reaction.resolve(reaction.context.runInAsyncScope(handler, undefined, value))
    else if (state === FULFILLED) reaction.resolve(value)
    else reaction.reject(value)
  } catch (error) {
    reaction.reject(error)
  }
}

/** Makes the rejected promise that stands for a failure which nobody awaits: Node reports it unless somebody does in time. */
function raise(g: Goroutine<unknown>, reason: unknown): void {
  const rejected = Promise.reject(reason)
  rejections.set(g, rejected)
  goroutines.set(rejected, g)
  onUnawaited(g, reason)
}

let onUnawaited: (goroutine: Goroutine<unknown>, reason: unknown) => void = () => {}

/** Tells `callback` of each goroutine that fails while nobody awaits it. */
export function whenUnawaited(callback: (goroutine: Goroutine<unknown>, reason: unknown) => void): void {
  onUnawaited = callback
}

let nameOfCode: (code: number) => string = () => ''

/** Tells handles how to find the name of a code record. */
export function useNames(names: (code: number) => string): void {
  nameOfCode = names
}
