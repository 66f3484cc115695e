import { linearizable, type Operation, operation } from '@goro/model'
import { describe, expect, test } from 'vitest'
import { load, pause, store, write } from '#atomics'
import { LocalQueue, RunQueueStealer } from '../../src/run-queue.ts'
import { expectSame, explored, failureOf } from './harness.ts'
import { OverwritingOverflow } from './planted/overwriting-overflow.ts'
import { PopWithoutCas } from './planted/pop-without-cas.ts'
import { TakeWithoutCas } from './planted/take-without-cas.ts'
import {
  gAt,
  layout,
  Owner,
  type OwnerClass,
  queueAt,
  queueOf,
  remaining,
  STARTS,
  type StealerClass,
  start,
  stealer,
  takeOne,
  world,
} from './run-queue-harness.ts'

/** The end of an execution in which every goroutine was put once: each is somewhere, once. */
const conserves =
  (...numbers: number[]) =>
  (results: readonly unknown[]) =>
    expectSame([...(results as number[][]).flat(), ...remaining()], numbers)

/** The same, and the operations make sense in some order of the moments at which they happened. */
const isQueue =
  (initial: number[], ...numbers: number[]) =>
  (results: readonly unknown[], history: readonly Operation[]) => {
    expect(linearizable(history, queueOf(...initial))).toBe(true)
    conserves(...numbers)(results)
  }

/** Puts and gets: an owner at work. Returns what it got, and what overflowed. */
const owner =
  (work: (owner: Owner) => number[], Queue: OwnerClass = LocalQueue) =>
  () => {
    const self = new Owner(0, Queue)
    const got = work(self)
    return [...got, ...self.overflowed]
  }

const putPutGetGet = owner((self) => {
  self.put(1)
  self.put(2)
  return [...self.get(), ...self.get()]
})

const thief = (p: number) => () => new Owner(p).stealAll(0)
const thiefTwice = (p: number) => () => {
  const self = new Owner(p)
  return [...self.stealAll(0), ...self.stealAll(0)]
}

describe.each(STARTS)('run queue, from position %i', (position) => {
  test('owner and thief get the same goroutine, or none gets it', () => {
    explored({
      ...world,
      setup: start(position),
      threads: [putPutGetGet, thiefTwice(1)],
      maxPreemptions: undefined,
      after: isQueue([], 1, 2),
    })
  })

  test('two thieves get the same goroutine, or none gets it', () => {
    const work = owner((self) => {
      const got = self.get()
      self.put(4)
      return [...got, ...self.get()]
    })
    const threads = [work, thief(1), thief(2)]
    explored({ ...world, setup: start(position, 1, 2, 3), threads, after: isQueue([1, 2, 3], 1, 2, 3, 4) })
  })

  test('who takes one goroutine gets one that owner or thief has too', () => {
    const taker = () => [...takeOne(0), ...takeOne(0)]
    explored({
      ...world,
      setup: start(position),
      threads: [putPutGetGet, taker],
      maxPreemptions: undefined,
      after: isQueue([], 1, 2),
    })
    const work = owner((self) => {
      const got = self.get()
      for (const n of [4, 5, 6]) self.put(n)
      return got
    })
    const threads = [work, taker, thief(1)]
    explored({ ...world, setup: start(position, 1, 2, 3), threads, after: isQueue([1, 2, 3], 1, 2, 3, 4, 5, 6) })
  })

  test('next is lost or run twice when its owner takes it alone while another takes one', () => {
    const work = owner((self) => {
      self.putNext(1)
      self.putNext(2)
      const got = self.takeNext()
      self.putNext(3)
      return [...got, ...self.get()]
    })
    const taker = () => [...takeOne(0), ...takeOne(0)]
    explored({ ...world, setup: start(position), threads: [work, taker], after: conserves(1, 2, 3) })
  })

  test('an overflow moves goroutines that a thief has taken', () => {
    const work = owner((self) => {
      self.put(4)
      self.put(5)
      return self.get()
    })
    const setup = start(position, 0, 1, 2, 3)
    explored({ ...world, setup, threads: [work, thief(1)], after: isQueue([0, 1, 2, 3], 0, 1, 2, 3, 4, 5) })
    explored({ ...world, setup, threads: [work, thief(1), thief(2)], after: isQueue([0, 1, 2, 3], 0, 1, 2, 3, 4, 5) })
  })

  test('a queue that has overflowed takes more than it holds', () => {
    const work = owner((self) => {
      for (const n of [4, 5, 6, 7]) self.put(n)
      return []
    })
    const setup = start(position, 0, 1, 2, 3)
    explored({ ...world, setup, threads: [work, thief(1)], after: isQueue([0, 1, 2, 3], 0, 1, 2, 3, 4, 5, 6, 7) })
  })

  test('a slot is used again while a slow thief still reads it', () => {
    // A whole turn of the ring while the thief stands between its look and its cas.
    const work = owner((self) => {
      const got = [...self.get(), ...self.get(), ...self.get()]
      for (const n of [4, 5, 6, 7]) self.put(n)
      return got
    })
    const setup = start(position, 1, 2, 3)
    explored({ ...world, setup, threads: [work, thief(1)], after: isQueue([1, 2, 3], 1, 2, 3, 4, 5, 6, 7) })
  })

  test('a thief is robbed of what it has just stolen, and one of them keeps it too', () => {
    const robbed = () => {
      const self = new Owner(1)
      return [...self.steal(0), ...self.drain()]
    }
    const robber = () => {
      const self = new Owner(2)
      return [...self.steal(1), ...self.steal(1)]
    }
    const threads = [owner((self) => [...self.get(), ...self.get()]), robbed, robber]
    explored({ ...world, setup: start(position, 0, 1, 2, 3), threads, after: conserves(0, 1, 2, 3) })
  })

  test('next is lost or run twice when it is kicked out, taken and stolen at once', () => {
    const work = owner((self) => {
      self.putNext(1)
      self.putNext(2)
      const got = self.get()
      self.putNext(3)
      return got
    })
    const nextThief = (p: number) => () => {
      const self = new Owner(p)
      return [...self.stealAll(0, true), ...self.stealAll(0, true)]
    }
    explored({ ...world, setup: start(position), threads: [work, nextThief(1)], after: conserves(1, 2, 3) })
    explored({
      ...world,
      setup: start(position),
      threads: [work, nextThief(1), nextThief(2)],
      after: conserves(1, 2, 3),
    })
  })
})

