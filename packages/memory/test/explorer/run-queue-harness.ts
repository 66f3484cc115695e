/** Run queues of four, their goroutines, and what a run queue is, for run-queue.test.ts. */
import { type Model, operation } from '@goro/model'
import { write } from '#atomics'
import { LocalQueue, type Overflow, RunQueueStealer, runQueueLayout } from '../../src/run-queue.ts'
import { chain } from './harness.ts'

export const CAPACITY = 4
export const layout = runQueueLayout(CAPACITY)

/** The queue of processor `p`, of three. */
export const queueAt = (p: number) => 16 + p * layout.SIZE
const GS = queueAt(3)
/** Goroutine `n`, of sixteen: a number, and a link. */
export const gAt = (n: number) => GS + 2 * n
export const numberOf = (g: number) => (g - GS) / 2
const LINK = 1

const processors = [0, 1, 2]

/** Memory, names, and what thieves may read while its owner writes it. */
export const world = {
  words: gAt(16),
  names: [
    ...processors.map((p) => ({ name: `P${p}`, base: queueAt(p), layout })),
    ...Array.from({ length: 16 }, (_, n) => ({ name: `g${n}`, base: gAt(n), layout: { id: 0, link: 1, SIZE: 2 } })),
  ],
  speculative: processors.map((p) => ({
    from: queueAt(p) + layout.slots,
    to: queueAt(p) + layout.slots + CAPACITY,
    by: queueAt(p) + layout.head,
  })),
}

/** A class with `LocalQueue`'s face: itself, or one with a bug planted. */
export type OwnerClass = new (base: number, capacity: number, link: number, overflow: Overflow) => LocalQueue

/** The owner of a queue, by numbers, and what overflowed. Every operation goes into the history. */
export class Owner {
  readonly queue: LocalQueue
  readonly overflowed: number[] = []

  constructor(p: number, Queue: OwnerClass = LocalQueue) {
    this.queue = new Queue(queueAt(p), CAPACITY, LINK, {
      put: (first, count) => {
        const numbers = chain(first, LINK).map(numberOf)
        if (numbers.length !== count) throw new Error(`a chain of ${numbers.length} said to have ${count}`)
        this.overflowed.push(...numbers)
      },
    })
  }

  /** Puts `n` and returns what overflowed. */
  put(n: number): number[] {
    return operation('put', [n], () => {
      const before = this.overflowed.length
      this.queue.put(gAt(n))
      return this.overflowed.slice(before)
    })
  }

  putNext(n: number): void {
    this.queue.putNext(gAt(n))
  }

  /** What comes next; nothing if there is none. */
  get(): number[] {
    return operation('get', [], () => this.#number(this.queue.get()))
  }

  /** Steals, and takes out at once what it stole. */
  stealAll(victim: number, stealNext = false): number[] {
    return operation('steal', [], () => {
      const last = this.#number(this.queue.stealFrom(stealer(victim), stealNext))
      return [...this.drain(), ...last]
    })
  }

  /** Steals, and leaves in its queue what it does not run at once. */
  steal(victim: number, stealNext = false): number[] {
    return this.#number(this.queue.stealFrom(stealer(victim), stealNext))
  }

  /** Takes `next` alone. */
  takeNext(): number[] {
    return this.#number(this.queue.takeNext())
  }

  drain(): number[] {
    const numbers: number[] = []
    for (let g = this.queue.get(); g !== 0; g = this.queue.get()) numbers.push(numberOf(g))
    return numbers
  }

  #number(g: number): number[] {
    return g === 0 ? [] : [numberOf(g)]
  }
}

export const stealer = (p: number) => new RunQueueStealer(queueAt(p), CAPACITY)

/** A class with `RunQueueStealer`'s face: itself, or one with a bug planted. */
export type StealerClass = new (base: number, capacity: number) => RunQueueStealer

/** Takes the oldest goroutine from the queue of processor `p`, into no queue. */
export function takeOne(p: number, Queue: StealerClass = RunQueueStealer): number[] {
  return operation('take', [], () => {
    const g = new Queue(queueAt(p), CAPACITY).take()
    return g === 0 ? [] : [numberOf(g)]
  })
}

/** What is still in the queues when all is over. */
export const remaining = () => processors.flatMap((p) => new Owner(p).drain())

/** Starts every queue at `position`, with goroutines `numbers` in that of processor 0. */
export function start(position: number, ...numbers: number[]): () => void {
  return () => {
    for (const p of processors) {
      write(queueAt(p) + layout.head, position)
      write(queueAt(p) + layout.tail, position)
    }
    const owner = new Owner(0)
    for (const n of numbers) owner.queue.put(gAt(n))
  }
}

/** Where the positions start over: at the largest of them, and from -1 to 0. */
export const STARTS = [0, 2 ** 31 - 2, -2] as const

const same = (a: readonly number[], b: unknown) => JSON.stringify(a) === JSON.stringify(b)

/** A queue without `next`: first in, first out; a thief takes up to half; who finds it full moves half of it out. */
export function queueOf(...initial: number[]): Model<readonly number[]> {
  return {
    initial,
    apply: (ring, { name, args, result }) => {
      if (name === 'put') {
        const n = args[0] as number
        if (ring.length < CAPACITY) return same([], result) ? [...ring, n] : undefined
        return same([...ring.slice(0, CAPACITY / 2), n], result) ? ring.slice(CAPACITY / 2) : undefined
      }
      if (name === 'get') return same(ring.slice(0, 1), result) ? ring.slice(1) : undefined
      if (name === 'length') return result === ring.length ? ring : undefined
      const taken = (result as number[]).length
      // It may have seen the queue before the owner put more, but no more than that and, unless it was empty, not nothing.
      if (taken > Math.ceil(ring.length / 2) || (taken === 0 && ring.length > 0)) return undefined
      return same(ring.slice(0, taken), result) ? ring.slice(taken) : undefined
    },
  }
}
