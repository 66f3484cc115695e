import { linearizable, type Model, type Operation, operation, outlive } from '@goro/model'
import { describe, expect, test } from 'vitest'
import { load, read, write } from '#atomics'
import { GlobalQueue, GlobalQueueLayout, type Links } from '../../src/global-queue.ts'
import { chain, expectSame, explored } from './harness.ts'

const QUEUE = 16
/** Items of four words: a number, and the queue's links. */
const ITEMS = 64
const links: Links = { link: 1, batchLink: 2, batchCount: 3 }
const itemAt = (n: number) => ITEMS + 4 * n
const numberOf = (item: number) => (item - ITEMS) / 4

const world = {
  words: itemAt(16),
  // Who follows the null address finds nonsense there.
  setup: () => {
    for (let at = 1; at < QUEUE; at++) write(at, -1)
  },
  names: [
    { name: 'queue', base: QUEUE, layout: GlobalQueueLayout },
    ...Array.from({ length: 16 }, (_, n) => ({ name: `g${n}`, base: itemAt(n), layout: { id: 0, ...links, SIZE: 4 } })),
  ],
}

/** A thread's face, by numbers. Every operation goes into the history. */
class Face {
  readonly #queue: GlobalQueue

  constructor(owner: number) {
    this.#queue = new GlobalQueue(QUEUE, owner, links)
  }

  put(...numbers: number[]): void {
    operation('put', numbers, () => {
      numbers.forEach((n, i) => {
        write(itemAt(n) + links.link, i + 1 < numbers.length ? itemAt(numbers[i + 1] as number) : 0)
      })
      this.#queue.put(itemAt(numbers[0] as number), numbers.length)
    })
  }

  /** The oldest batch. */
  take(): number[] {
    return operation('take', [], () => {
      const first = this.#queue.take()
      if (first === 0) return []
      const numbers = chain(first, links.link).map(numberOf)
      if (numbers.length !== read(first + links.batchCount)) throw new Error(`a batch that does not count ${numbers}`)
      return numbers
    })
  }

  size(): number {
    return operation('size', [], () => this.#queue.size)
  }

  repair(dead: number): void {
    this.#queue.repair(dead)
  }

  drain(): number[] {
    const numbers: number[] = []
    for (let batch = this.take(); batch.length > 0; batch = this.take()) numbers.push(...batch)
    return numbers
  }
}

/** A queue of batches. */
const model: Model<readonly (readonly number[])[]> = {
  initial: [],
  apply: (batches, { name, args, result }) => {
    if (name === 'put') return [...batches, args as number[]]
    if (name === 'size') return result === batches.flat().length ? batches : undefined
    const [first = [], ...rest] = batches
    return JSON.stringify(first) === JSON.stringify(result) ? rest : undefined
  },
}

/** Operations make sense in some order, every number is somewhere once, and what is left is what the size says. */
const isQueue =
  (...numbers: number[]) =>
  (results: readonly unknown[], history: readonly Operation[]) => {
    expect(linearizable(history, model)).toBe(true)
    const queue = new Face(9)
    const size = queue.size()
    const left = queue.drain()
    expect(size).toBe(left.length)
    expectSame([...(results as number[][]).flat(), ...left], numbers)
  }

/** Thread `owner`, whose `work` returns the numbers that it took. */
const thread = (owner: number, work: (queue: Face) => number[]) => () => work(new Face(owner))

const puts = (owner: number, ...batches: number[][]) =>
  thread(owner, (queue) => {
    for (const batch of batches) queue.put(...batch)
    return []
  })

describe('global queue', () => {
  test('a batch is lost, taken twice, torn, or overtakes an older one', () => {
    const taker = (owner: number) => thread(owner, (queue) => [...queue.take(), ...queue.take()])
    explored({ ...world, threads: [puts(1, [1, 2], [3]), taker(2)], after: isQueue(1, 2, 3) })
    explored({ ...world, threads: [puts(1, [1, 2], [3]), puts(2, [4]), taker(3)], after: isQueue(1, 2, 3, 4) })
    explored({ ...world, threads: [puts(1, [1, 2], [3]), taker(2), taker(3)], after: isQueue(1, 2, 3) })
  })

  test('who puts and takes in turns gets what another thread has', () => {
    const both = (owner: number, n: number) =>
      thread(owner, (queue) => {
        queue.put(n)
        return queue.take()
      })
    explored({ ...world, threads: [both(1, 1), both(2, 2), both(3, 3)], after: isQueue(1, 2, 3) })
  })

  test('the size is one that the queue has never had: a thread goes to sleep beside work', () => {
    const looker = thread(2, (queue) => {
      queue.size()
      queue.size()
      return []
    })
    const taker = thread(3, (queue) => queue.take())
    explored({ ...world, threads: [puts(1, [1, 2], [3]), looker, taker], after: isQueue(1, 2, 3) })
  })

  test('a thread that dies under the lock leaves a queue that loses or doubles what others put', () => {
    const undertaker = thread(3, (queue) => {
      if (outlive(0)) queue.repair(1)
      return []
    })
    const dying = thread(1, (queue) => {
      queue.put(1, 2)
      return queue.take()
    })
    explored({
      ...world,
      threads: [dying, puts(2, [3], [4]), undertaker],
      mortal: [0],
      // What the dying thread had in hand is gone with it: its own batch, or the one that it took. All else is there.
      after: ([taken = []]) => {
        const queue = new Face(9)
        const size = queue.size()
        const left = queue.drain()
        expect(size).toBe(left.length)
        const all = [...(taken as number[]), ...left]
        expect(new Set(all).size).toBe(all.length)
        expect([[], [1, 2], [3]]).toContainEqual([1, 2, 3, 4].filter((n) => !all.includes(n)))
        expect(load(QUEUE + GlobalQueueLayout.head)).toBe(0)
      },
    })
  })
})
