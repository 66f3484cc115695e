/**
 * Deadlines, cancellation and values that go along with a task, on whatever threads it runs. Go's `context`, built from channels and
 * timers alone: a context that can be cancelled has a channel, `done()`, which is closed with the reason when it is. That reaches
 * every thread that has the context; within a thread, what was derived from it is cancelled before `cancel` returns.
 *
 * A context is its thread's: `cancel`, its timer and the link to its parent are nowhere else. If that thread dies, it is cancelled, as it
 * would have been by the `finally` or, in Go, the `defer` of whoever made it.
 */
import {
  addressOf,
  close,
  closeWithThread,
  defineHandle,
  ensureStarted,
  freeRecord,
  Handle,
  handleAddress,
  handleKind,
  KIND,
  newRecord,
  reasonOf,
  recordOf,
  startTimer,
  stopTimer,
  TimerEntry,
  useContexts,
  whenClosed,
} from '@goro/runtime'
import { type Chan, chan, type RecvChan } from './chan.ts'

/** What `err()` gives once a context was cancelled. Its name is the one by which Node's own functions know an abort. */
export const Canceled: Error = errorOf('context canceled', 'AbortError')
/** What `err()` gives once a context's deadline has passed. */
export const DeadlineExceeded: Error = errorOf('context deadline exceeded', 'TimeoutError')

/** An error without a stack: it is made once, and what happened happens elsewhere. */
function errorOf(message: string, name: string): Error {
  return Object.defineProperty(new DOMException(message, name), 'stack', { value: `${name}: ${message}` })
}

/** Why a context is done. */
interface Reason {
  readonly deadline: boolean
  /** What it was cancelled with, if with anything of its own. */
  readonly cause: unknown
}

/** Why `done`, which is closed, was: by a context, with its reason; or by the runtime, with an error, since the context's thread has died. */
function reasonAt(done: Chan<never>): Reason {
  const reason = reasonOf(addressOf(done))
  if (reason instanceof Error || reason === undefined) return { deadline: false, cause: reason }
  return reason as Reason
}

/** What can be cancelled: one a `withCancel` and the like, and what is derived from it shares it until it is cancelled itself. */
class Node {
  #reason: Reason | undefined
  #done: Chan<never> | undefined
  /** Others know the channel: they may close it. */
  #isShared: boolean
  #listeners = new Set<() => void>()
  #unwatch: (() => void) | undefined

  /** A new one, or that of a channel which has come from another thread. */
  constructor(done?: Chan<never>) {
    this.#done = done
    this.#isShared = done !== undefined
  }

  /** Its channel, from now on known to others too. */
  get done(): Chan<never> {
    if (this.#done === undefined) {
      this.#done = chan<never>()
      if (this.#reason !== undefined) close(addressOf(this.#done), this.#reason)
    }
    if (!this.#isShared) {
      this.#isShared = true
      closeWithThread(addressOf(this.#done))
      if (this.#listeners.size > 0) this.#watch()
    }
    return this.#done
  }

  get reason(): Reason | undefined {
    if (this.#reason === undefined && this.#done?.closed === true) {
      this.#reason = reasonAt(this.#done)
    }
    return this.#reason
  }

  cancel(reason: Reason): void {
    if (this.reason !== undefined) return
    this.#reason = reason
    // If another thread is the first, its reason counts.
    if (this.#done !== undefined && !close(addressOf(this.#done), reason)) {
      this.#reason = reasonAt(this.#done)
    }
    this.#notify()
  }

  /** Calls `listener` when it is done: at once if it is. Returns what takes it back. */
  onDone(listener: () => void): () => void {
    if (this.reason !== undefined) {
      listener()
      return () => {}
    }
    this.#listeners.add(listener)
    if (this.#isShared) this.#watch()
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0) return
      this.#unwatch?.()
      this.#unwatch = undefined
    }
  }

  #watch(): void {
    const done = this.#done as Chan<never>
    this.#unwatch ??= whenClosed(addressOf(done), done, () => this.#notify())
  }

  #notify(): void {
    this.#unwatch?.()
    this.#unwatch = undefined
    const listeners = this.#listeners
    this.#listeners = new Set()
    for (const listener of listeners) listener()
  }
}

/** What of a context goes to another thread. */
interface Shipped {
  /** Its own channel, or that of the context it is derived from. */
  readonly done: Chan<never> | undefined
  readonly deadline: number | undefined
  /** Where its values go on. */
  readonly parent: Context | undefined
  readonly entry: readonly [key: unknown, value: unknown] | undefined
}

/** The struct by which other threads know a context. */
class ContextRecord extends Handle {
  get [handleKind](): number {
    return KIND.context
  }
}

/**
 * A context: passed along with a task, it says when the task is to end, and carries values. Make them with the functions of the
 * namespace `context`. It is a handle: on every thread the same. If the thread that has made it dies, it is cancelled, with a
 * `ThreadDiedError` as its cause.
 */
export class Context {
  readonly #node: Node | undefined
  readonly #deadline: number | undefined
  readonly #parent: Context | undefined
  readonly #entry: readonly [key: unknown, value: unknown] | undefined
  #record: ContextRecord | undefined
  #controller: AbortController | undefined

