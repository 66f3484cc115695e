/**
 * The shared memory is exhausted. The message says how much is in use by what, and which setting raises it. Nothing is
 * corrupted and nothing was started: what is under way goes on, and as it ends there is room again.
 *
 * Way out: `runtime.configure({ memory: BYTES })` before the first `go()`, or fewer goroutines in flight.
 *
 * @example
 * try {
 *   go(work, data)
 * } catch (error) {
 *   if (error instanceof OutOfMemoryError) await oldest // then try again
 *   else throw error
 * }
 */
export class OutOfMemoryError extends Error {
  override readonly name = 'OutOfMemoryError'
}
