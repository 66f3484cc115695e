/**
 * What a goroutine has of its own for as long as it runs, whatever it awaits: its context. Only a goroutine that was started with a
 * signal has one; for the others nothing is kept, since before Node 24 keeping it makes every `await` of the thread dearer.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

let storage: AsyncLocalStorage<object> | undefined

/** Calls `fn` as the first step of a goroutine whose context is `context`. */
export function withContext<T>(context: object, fn: () => T): T {
  storage ??= new AsyncLocalStorage()
  return storage.run(context, fn)
}

/** The context of the running goroutine; undefined if it has none of its own. */
export function currentContext(): object | undefined {
  return storage?.getStore()
}