  /** @internal */
  constructor(
    node: Node | undefined,
    deadline: number | undefined,
    parent: Context | undefined,
    entry?: readonly [key: unknown, value: unknown],
    address?: number,
  ) {
    this.#node = node
    this.#deadline = deadline
    this.#parent = parent
    this.#entry = entry
    if (address !== undefined) this.#record = new ContextRecord(address)
  }

  /** @internal */
  get [handleKind](): number {
    return KIND.context
  }

  /** @internal */
  get [handleAddress](): number {
    if (this.#record === undefined) {
      const shipped: Shipped = {
        done: this.#node?.done,
        deadline: this.#deadline,
        parent: this.#parent,
        entry: this.#entry,
      }
      this.#record = new ContextRecord(newRecord(KIND.context, shipped, 'context'))
    }
    return addressOf(this.#record)
  }

  /** A channel that is closed when the context is done: cancelled, or past its deadline. One that can't be cancelled never is. */
  done(): RecvChan<never> {
    return this.#node === undefined ? never() : this.#node.done
  }

  /** Why it is done: `Canceled` or `DeadlineExceeded`; undefined as long as it is not. */
  err(): Error | undefined {
    const reason = this.#node?.reason
    return reason === undefined ? undefined : reason.deadline ? DeadlineExceeded : Canceled
  }

  /** When it will be done at the latest. */
  deadline(): Date | undefined {
    return this.#deadline === undefined ? undefined : new Date(this.#deadline)
  }

  /** The value that it, or what it was derived from, has for `key`; undefined if none. */
  value(key: unknown): unknown {
    for (let at: Context | undefined = this; at !== undefined; at = at.#parent) {
      if (at.#entry !== undefined && Object.is(at.#entry[0], key)) return at.#entry[1]
    }
    return undefined
  }

  /** The same as an `AbortSignal`, for `fetch`, `fs`, `events.once` and whatever else takes one. Its reason is `context.cause(ctx)`. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      const controller = new AbortController()
      this.#controller = controller
      this.onDone(() => controller.abort(cause(this)))
    }
    return this.#controller.signal
  }

  /** @internal Calls `listener` when it is done; returns what takes that back. */
  onDone(listener: () => void): () => void {
    return this.#node?.onDone(listener) ?? (() => {})
  }

  /** @internal */
  static nodeOf(ctx: Context): Node | undefined {
    return ctx.#node
  }

  /** @internal */
  static at(address: number): Context {
    const { done, deadline, parent, entry } = recordOf(address) as Shipped
    return new Context(done === undefined ? undefined : new Node(done), deadline, parent, entry, address)
  }

  get [Symbol.toStringTag](): string {
    return 'Context'
  }
}

defineHandle(KIND.context, Context.at, freeRecord)

let neverDone: Chan<never> | undefined

/** The channel of what is never done. */
function never(): Chan<never> {
  neverDone ??= chan<never>()
  return neverDone
}

let root: Context | undefined

/** The context that is never done and has no values: what others are derived from. */
export function background(): Context {
  root ??= new Context(undefined, undefined, undefined)
  return root
}

function checkParent(parent: unknown, api: string): Context {
  if (!(parent instanceof Context)) {
    throw new TypeError(
      `context.${api}: takes a Context to derive from, such as context.background(), not ${String(parent)}`,
    )
  }
  return parent
}

/** A node that is done when `parent` is, with the same reason. */
function derive(parent: Context): Node {
  const node = new Node()
  const above = Context.nodeOf(parent)
  if (above === undefined) return node
  const forget = above.onDone(() => node.cancel(above.reason as Reason))
  node.onDone(forget)
  return node
}

/**
 * A context that is done when `cancel` is called, or when `parent` is. Call `cancel` when the task is over, too: it frees what the context
 * holds.
 *
 * @throws TypeError if `parent` is no context.
 *
 * @example
 * const [ctx, cancel] = context.withCancel(context.background())
 * go(worker, ctx)
 * cancel()
 */
export function withCancel(parent: Context): [ctx: Context, cancel: () => void] {
  const node = derive(checkParent(parent, 'withCancel'))
  const ctx = new Context(node, parent.deadline()?.getTime(), parent)
  return [ctx, () => node.cancel({ deadline: false, cause: undefined })]
}

/** As `withCancel`; what `cancel` is given is `cause(ctx)` from then on. @throws TypeError if `parent` is no context */
export function withCancelCause(parent: Context): [ctx: Context, cancel: (cause?: unknown) => void] {
  const node = derive(checkParent(parent, 'withCancelCause'))
  const ctx = new Context(node, parent.deadline()?.getTime(), parent)
  return [ctx, (cause) => node.cancel({ deadline: false, cause })]
}

/**
 * As `withCancel`, and done when `ms` milliseconds have passed.
 *
 * @throws TypeError if `parent` is no context or `ms` no number.
 *
 * @example
 * const [ctx, cancel] = context.withTimeout(context.background(), 1000)
 * try {
 *   await fetch(url, { signal: ctx.signal })
 * } finally {
 *   cancel()
 * }
 */
export function withTimeout(parent: Context, ms: number): [ctx: Context, cancel: () => void] {
  if (typeof ms !== 'number' || Number.isNaN(ms)) {
    throw new TypeError(`context.withTimeout: takes milliseconds, not ${String(ms)}`)
  }
  return withDeadlineAt(checkParent(parent, 'withTimeout'), Date.now() + ms, ms)
}

/** As `withTimeout`, at a time. @throws TypeError if `parent` is no context or `date` no valid Date */
export function withDeadline(parent: Context, date: Date): [ctx: Context, cancel: () => void] {
  if (!(date instanceof Date) || Number.isNaN(date.getTime())) {
    throw new TypeError(`context.withDeadline: takes a Date, not ${String(date)}`)
  }
  return withDeadlineAt(checkParent(parent, 'withDeadline'), date.getTime(), date.getTime() - Date.now())
}

function withDeadlineAt(parent: Context, time: number, ms: number): [ctx: Context, cancel: () => void] {
  const earlier = parent.deadline()?.getTime()
  // The parent's own deadline ends it.
  if (earlier !== undefined && earlier <= time) return withCancel(parent)
  const node = derive(parent)
  const ctx = new Context(node, time, parent)
  const pass = () => node.cancel({ deadline: true, cause: undefined })
  if (ms <= 0) {
    pass()
  } else if (node.reason === undefined) {
    ensureStarted()
    const entry = new TimerEntry(pass)
    startTimer(entry, ms)
    node.onDone(() => stopTimer(entry))
  }
  return [ctx, () => node.cancel({ deadline: false, cause: undefined })]
}

/**
 * A context like `parent` that has `value` for `key`. To another thread both go as copies: keys there are found if they are strings,
 * numbers or handles.
 *
 * @throws TypeError if `parent` is no context, or `key` is null or undefined.
 */
export function withValue(parent: Context, key: unknown, value: unknown): Context {
  checkParent(parent, 'withValue')
  if (key === undefined || key === null) throw new TypeError('context.withValue: nil key')
  return new Context(Context.nodeOf(parent), parent.deadline()?.getTime(), parent, [key, value])
}

/** A context with the values of `parent` that is never done. @throws TypeError if `parent` is no context */
export function withoutCancel(parent: Context): Context {
  return new Context(undefined, undefined, checkParent(parent, 'withoutCancel'))
}

/**
 * Calls `callback`, on this thread and a microtask later, when `ctx` is done.
 *
 * @returns what takes that back: true if `callback` will not be called because of it.
 * @throws TypeError if `ctx` is no context or `callback` no function.
 */
export function afterFunc(ctx: Context, callback: () => void): () => boolean {
  checkParent(ctx, 'afterFunc')
  if (typeof callback !== 'function') throw new TypeError('context.afterFunc: takes a function')
  let waits = true
  const forget = ctx.onDone(() => {
    if (waits) queueMicrotask(callback)
    waits = false
  })
  return () => {
    const stopped = waits
    waits = false
    forget()
    return stopped
  }
}

/** Why `ctx` is done: what it was cancelled with, else `ctx.err()`. @throws TypeError if `ctx` is no context */
export function cause(ctx: Context): unknown {
  return Context.nodeOf(checkParent(ctx, 'cause'))?.reason?.cause ?? ctx.err()
}

/**
 * The context that is done when `signal` aborts; its cause is the signal's reason. For a signal it is the same each time.
 *
 * @throws TypeError if `signal` is no AbortSignal.
 *
 * @example
 * const ctx = context.fromSignal(AbortSignal.timeout(1000))
 */
export function fromSignal(signal: AbortSignal): Context {
  if (!(signal instanceof AbortSignal)) {
    throw new TypeError(`context.fromSignal: takes an AbortSignal, not ${String(signal)}`)
  }
  const known = ofSignals.get(signal)
  if (known !== undefined) return known
  const node = new Node()
  const abort = () => node.cancel({ deadline: false, cause: signal.reason as unknown })
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  const ctx = new Context(node, undefined, background())
  ofSignals.set(signal, ctx)
  return ctx
}

const ofSignals = new WeakMap<AbortSignal, Context>()

useContexts(fromSignal)
