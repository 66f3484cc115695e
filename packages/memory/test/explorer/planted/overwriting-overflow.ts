/**
 * Planted bug: an overflow in two steps, which reads half of the full ring and then stores the new head. A thief that has
 * taken the same half in between is overwritten: those goroutines are in two places.
 */
import { load, read, store, write } from '#atomics'
import { LocalQueue, type Overflow, runQueueLayout } from '../../../src/run-queue.ts'

export class OverwritingOverflow extends LocalQueue {
  readonly #base: number
  readonly #capacity: number
  readonly #link: number
  readonly #overflow: Overflow

  constructor(base: number, capacity: number, link: number, overflow: Overflow) {
    super(base, capacity, link, overflow)
    this.#base = base
    this.#capacity = capacity
    this.#link = link
    this.#overflow = overflow
  }

  override put(g: number): void {
    const layout = runQueueLayout(this.#capacity)
    const head = load(this.#base + layout.head)
    if (read(this.#base + layout.tail) - head < this.#capacity) return super.put(g)
    const half = this.#capacity >>> 1
    let first = g
    write(g + this.#link, 0)
    for (let i = half - 1; i >= 0; i--) {
      const each = read(this.#base + layout.slots + ((head + i) & (this.#capacity - 1)))
      write(each + this.#link, first)
      first = each
    }
    store(this.#base + layout.head, (head + half) | 0)
    this.#overflow.put(first, half + 1)
  }
}
