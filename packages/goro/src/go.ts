import { type GoOptions, type Goroutine, newproc, ownModule } from '@goro/runtime'
import type { Sendable } from './sendable.ts'

export type { GoOptions, Goroutine, Transferable } from '@goro/runtime'

/** The type of `go`: callable, with `go.with`. */
export interface Go {
  /**
   * Starts a goroutine: calls `fn(...args)` on some processor, and returns at once. `fn`, sync or async, is shipped to the
   * thread that runs it; it may use its arguments, globals, and what it imports itself. Arguments and result are copied by the
   * rules of structured clone.
   *
   * @returns the goroutine: await it for the result, or for its error. If it fails and nobody awaits it, that is an
   * unhandled rejection.
   * @throws CaptureError if `fn` refers to a variable that it would not find on another thread, or has no usable source.
   * @throws DataCloneError (a `DOMException`) if an argument can't be sent; the message has the path to it.
   * @throws OutOfMemoryError if the shared memory is exhausted.
   * @throws RuntimeClosedError after `runtime.shutdown()`.
   *
   * @example
   * function fib(n: number): number {
   *   return n < 2 ? n : fib(n - 1) + fib(n - 2)
   * }
   * console.log(await go(fib, 30))
   */
  <A extends readonly unknown[], R>(fn: (...args: A) => R, ...args: Sendable<A>): Goroutine<Awaited<R>>

  /**
   * As `go`, with options: `name` for dumps and reports; `signal`, aborted before the start: it never runs and rejects with
   * the signal's reason; `transfer`, `ArrayBuffer`s and `MessagePort`s in the arguments to be moved instead of copied.
   *
   * @throws as `go`, and TypeError for bad options.
   *
   * @example
   * const g = go.with({ name: 'hash', transfer: [buffer] }, hash, buffer)
   */
  with<A extends readonly unknown[], R>(
    options: GoOptions,
    fn: (...args: A) => R,
    ...args: Sendable<A>
  ): Goroutine<Awaited<R>>
}

// A stack that leads here leads to the user's call.
ownModule(import.meta.url)

function start(fn: (...args: never[]) => unknown, ...args: unknown[]): Goroutine<unknown> {
  return newproc(fn, args, 'go')
}

function startWith(options: GoOptions, fn: (...args: never[]) => unknown, ...args: unknown[]): Goroutine<unknown> {
  checkOptions(options)
  return newproc(fn, args, 'go.with', options)
}

const NAMES = ['name', 'signal', 'transfer']

function checkOptions(options: GoOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(
      `go.with: takes its options first, as in go.with({ name: 'reader' }, fn), not ${String(options)}`,
    )
  }
  for (const name of Object.keys(options)) {
    if (!NAMES.includes(name)) throw new TypeError(`go.with: no option ${name}; there are ${NAMES.join(', ')}`)
  }
  const { name, signal, transfer } = options
  if (name !== undefined && typeof name !== 'string') throw new TypeError('go.with: name takes a string')
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError('go.with: signal takes an AbortSignal, such as AbortSignal.timeout(1000)')
  }
  if (transfer !== undefined && !Array.isArray(transfer)) {
    throw new TypeError('go.with: transfer takes an array of ArrayBuffers and MessagePorts')
  }
}

/** Starts goroutines: see `Go`. */
export const go: Go = Object.assign(start, { with: startWith }) as Go
