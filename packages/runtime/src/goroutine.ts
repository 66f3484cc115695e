/**
 * The handle that `go` returns. A promise costs 100 ns and, if a million of them wait, the time of the garbage collector; so
 * there is none until somebody asks: a handle that is never awaited makes none, one that is awaited makes the one that its
 * `then` returns.
 *
 *   PENDING ── result comes ──> FULFILLED
 *           └─ error comes ───> REJECTED        (REJECTED with nobody waiting: an unhandled rejection, as for a promise)
 */
const PENDING = 0
const FULFILLED = 1
const REJECTED = 2

/** One `then` on a pending goroutine: what to call, and how to settle the promise that it returned. */
interface Reaction {
  readonly onFulfilled: ((value: unknown) => unknown) | null | undefined
  readonly onRejected: ((reason: unknown) => unknown) | null | undefined
  readonly resolve: (value: unknown) => void
  readonly reject: (reason: unknown) => void
}

/** The promises of failed goroutines that nobody awaited, for the report. */
const unawaited = new WeakMap<Promise<unknown>, Goroutine<unknown>>()

/** The goroutine whose unawaited failure `promise` stands for, if it does. */
export function goroutineOf(promise: Promise<unknown>): Goroutine<unknown> | undefined {
  return unawaited.get(promise)
}

let resolveNew!: (value: unknown) => void
let rejectNew!: (reason: unknown) => void
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
  #name: string | undefined
  /** Address of its code record, for its name and for reports. */
  readonly #code: number
  #state = PENDING
  #value: unknown = undefined
  /** Most goroutines are awaited once: one reaction needs no list. */
  #reaction: Reaction | undefined = undefined
  #more: Reaction[] | undefined = undefined
  /** The promise of a failure that nobody awaited so far. */
  #rejected: Promise<never> | undefined = undefined

  /** @internal `go` makes them. */
  constructor(id: number, code: number, name: string | undefined) {
    this.id = id
    this.#code = code
    this.#name = name
  }

  /** The name given to `go.with`, else the function's own; empty if it has none. */
  get name(): string {
    this.#name ??= nameOfCode(this.#code)
    return this.#name
  }

  /** As `Promise.prototype.then`. */
  // biome-ignore lint/suspicious/noThenProperty: it is a thenable by contract
  then<R = T, E = never>(
    onFulfilled?: ((value: T) => R | PromiseLike<R>) | null,
    onRejected?: ((reason: unknown) => E | PromiseLike<E>) | null,
  ): Promise<R | E> {
    if (this.#state === FULFILLED) return Promise.resolve(this.#value as T).then(onFulfilled, onRejected)
    if (this.#state === REJECTED) {
      return (this.#rejected ?? Promise.reject(this.#value)).then(onFulfilled as undefined, onRejected)
    }
    const promise = new Promise(capture) as Promise<R | E>
    const reaction: Reaction = {
      onFulfilled: onFulfilled as Reaction['onFulfilled'],
      onRejected,
      resolve: resolveNew,
      reject: rejectNew,
    }
    if (this.#reaction === undefined) this.#reaction = reaction
    else if (this.#more === undefined) this.#more = [reaction]
    else this.#more.push(reaction)
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
    if (g.#state !== PENDING) return
    g.#state = FULFILLED
    g.#value = value
    g.#react()
  }

  /** @internal As `fulfill`. */
  static reject(g: Goroutine<unknown>, reason: unknown): void {
    if (g.#state !== PENDING) return
    g.#state = REJECTED
    g.#value = reason
    if (g.#reaction === undefined) {
      g.#rejected = Promise.reject(reason)
      unawaited.set(g.#rejected, g)
      onUnawaited(g, reason)
    } else {
      g.#react()
    }
  }

  /** @internal Address of its code record. */
  static codeOf(g: Goroutine<unknown>): number {
    return g.#code
  }

  #react(): void {
    const first = this.#reaction
    if (first === undefined) return
    this.#reaction = undefined
    this.#run(first)
    if (this.#more === undefined) return
    for (const reaction of this.#more) this.#run(reaction)
    this.#more = undefined
  }

  #run(reaction: Reaction): void {
    const handler = this.#state === FULFILLED ? reaction.onFulfilled : reaction.onRejected
    try {
      if (typeof handler === 'function') reaction.resolve(handler(this.#value))
      else if (this.#state === FULFILLED) reaction.resolve(this.#value)
      else reaction.reject(this.#value)
    } catch (error) {
      reaction.reject(error)
    }
  }
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
