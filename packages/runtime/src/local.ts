/**
 * What a goroutine has of its own for as long as it runs, whatever it awaits: its context, if it was started with a signal; and who it is,
 * for dumps.
 *
 * Node keeps track of what continues what (`AsyncLocalStorage`). Before Node 24 that makes every `await` of the thread two to three
 * times as dear, so it is used for contexts alone, and who waits is known in a goroutine's first step only. From Node 24 on it costs the
 * `await` next to nothing, but still 100 to 300 ns a goroutine and 20 ns a look. So there is a budget (`mayLook`): as long as a thread
 * does not start or park more than some hundreds of goroutines at once, all of them are known, and when it does, looking costs
 * nothing.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

interface Local {
  /** Its id; 0 if that is not kept. */
  readonly goid: number
  readonly context: object | undefined
}

let storage: AsyncLocalStorage<Local> | undefined

/** Whether Node keeps track at no cost to each `await`. */
export const tracksGoroutines = Number(process.versions.node.split('.')[0]) >= 24

/**
 * Looks that a thread may have saved up, and those that it gets in a millisecond. A goroutine that is known takes 250 bytes more on
 * Node 24 for as long as it waits, so a million that are started at once are not to be.
 */
const MOST_LOOKS = 1024
const MORE_LOOKS = 16
let looks = MOST_LOOKS
let savedAt = 0

/** Whether there is a look left at, or for, who is running; it is used up. */
export function mayLook(): boolean {
  if (looks === 0) return false
  looks--
  return true
}

/** It is `ms` milliseconds after this thread's start. */
export function saveLooks(ms: number): void {
  const passed = (ms - savedAt) | 0
  if (passed === 0) return
  savedAt = ms
  looks = Math.min(MOST_LOOKS, looks + passed * MORE_LOOKS)
}

/** Calls `fn` as the first step of goroutine `goid`, whose context is `context`, if it has one. */
export function runAs<T>(goid: number, context: object | undefined, fn: () => T): T {
  storage ??= new AsyncLocalStorage()
  return storage.run({ goid, context }, fn)
}

/** The context of the running goroutine; undefined if it has none of its own. */
export function currentContext(): object | undefined {
  return storage?.getStore()?.context
}

/** The id of the running goroutine, if that is kept; else 0. */
export function currentGoid(): number {
  return storage?.getStore()?.goid ?? 0
}
