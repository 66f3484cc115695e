/**
 * The global run queue: unbounded, FIFO, of goroutines that belong to no processor. Linked through the G structs
 * themselves, so it takes no memory of its own. After Go's `sched.runq` (`runtime/proc.go`), with one change: goroutines
 * travel in the batches in which they came (a processor that overflows puts half its queue here), and a batch is taken
 * whole. Both ends are then a handful of accesses under the lock, however many goroutines move; Go walks the list under
 * `sched.lock`.
 *
 * Invariants (under `lock`): `head` is 0 if and only if `size` is 0; from `head`, `batchLink`s lead to `tail`; in a batch,
 * `link`s lead from its first G through `batchCount` of them, the last with link 0. `size` is also read without the
 * lock, atomically, as a hint that is exact for whoever wrote last: a sleeper that reads 0 after it has announced itself
 * cannot miss a batch, because `put` stores `size` before its caller looks for sleepers.
 *
 * A thread that dies under the lock: `put` links its batch in by one store to `head` or to the last batch's link, with
 * `tail` set after it, and `repair` walks the batches to set `tail` and `size` right again.
 */
import { load, read, store, write } from '#atomics'
import { lock, ownerOf, RANK, releaseDead, unlock } from './lock.ts'
import { i32, line, struct } from './struct.ts'

export const GlobalQueueLayout = struct({
  /** Owner-stamped lock of the fields below. */
  lock: line(i32),
  /** First batch. Under lock. */
  head: line(i32),
  /** Last batch. Under lock. */
  tail: i32,
  /** Goroutines in the queue. Written under lock, read by any thread, atomically. */
  size: line(i32),
})

/** Where in a queued item the queue keeps its links; words the item's own owner does not use while it is queued. */
export interface Links {
  /** Next item of the batch. */
  readonly link: number
  /** In a batch's first item: the next batch. */
  readonly batchLink: number
  /** In a batch's first item: how many items the batch has. */
  readonly batchCount: number
}

export class GlobalQueue {
  readonly #base: number
  readonly #owner: number
  readonly #links: Links

  /** A thread's face of the queue at `base`; `owner` is the id it stamps the lock with. */
  constructor(base: number, owner: number, links: Links) {
    this.#base = base
    this.#owner = owner
    this.#links = links
  }

  get size(): number {
    return load(this.#base + GlobalQueueLayout.size)
  }

  /** Appends a batch of `count` items linked from `first`, the last with link 0. The caller wakes somebody after this. */
  put(first: number, count: number): void {
    const { batchLink, batchCount } = this.#links
    const q = this.#base
    write(first + batchLink, 0)
    write(first + batchCount, count)
    lock(q + GlobalQueueLayout.lock, this.#owner, RANK.globalQueue)
    if (read(q + GlobalQueueLayout.head) === 0) write(q + GlobalQueueLayout.head, first)
    else write(read(q + GlobalQueueLayout.tail) + batchLink, first)
    write(q + GlobalQueueLayout.tail, first)
    store(q + GlobalQueueLayout.size, read(q + GlobalQueueLayout.size) + count)
    unlock(q + GlobalQueueLayout.lock, RANK.globalQueue)
  }

  /**
   * Takes the oldest batch: its first item, with the number of items in its `batchCount`. 0 if the queue is empty. Before it is out of the
   * queue its first item is written to `chain`, if that is not 0, for who may have to bury this thread.
   */
  take(chain = 0): number {
    const { batchLink, batchCount } = this.#links
    const q = this.#base
    if (load(q + GlobalQueueLayout.size) === 0) return 0
    lock(q + GlobalQueueLayout.lock, this.#owner, RANK.globalQueue)
    const first = read(q + GlobalQueueLayout.head)
    if (first !== 0) {
      if (chain !== 0) write(chain, first)
      write(q + GlobalQueueLayout.head, read(first + batchLink))
      store(q + GlobalQueueLayout.size, read(q + GlobalQueueLayout.size) - read(first + batchCount))
    }
    unlock(q + GlobalQueueLayout.lock, RANK.globalQueue)
    return first
  }

  /** How many items there are in the batch that `take` has just given. */
  countOf(first: number): number {
    return read(first + this.#links.batchCount)
  }

  /** Makes the queue whole after thread `dead` may have died under its lock. */
  repair(dead: number): void {
    const q = this.#base
    if (ownerOf(q + GlobalQueueLayout.lock) === dead) this.#rebuild()
    releaseDead(q + GlobalQueueLayout.lock, dead)
  }

  /** Sets `tail` and `size` right by what is linked. */
  #rebuild(): void {
    const { batchLink, batchCount } = this.#links
    const q = this.#base
    let size = 0
    for (let batch = read(q + GlobalQueueLayout.head); batch !== 0; batch = read(batch + batchLink)) {
      size += read(batch + batchCount)
      write(q + GlobalQueueLayout.tail, batch)
    }
    store(q + GlobalQueueLayout.size, size)
  }

  /** For who buries a thread: takes out of `lost` what is in the queue. */
  search(lost: Set<number>): void {
    const { link, batchLink } = this.#links
    const q = this.#base
    lock(q + GlobalQueueLayout.lock, this.#owner, RANK.globalQueue)
    for (let batch = read(q + GlobalQueueLayout.head); batch !== 0 && lost.size > 0; batch = read(batch + batchLink)) {
      for (let item = batch; item !== 0; item = read(item + link)) lost.delete(item)
    }
    unlock(q + GlobalQueueLayout.lock, RANK.globalQueue)
  }
}