describe('run queue', () => {
  test('a batch that fills it at once is torn, or what did not fit is lost', () => {
    const fill = owner((self) => {
      const chained = [1, 2, 3, 4, 5, 6]
      for (const [i, n] of chained.entries())
        write(gAt(n) + 1, i + 1 < chained.length ? gAt(chained[i + 1] as number) : 0)
      const rest: number[] = []
      for (let g = self.queue.fill(gAt(1)); g !== 0; g = self.queue.fill(g)) {
        rest.push(...self.get(), ...self.get())
      }
      return rest
    })
    explored({ ...world, setup: start(0), threads: [fill, thief(1), thief(2)], after: conserves(1, 2, 3, 4, 5, 6) })
  })

  test('its next owner loses what the last one left, while a thief steals', () => {
    const HANDED = 8
    const first = owner((self) => {
      self.put(1)
      self.put(2)
      self.putNext(3)
      store(HANDED, 1)
      return []
    })
    const second = () => {
      while (load(HANDED) === 0) pause()
      const self = new Owner(0)
      self.put(4)
      return self.drain()
    }
    explored({ ...world, setup: start(0), threads: [first, second, thief(2)], after: conserves(1, 2, 3, 4) })
  })

  test('a length is one that the ring has never had', () => {
    const observer = () => {
      operation('length', [], () => stealer(0).length)
      return []
    }
    explored({
      ...world,
      setup: start(0),
      threads: [putPutGetGet, thief(1), observer],
      after: isQueue([], 1, 2),
    })
  })

  test('it is called empty while it holds a goroutine', () => {
    // From the first putNext on there is always one: the first is kicked into the ring before the second is taken.
    const work = owner((self) => {
      self.putNext(1)
      self.putNext(2)
      return self.get()
    })
    const observer = () => {
      const started = load(queueAt(0) + layout.next) !== 0
      return started && stealer(0).isEmpty ? [-1] : []
    }
    explored({ ...world, setup: start(0), threads: [work, observer, observer], after: conserves(1, 2) })
  })
})

describe('planted: the owner takes the last goroutine without a cas', () => {
  const exploration = (Queue: OwnerClass) => ({
    ...world,
    setup: start(0, 1),
    threads: [owner((self) => self.get(), Queue), thief(1)],
    after: conserves(1),
  })

  test('the explorer does not find that owner and thief both have it', () => {
    const failure = failureOf(exploration(PopWithoutCas))
    expect(failure.cause).toMatchObject({ actual: [1, 1], expected: [1] })
    expect(failure.message).toContain('T1  cas P0.head 0 => 1')
  })

  test('the explorer blames the right owner', () => {
    explored(exploration(LocalQueue))
  })
})

describe('planted: one goroutine is taken without a cas', () => {
  const exploration = (Queue: StealerClass) => ({
    ...world,
    setup: start(0, 1),
    threads: [owner((self) => self.get()), () => takeOne(0, Queue)],
    after: conserves(1),
  })

  test('the explorer does not find that owner and taker both have it', () => {
    const failure = failureOf(exploration(TakeWithoutCas))
    expect(failure.cause).toMatchObject({ actual: [1, 1], expected: [1] })
  })

  test('the explorer blames the right one', () => {
    explored(exploration(RunQueueStealer))
  })
})

describe('planted: an overflow that moves the head without a cas', () => {
  const exploration = (Queue: OwnerClass) => ({
    ...world,
    setup: start(0, 0, 1, 2, 3),
    threads: [owner((self) => self.put(4).slice(0, 0), Queue), thief(1)],
    after: conserves(0, 1, 2, 3, 4),
  })

  test('the explorer does not find that a thief has half of what overflows', () => {
    const failure = failureOf(exploration(OverwritingOverflow))
    expect(failure.cause).toMatchObject({ expected: [0, 1, 2, 3, 4] })
  })

  test('the explorer blames the right overflow', () => {
    explored(exploration(LocalQueue))
  })
})
