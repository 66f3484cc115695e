/**
 * Planted bug: a thief that takes one goroutine from the head as if it were alone. Between its look and its store the owner may
 * have taken it: both have it then.
 */
import { load, read, store } from '#atomics'
import { RunQueueStealer, runQueueLayout } from '../../../src/run-queue.ts'

export class TakeWithoutCas extends RunQueueStealer {
  readonly #base: number
  readonly #capacity: number

  constructor(base: number, capacity: number) {
    super(base, capacity)
    this.#base = base
    this.#capacity = capacity
  }

  override take(): number {
    const layout = runQueueLayout(this.#capacity)
    const head = load(this.#base + layout.head)
    if (head === load(this.#base + layout.tail)) return 0
    const g = read(this.#base + layout.slots + (head & (this.#capacity - 1)))
    store(this.#base + layout.head, (head + 1) | 0)
    return g
  }
}
