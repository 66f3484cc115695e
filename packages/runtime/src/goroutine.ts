/**
 * The handle that `go` returns. A promise costs 100 ns and, if a million of them wait, the time of the garbage collector; so
 * there is none until somebody asks.
 *
 *   PENDING ── result comes ──> FULFILLED
 *           └─ error comes ───> REJECTED        (REJECTED with nobody waiting: an unhandled rejection, as for a promise)
 */
const PENDING: unique symbol = Symbol('pending')

/** What a pending goroutine has once somebody waits for it: the promise that they wait for, and how to settle it. */
class Awaited {
  readonly promise: Promise<unknown>
  readonly resolve: (value: unknown) => void
  readonly reject: (reason: unknown) => void
  /** How many have asked, and not gone again. */
  waiting = 0

  constructor() {
    this.promise = new Promise(capture)
    this.resolve = resolveNew
    this.reject = rejectNew
  }
}

/** What a failed goroutine has: its error. */
class Failure {
  readonly reason: unknown

  constructor(reason: unknown) {
    this.reason = reason
  }
}

interface Named {
  readonly code: number
  readonly name: string
}

/** Goroutines that somebody on this thread waits for. */
let awaited = 0

/** How many goroutines, and what else goroutines answer (`noteAwaited`), this thread waits for. */
export const awaitedHere = (): number => awaited

/** Somebody on this thread waits for `n` more answers of goroutines, in another way than by their handles. */
export function noteAwaited(n: number): void {
  awaited += n
}

/** By the goroutines that the runtime itself watches: what is told of their ends. */
const watchers = new Map<Goroutine<unknown>, (failed: boolean, value: unknown) => void>()

/** The failed goroutines that nobody awaited when they failed, and the promises that stand for them: both ways. */
const rejections = new WeakMap<Goroutine<unknown>, Promise<never>>()
const goroutines = new WeakMap<Promise<unknown>, Goroutine<unknown>>()

/** The goroutine whose unawaited failure `promise` stands for, if it does. */
export function goroutineOf(promise: Promise<unknown>): Goroutine<unknown> | undefined {
  return goroutines.get(promise)
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
  /** Address of its code record, for its name and for reports; with a name of its own if it was given one. */
  readonly #about: number | Named
  /** What has become of it: PENDING, an `Awaited` or a `Failure`; or, once it is fulfilled, the result itself. One word for all: a handle is small. */
  #outcome: unknown = PENDING

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
    let outcome = this.#outcome
    if (outcome === PENDING) {
      awaited++
      outcome = new Awaited()
      this.#outcome = outcome
    }
    if (outcome instanceof Awaited) {
      outcome.waiting++
      // A promise of Node's own sees to it that a handler runs in the context of this `then`, and not in that of the result's arrival.
      return (outcome.promise as Promise<T>).then(onFulfilled, onRejected)
    }
    if (outcome instanceof Failure) {
      const rejected = rejections.get(this as Goroutine<unknown>) ?? Promise.reject(outcome.reason)
      return rejected.then(onFulfilled as undefined, onRejected)
    }
    return Promise.resolve(outcome as T).then(onFulfilled, onRejected)
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
    g.#settle(value)
  }

  /** @internal As `fulfill`. */
  static reject(g: Goroutine<unknown>, reason: unknown): void {
    g.#settle(new Failure(reason))
  }

  /** @internal Calls `callback` when `g` is settled. Nobody counts as waiting for it, and a failure is the callback's to report. */
  static watch(g: Goroutine<unknown>, callback: (failed: boolean, value: unknown) => void): void {
    watchers.set(g, callback)
  }

  /** @internal Who has asked for it by one `then` waits no longer: if nobody else does, nobody does. */
  static leave(g: Goroutine<unknown>): void {
    if (!(g.#outcome instanceof Awaited) || --g.#outcome.waiting > 0) return
    g.#outcome = PENDING
    awaited--
  }

  /** @internal What has become of it: undefined as long as that is not known here. Whoever asks is told of a failure by that. */
  static outcomeOf(g: Goroutine<unknown>): { failed: boolean; value: unknown } | undefined {
    const outcome = g.#outcome
    if (outcome === PENDING || outcome instanceof Awaited) return undefined
    if (!(outcome instanceof Failure)) return { failed: false, value: outcome }
    g.then(undefined, () => {})
    return { failed: true, value: outcome.reason }
  }

  /** @internal Address of its code record; 0 if it was made without one. */
  static codeOf(g: Goroutine<unknown>): number {
    return typeof g.#about === 'number' ? g.#about : g.#about.code
  }

  #settle(outcome: unknown): void {
    const before = this.#outcome
    const waiting = before instanceof Awaited ? before : undefined
    // An aborted goroutine is settled when its signal aborts, and again, in vain, when its struct comes home.
    if (before !== PENDING && waiting === undefined) return
    this.#outcome = outcome
    const failure = outcome instanceof Failure ? outcome : undefined
    if (watchers.size > 0) {
      const watcher = watchers.get(this as Goroutine<unknown>)
      watchers.delete(this as Goroutine<unknown>)
      if (watcher !== undefined) return watcher(failure !== undefined, failure === undefined ? outcome : failure.reason)
    }
    if (waiting === undefined) {
      if (failure !== undefined) raise(this as Goroutine<unknown>, failure.reason)
      return
    }
    awaited--
    if (failure === undefined) waiting.resolve(outcome)
    else waiting.reject(failure.reason)
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
