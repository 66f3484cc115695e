/**
 * How the loader gets onto a thread. Node runs an `--import` on every thread. A goroutine brings its code along, so the runtime's own
 * threads need the loader (node.ts) only once a goroutine imports a module by itself; to load it there at once would hold up their
 * start, on Node 20 by another thread for each. The runtime calls what is left for it under `goro.loader` before the first such import.
 */
import { isMainThread, workerData } from 'node:worker_threads'

/** What `goro.loader` holds. */
export interface ThreadLoader {
  /** Installs it; once. */
  (): Promise<void>
  /** TypeScript is loaded by it, too. */
  typescript?: boolean
}

/** Installs `install` now, or on a thread of the runtime when it is needed. Piscina tells those (packages/runtime/src/threads.ts). */
export async function whenNeeded(install: ThreadLoader): Promise<void> {
  if (isMainThread || workerData !== 'goroutines') return install()
  ;(globalThis as Record<symbol, unknown>)[Symbol.for('goro.loader')] = install
}

let isPreemptive = false

/** Has the loader compile what it loads with preemption points (preempt.ts). Before `register`. */
export function preempt(): void {
  isPreemptive = true
}

/** Installs the loader on this thread, once. */
export async function register(): Promise<void> {
  const { install } = await import('./node.ts')
  install(isPreemptive)
}
