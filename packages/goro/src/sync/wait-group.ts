import {
  addressOf,
  defineHandle,
  ensureStarted,
  freeWaitable,
  type Goroutine,
  groupAdd,
  groupWait,
  Handle,
  handleKind,
  KIND,
  newproc,
  newWaitable,
  ownModule,
} from '@goro/runtime'
import type { Sendable } from '../sendable.ts'

ownModule(import.meta.url)

/**
 * Waits for a number of things to be done, on whatever threads. A handle.
 *
 * @example
 * const group = new WaitGroup()
 * for (const file of files) group.go(check, file)
 * await group.wait()
 */
export class WaitGroup extends Handle {
  /** @throws OutOfMemoryError */
  constructor()
  /** @internal */
  constructor(address: number)
  constructor(address?: number) {
    if (address === undefined) ensureStarted()
    super(address ?? newWaitable(KIND.waitGroup))
  }

  /** @internal */
  get [handleKind](): number {
    return KIND.waitGroup
  }

  /**
   * Adds `n`, which may be negative, to what is not done yet.
   *
   * @throws SyncError `sync: negative WaitGroup counter`; RangeError if `n` is no whole number of 32 bits.
   */
  add(n = 1): void {
    if ((n | 0) !== n) throw new RangeError(`WaitGroup.add: takes a whole number of 32 bits, not ${String(n)}`)
    groupAdd(addressOf(this), n)
  }

  /** One is done. @throws SyncError `sync: negative WaitGroup counter` */
  done(): void {
    groupAdd(addressOf(this), -1)
  }

  /**
   * Resolves when nothing is left to be done; at once if nothing is.
   *
   * @throws SyncError (rejects) `sync: WaitGroup is reused before previous Wait has returned`: nothing was left, but somebody has added
   * something again since. Only whoever has seen every `wait` return may.
   */
  wait(): Promise<void> {
    try {
      return groupWait(addressOf(this), this)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * `add(1)`, and starts a goroutine as `go` does; `done()` when it has ended, also by an error.
   *
   * @returns the goroutine: its error is an unhandled rejection unless somebody awaits it.
   * @throws as `go`; then nothing was added.
   */
  go<A extends readonly unknown[], R>(fn: (...args: A) => R, ...args: Sendable<A>): Goroutine<Awaited<R>> {
    this.add()
    try {
      const onSettled = () => {
        try {
          this.done()
        } catch (error) {
          // Somebody has counted it down himself: as in Go that is a panic. What is about to be settled is to be.
          void Promise.reject(error)
        }
      }
      return newproc(fn as (...args: never[]) => unknown, args, 'WaitGroup.go', { onSettled }) as Goroutine<Awaited<R>>
    } catch (error) {
      this.done()
      throw error
    }
  }

  get [Symbol.toStringTag](): string {
    return 'WaitGroup'
  }
}

defineHandle(KIND.waitGroup, (address) => new WaitGroup(address), freeWaitable)
