/**
 * What of Node's clock and event loop the runtime itself runs on, as it was when the runtime was loaded: tests with fake timers
 * replace the global ones, and would stop the runtime with them.
 */
import { existsSync, readlinkSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

export const { setImmediate, setInterval, clearInterval, setTimeout, clearTimeout, queueMicrotask } = globalThis

export const nextTick: (callback: () => void) => void = process.nextTick.bind(process)

const NODES_HOOKS = /^ +at .*\(node:internal\/modules\/esm\/hooks/m

/**
 * What `load` imports. Where a loader is registered, Node 20 may tell a thread that is being terminated that an import has failed, by a `TypeError` of its
 * own; a goroutine that was waiting for its code would end by that in place of a `ThreadDiedError`. So it is asked again, which such a thread does not
 * live to be answered.
 */
export async function imported<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    if (!(error instanceof TypeError) || !NODES_HOOKS.test(error.stack ?? '')) throw error
    return await load()
  }
}

/** Milliseconds since the thread started. */
export const now: () => number = performance.now.bind(performance)

/** What is to be added to `now()` for the time on a clock that all threads share. */
export const clockOrigin: number = Number(process.hrtime.bigint()) / 1e6 - now()

/** The operating system's number of this thread; 0 where it does not say. */
export function osThreadId(): number {
  try {
    return Number(readlinkSync('/proc/thread-self').split('/').pop())
  } catch {
    // Not Linux, or its /proc is not to be seen.
    return 0
  }
}

/** Whether the operating system has no thread of that number any more, as far as it says. */
export const isThreadGone = (osThreadId: number): boolean =>
  osThreadId !== 0 && !existsSync(`/proc/self/task/${osThreadId}`)

let gc: (() => unknown) | undefined

/**
 * V8 shows the means to a context that is made while the flag is set. The flag is the whole process's: another thread that does the same may
 * take it back in between, and then there is none.
 */
function findGC(): typeof gc {
  setFlagsFromString('--expose-gc')
  const found = runInNewContext('globalThis.gc') as typeof gc
  setFlagsFromString('--no-expose-gc')
  return found
}

/** So often in a row it happens to nobody that others are in the way. */
const MOST_TRIES = 10

/** Collects this thread's garbage, which takes some milliseconds. */
export function collectGarbage(): void {
  gc ??= globalThis.gc
  for (let tries = 0; gc === undefined && tries < MOST_TRIES; tries++) gc = findGC()
  void gc?.()
}
