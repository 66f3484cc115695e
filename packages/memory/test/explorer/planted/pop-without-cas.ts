/**
 * Planted bug: an owner that takes from the head as if it were alone. Between its look and its store a thief may have taken
 * the last goroutine: both have it then.
 */
import { load, read, store } from '#atomics'
import { LocalQueue, type Overflow, runQueueLayout } from '../../../src/run-queue.ts'

export class PopWithoutCas extends LocalQueue {
  readonly #base: number
  readonly #capacity: number

  constructor(base: number, capacity: number, link: number, overflow: Overflow) {
    super(base, capacity, link, overflow)
    this.#base = base
    this.#capacity = capacity
  }

  override get(): number {
    const layout = runQueueLayout(this.#capacity)
    const head = load(this.#base + layout.head)
    if (head === read(this.#base + layout.tail)) return 0
    const g = read(this.#base + layout.slots + (head & (this.#capacity - 1)))
    store(this.#base + layout.head, (head + 1) | 0)
    return g
  }
}
