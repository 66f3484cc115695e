/**
 * What the explorer tests have in common.
 *
 * `GORO_EXPLORE_PREEMPTIONS` raises the bound on preemptions (default 2; `all` for none), as in
 * `GORO_EXPLORE_PREEMPTIONS=4 npx vitest run --project explorer packages/memory/test/explorer/lock.test.ts`.
 * A failure prints its schedule; give it to `explore` as `replay` to run it alone.
 */
import { type Exploration, type Explored, ExploreFailure, explore } from '@goro/model'
import { expect, vi } from 'vitest'
import { load, read } from '#atomics'

export { outlive } from '@goro/model'

// Exploring is bounded by preemptions, not by time.
vi.setConfig({ testTimeout: 600_000 })

const BOUND = process.env.GORO_EXPLORE_PREEMPTIONS ?? '2'

/** Explores up to the bound of this run. */
export function explored(exploration: Exploration): Explored {
  return explore({ maxPreemptions: BOUND === 'all' ? undefined : Number(BOUND), ...exploration })
}

/** The failure that the explorer finds; the test fails if it finds none. */
export function failureOf(exploration: Exploration): ExploreFailure {
  try {
    explored(exploration)
  } catch (error) {
    if (error instanceof ExploreFailure) return error
    throw error
  }
  return expect.unreachable('the explorer found nothing')
}

/** The addresses of a chain that starts at `first` and is linked at `link`. In a thread, or at the end. */
export function chain(first: number, link: number): number[] {
  const items: number[] = []
  for (let item = first; item !== 0; item = read(item + link)) items.push(item)
  return items
}

/** Fails unless `actual` has each of `expected` once, in whatever order: nothing lost, nothing twice. */
export function expectSame(actual: readonly number[], expected: readonly number[]): void {
  const sorted = (list: readonly number[]) => [...list].sort((a, b) => a - b)
  expect(sorted(actual)).toEqual(sorted(expected))
}

/** Fails unless `first` comes before `then` in every list that has both. */
export function expectOrder(lists: readonly (readonly number[])[], first: number, then: number): void {
  for (const list of lists) {
    if (list.includes(first) && list.includes(then)) expect(list.indexOf(first)).toBeLessThan(list.indexOf(then))
  }
}

/** Fails unless the word is 0. */
export function expectZero(address: number): void {
  expect(load(address)).toBe(0)
}
