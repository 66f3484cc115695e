/** The runtime's own controls, as the namespace `runtime`. */
import {
  configure as configureRuntime,
  numCPU as countCPUs,
  currentContext,
  goexit as endGoroutine,
  ensureStarted,
  formatGoroutines,
  type GoroutineInfo,
  isJoined,
  goroutines as listGoroutines,
  liveGoroutines,
  lockOSThread as lockThread,
  procs,
  type RuntimeOptions,
  type RuntimeStats,
  blocking as runBlocking,
  setGomaxprocs,
  shutdown as shutDown,
  stats as takeStats,
  threadCount,
  unlockOSThread as unlockThread,
  gosched as yieldTurn,
} from '@goro/runtime'

import { background, type Context } from './context.ts'

export type { GoroutineInfo, ProcessorStats, RuntimeOptions, RuntimeStats, ThreadStats } from '@goro/runtime'

/**
 * How many processors run goroutines at once; with `n`, changes that and returns what it was before. Default: `GOMAXPROCS` in
 * the environment, else `numCPU()`, which is then followed while it changes, as far as goroutines run, until the first call with `n`.
 *
 * @throws RangeError if `n`, or `GOMAXPROCS`, is no whole number from 1 to 256.
 *
 * @example
 * const before = runtime.gomaxprocs(4)
 */
export function gomaxprocs(n?: number): number {
  return n === undefined ? procs() : setGomaxprocs(n)
}

/** The CPUs that this process may really use: its affinity and its cgroup's CPU quota counted. */
export function numCPU(): number {
  return countCPUs()
}

/** How many goroutines there are: started, queued or waiting, and not finished. The main program is none of them. */
export function numGoroutine(): number {
  return isJoined() ? liveGoroutines() : 0
}

/** How many threads there are for goroutines. */
export function numThread(): number {
  return isJoined() ? threadCount() : 0
}

/**
 * A snapshot: for each processor its status, thread, queue length, ticks and steals; for each thread its state and the same; counts
 * of goroutines by state; shared memory in bytes. Starts the runtime if it has not started.
 *
 * @example
 * for (const t of runtime.stats().threads) console.log(t.id, t.ticks, t.steals)
 */
export function stats(): RuntimeStats {
  ensureStarted()
  return takeStats()
}

/**
 * All goroutines that have not ended, each with its id, name, state, what it waits for and since when, and where it was created. Those of
 * the main program stand first, under id 1. Walks all of them: with a million that takes a while.
 *
 * @example
 * for (const g of runtime.goroutines()) console.log(g.id, g.name, g.waitReason)
 */
export function goroutines(): readonly GoroutineInfo[] {
  return isJoined() ? listGoroutines() : []
}

/** Prints `goroutines()` to stderr, in Go's form. */
export function dump(): void {
  process.stderr.write(`${formatGoroutines(goroutines())}\n`)
}

/**
 * Lets others run: resolves after goroutines that are ready, and the event loop, have had a turn.
 *
 * @example
 * for (const item of items) {
 *   digest(item)
 *   await runtime.gosched()
 * }
 */
export function gosched(): Promise<void> {
  ensureStarted()
  return yieldTurn()
}

/**
 * Ends the running goroutine: its `finally` blocks run, and whoever awaits it gets undefined. It does so by throwing, so it ends there too where
 * something catches everything and goes on.
 *
 * @throws Error on the main thread, which is no goroutine.
 *
 * @example
 * if (nothingToDo) runtime.goexit()
 */
export function goexit(): never {
  return endGoroutine()
}

/**
 * Keeps the thread of the running goroutine for it alone: no other starts there from now on. Counted: undo it by as many
 * `unlockOSThread()`. A goroutine that ends without that ends its thread. For native addons with thread state, and what blocks for long.
 * Goroutines that had started on the thread before stay there. On the main thread it does nothing.
 *
 * @throws Error if another goroutine has locked the thread; before Node 24 also after an `await`, when it is not known which goroutine calls.
 *
 * @example
 * runtime.lockOSThread()
 */
export function lockOSThread(): void {
  lockThread()
}

/** Undoes one `lockOSThread()`; without one it does nothing, as in Go. */
export function unlockOSThread(): void {
  unlockThread()
}

/**
 * Calls `fn`, which blocks: `execFileSync`, `readFileSync`, `Atomics.wait`, a synchronous native addon. For its time the processor of this
 * thread is handed to another thread, so that other goroutines go on; after it this one takes a processor back, and waits for one if
 * there is none. On the main thread, which has no processor, it just calls `fn`.
 *
 * @returns what `fn` returns.
 * @throws what `fn` throws; TypeError if it is no function.
 *
 * @example
 * const log = runtime.blocking(() => execFileSync('git', ['log']))
 */
export function blocking<T>(fn: () => T): T {
  if (typeof fn !== 'function') throw new TypeError(`runtime.blocking: takes a function, not ${String(fn)}`)
  return runBlocking(fn)
}

/**
 * The context of the running goroutine: done when the `signal` that its `go.with` was given aborts. Without one, and on the main thread, it
 * is `context.background()`.
 *
 * @example
 * await fetch(url, { signal: runtime.context().signal })
 */
export function context(): Context {
  return (currentContext() as Context | undefined) ?? background()
}

/**
 * Sets options before the first use of the runtime: `maxProcs`, `maxThreads`, `memory` (bytes of shared memory to reserve),
 * and for the threads `execArgv`, `resourceLimits` and `env`, as for `new Worker`.
 *
 * @throws TypeError or RangeError for a bad option, naming it; Error once the runtime has started.
 *
 * @example
 * runtime.configure({ maxProcs: 4, memory: 2 ** 30 })
 */
export function configure(options: RuntimeOptions): void {
  configureRuntime(options)
}

/**
 * Waits for all goroutines, then stops the threads. Nothing can be started after it: `RuntimeClosedError`. Not needed for a
 * process to end: it ends by itself when nothing is left to do.
 *
 * @returns a promise that resolves when the last thread has stopped; rejects when called from a goroutine.
 *
 * @example
 * await runtime.shutdown()
 */
export function shutdown(): Promise<void> {
  return shutDown()
}
