/** The linearizability check, on histories written by hand and on a register that is none. */
import { describe, expect, it } from 'vitest'
import { explore, linearizable, type Model, type Operation, operation } from '../../src/index.ts'
import { add, load, store } from '../../src/seam.ts'

/** A FIFO queue of numbers; `get` of an empty one returns 0. */
const queue: Model<readonly number[]> = {
  initial: [],
  apply: (items, { name, args, result, pending }) => {
    if (name === 'put') return [...items, args[0] as number]
    const [first = 0, ...rest] = items
    return pending || result === first ? rest : undefined
  },
}

/** A history from lines such as `0 put 1 = undefined, 1 to 2`: thread, operation, result, first and last step. */
function history(
  ...lines: [thread: number, name: string, arg: number, result: unknown, from: number, to: number][]
): Operation[] {
  const index = (k: number) => lines.slice(0, k).filter(([thread]) => thread === lines[k]?.[0]).length
  return lines.map(([thread, name, arg, result, from, to], k) => ({
    thread,
    name,
    args: [arg],
    result,
    pending: to === Infinity,
    index: index(k),
    endedBefore: [0, 1, 2].map((other) => lines.filter((line) => line[0] === other && line[5] < from).length),
    from,
    to,
  }))
}

describe('linearizable', () => {
  it.each([
    ['nothing', history(), true],
    ['one after another', history([0, 'put', 1, undefined, 1, 2], [1, 'get', 0, 1, 3, 4]), true],
    ['empty after a put that has ended', history([0, 'put', 1, undefined, 1, 2], [1, 'get', 0, 0, 3, 4]), false],
    ['empty beside a put', history([0, 'put', 1, undefined, 1, 3], [1, 'get', 0, 0, 2, 4]), true],
    [
      'a value that comes before its put has ended',
      history([0, 'put', 1, undefined, 1, 9], [1, 'get', 0, 1, 2, 3]),
      true,
    ],
    ['a value before its put begins', history([1, 'get', 0, 1, 1, 2], [0, 'put', 1, undefined, 3, 4]), false],
    [
      'out of order',
      history(
        [0, 'put', 1, undefined, 1, 2],
        [0, 'put', 2, undefined, 3, 4],
        [1, 'get', 0, 2, 5, 6],
        [1, 'get', 0, 1, 7, 8],
      ),
      false,
    ],
    [
      'either order of overlapping puts',
      history(
        [0, 'put', 1, undefined, 1, 4],
        [2, 'put', 2, undefined, 2, 3],
        [1, 'get', 0, 2, 5, 6],
        [1, 'get', 0, 1, 7, 8],
      ),
      true,
    ],
    [
      'two orders at once',
      history(
        [0, 'put', 1, undefined, 1, 4],
        [2, 'put', 2, undefined, 2, 3],
        [1, 'get', 0, 2, 5, 6],
        [0, 'get', 0, 2, 7, 8],
      ),
      false,
    ],
    ['a put that never ended, taken', history([0, 'put', 1, undefined, 1, Infinity], [1, 'get', 0, 1, 2, 3]), true],
    ['a put that never ended, not taken', history([0, 'put', 1, undefined, 1, Infinity], [1, 'get', 0, 0, 2, 3]), true],
  ])('%s', (_, operations, expected) => {
    expect(linearizable(operations, queue)).toBe(expected)
  })

  const counter: Model<number> = {
    initial: 0,
    apply: (n, { result }) => (result === n ? n + 1 : undefined),
  }
  const next = (body: () => number) => () => [operation('next', [], body), operation('next', [], body)]
  const isCounter = (_: readonly unknown[], operations: readonly Operation[]) => {
    if (!linearizable(operations, counter)) throw new Error('no counter')
  }

  it('holds for a counter in one step and not for one in two', () => {
    const good = next(() => add(1, 1))
    explore({ words: 4, threads: [good, good], after: isCounter })
    const bad = next(() => {
      const n = load(1)
      store(1, n + 1)
      return n
    })
    expect(() => explore({ words: 4, threads: [bad, bad], after: isCounter })).toThrow(
      ['T0 next() = 0, steps 1 to 2', 'T0 next() = 1, steps 3 to 8', 'T1 next() = 1, steps 4 to 5'].join('\n'),
    )
  })

  it('sees what had ended before an operation began, though no word tells', () => {
    // Two words that never meet: nothing but time makes the second thread's answer wrong.
    const writer = () => operation('put', [1], () => store(1, 1))
    const reader = () => operation('get', [0], () => load(2))
    const check = (_: readonly unknown[], operations: readonly Operation[]) => {
      if (!linearizable(operations, queue)) throw new Error('no queue')
    }
    expect(() => explore({ words: 4, threads: [writer, reader], after: check })).toThrow('no queue')
  })
})
