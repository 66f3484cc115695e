/**
 * The error classes that users meet. Three kinds, as in Go: the user's error (thrown, with a class of its own, below), the
 * user's corrupted state (fatal: printed, dumped, exit code 2), and our own bug (an assertion that says so).
 */
import { OutOfMemoryError } from '@goro/memory'

export { OutOfMemoryError }

/**
 * A function can't be shipped to another thread: it refers to a variable that it would not find there, or it has no usable
 * source. Thrown by the call that was given the function; the message names the variable, the place, and the ways out.
 *
 * @example
 * const base = 10
 * go((x: number) => x + base, 1) // CaptureError: … `base` …
 * go((x: number, b: number) => x + b, 1, base) // pass it
 */
export class CaptureError extends Error {
  override readonly name = 'CaptureError'
}

/** A send on a closed channel, or a second close. Check `closed`, or let only the sender close. */
export class ChannelClosedError extends Error {
  override readonly name = 'ChannelClosedError'
}

/** Misuse of a sync type, with Go's text, such as `sync: unlock of unlocked mutex`. */
export class SyncError extends Error {
  override readonly name = 'SyncError'
}

/** Every goroutine is parked on another and nothing can wake them. */
export class DeadlockError extends Error {
  override readonly name = 'DeadlockError'
}

/**
 * The thread on which a goroutine ran died: `process.exit` in a goroutine, an exception outside of one, a full heap. `cause` is
 * what it died of. Goroutines that had not started are not concerned; one that had is gone, and has to be started again. So has one to
 * which a buffer was transferred that was lost on its way.
 *
 * @example
 * await go(() => process.exit(3)) // ThreadDiedError, cause: worker exited with code: 3
 */
export class ThreadDiedError extends Error {
  override readonly name = 'ThreadDiedError'
}

/** Something was to be started after `runtime.shutdown()`. Start it before, or don't shut down: the process ends by itself. */
export class RuntimeClosedError extends Error {
  override readonly name = 'RuntimeClosedError'
}

/**
 * What refuses a value that can't be sent to another thread: a `DOMException` of that name, goro's and Node's own alike, as `structuredClone` throws it.
 *
 * @example
 * try {
 *   go(work, () => {})
 * } catch (error) {
 *   if (error instanceof DataCloneError) console.error(error.message) // argument 1: …
 * }
 */
export class DataCloneError extends DOMException {
  constructor(message?: string) {
    super(message, 'DataCloneError')
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof DOMException && value.name === 'DataCloneError'
  }
}

/** The error for a value that can't be sent to another thread. */
export function dataCloneError(message: string): DOMException {
  return new DOMException(message, 'DataCloneError')
}

/** The classes by which an error is known on both sides, by name: the built-in ones, and goro's own. */
export const ERROR_CLASSES: ReadonlyMap<string, new (message?: string) => Error> = new Map<
  string,
  new (
    message?: string,
  ) => Error
>(
  [
    Error,
    TypeError,
    RangeError,
    SyntaxError,
    ReferenceError,
    EvalError,
    URIError,
    AggregateError as unknown as new () => Error,
    CaptureError,
    ChannelClosedError,
    SyncError,
    DeadlockError,
    ThreadDiedError,
    OutOfMemoryError,
    RuntimeClosedError,
  ].map((each) => [each.name, each]),
)
