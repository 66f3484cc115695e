import { ownModule, pinProxy, pinTransfer, pin as pinValue, type Transferable } from '@goro/runtime'
import type { ProxyMarked, Remote } from 'comlink'
import type { Sendable } from './sendable.ts'

export type { ProxyMarked, Remote } from 'comlink'

/** A remote that is released at the end of a block with `using` or `await using`. */
export type Pinned<T> = Remote<T> & Disposable & AsyncDisposable

/** The type of `pin`: callable, with `pin.proxy` and `pin.transfer`. */
export interface Pin {
  /**
   * Starts a goroutine with a thread of its own, which owns what `factory(...args)` returns or resolves to: an object with methods, a
   * function, a class. For what must stay on one thread: native addons, WebAssembly instances, connections.
   *
   * The remote is Comlink's: each access is asynchronous, arguments and results are copied, handles shared. Calls reach the value in
   * order; one does not wait for another's promise. An idle one does not keep the process alive; a call does.
   *
   * It is released by `using`, `await using` (which waits until the value is disposed of), `remote[releaseProxy]()` of Comlink, or as
   * garbage: then the value's own `Symbol.asyncDispose` or `Symbol.dispose` is called on its thread, if it has one, and the thread ends.
   *
   * @param factory makes the value, on the thread; shipped as by `go`.
   * @returns a promise of the remote. It rejects with what the factory throws; with TypeError if that returns no object or function; with
   * CaptureError, DataCloneError, OutOfMemoryError and RuntimeClosedError as `go` throws them.
   * @throws (rejects; a call of the remote) what the method throws; DataCloneError for what can't be sent; ThreadDiedError if the thread
   * is dead; RuntimeClosedError after `runtime.shutdown()`.
   *
   * @example
   * await using counter = await pin((n: number) => new Counter(n), 3)
   * console.log(await counter.inc())
   */
  <A extends readonly unknown[], R>(factory: (...args: A) => R, ...args: Sendable<A>): Promise<Pinned<Awaited<R>>>

  /**
   * Marks `value`, a function or an object, to be called back from the other thread instead of being copied: Comlink's `proxy`.
   *
   * @returns `value`.
   *
   * @example
   * await watcher.onChange(pin.proxy((name: string) => console.log(name)))
   */
  proxy<T extends object>(value: T): T & ProxyMarked

  /**
   * Names what in `value` is to be moved instead of copied when it is passed or returned: Comlink's `transfer`.
   *
   * @returns `value`.
   *
   * @example
   * await image.load(pin.transfer(bytes, [bytes.buffer]))
   */
  transfer<T extends object>(value: T, transfer: readonly Transferable[]): T
}

// A stack that leads here leads to the user's call.
ownModule(import.meta.url)

function start(factory: (...args: never[]) => unknown, ...args: unknown[]): Promise<Pinned<unknown>> {
  return pinValue(factory, args, 'pin')
}

/** Gives a value a thread of its own: see `Pin`. */
export const pin: Pin = Object.assign(start, { proxy: pinProxy, transfer: pinTransfer }) as Pin
