import { outlive } from '@goro/model'
import { describe, expect, test } from 'vitest'
import { NULL, read, write } from '#atomics'
import { lock, ownerOf, RANK, releaseDead, unlock } from '../../src/lock.ts'
import { explored } from './harness.ts'

const LOCK = 1
const COUNT = 2
const rank = RANK.pageHeap
const names = [{ name: 'lock', base: LOCK, layout: { word: 0, count: 1, SIZE: 2 } }]

/** A thread that is in the critical section `times` times. The race check proves that it is alone there. */
const contender =
  (owner: number, times = 1) =>
  () => {
    for (let i = 0; i < times; i++) {
      lock(LOCK, owner, rank)
      write(COUNT, read(COUNT) + 1)
      unlock(LOCK, rank)
    }
  }

const freeWith = (count: number) => () => {
  expect(ownerOf(LOCK)).toBe(NULL)
  expect(read(COUNT)).toBe(count)
}

describe('lock', () => {
  test('two threads are in the critical section at once, or one sleeps for ever', () => {
    const threads = [contender(1, 2), contender(2, 2)]
    expect(explored({ words: 8, names, threads, after: freeWith(4) }).executions).toBeGreaterThan(50)
  })

  test('a third thread makes two enter at once, or sleeps for ever', () => {
    const threads = [contender(1), contender(2), contender(3)]
    expect(explored({ words: 8, names, threads, after: freeWith(3) }).executions).toBeGreaterThan(50)
  })

  test('an early return from the sleep lets a thread in', () => {
    const threads = [contender(1), contender(2), contender(3)]
    explored({ words: 8, names, threads, earlyReturns: 2, after: freeWith(3) })
  })

  test('who waits for a lock that a dead thread held sleeps for ever', () => {
    const undertaker = () => {
      if (outlive(0)) releaseDead(LOCK, 1)
    }
    const threads = [contender(1), contender(2), undertaker]
    explored({
      words: 8,
      names,
      threads,
      mortal: [0],
      after: () => expect(ownerOf(LOCK)).toBe(NULL),
    })
  })

  test('who waits beside a thread that died asleep or just awake sleeps for ever', () => {
    const undertaker = () => {
      if (outlive(0)) releaseDead(LOCK, 1)
    }
    const threads = [contender(1), contender(2), contender(3), undertaker]
    explored({
      words: 8,
      names,
      threads,
      mortal: [0],
      after: () => expect(ownerOf(LOCK)).toBe(NULL),
    })
  })
})
