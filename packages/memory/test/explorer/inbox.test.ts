import { linearizable, type Model, type Operation, operation } from '@goro/model'
import { describe, expect, test } from 'vitest'
import { NULL, read, write } from '#atomics'
import { close, InboxLayout, isEmpty, open, push, pushChain, takeAll } from '../../src/inbox.ts'
import { lock, RANK, unlock } from '../../src/lock.ts'
import { chain, expectSame, explored, failureOf } from './harness.ts'
import { popWithCas } from './planted/pop-of-one.ts'

const INBOX = 16
const LINK = 1
const names = [{ name: 'inbox', base: INBOX, layout: InboxLayout }]
/** Items, each of two words: one of its producer's, which the race check watches, and the link. */
const item = (n: number) => 32 + 2 * n

/** Makes item `n` and pushes it. True if it was taken in. */
const put = (n: number) =>
  operation('push', [n], () => {
    write(item(n), n)
    return push(INBOX, item(n), LINK)
  })

/** What was taken, by number: reads what the producers wrote. */
const numbers = (first: number) => chain(first, LINK).map(read)
const take = () => operation('takeAll', [], () => numbers(takeAll(INBOX, LINK)))
const shut = () => operation('close', [], () => numbers(close(INBOX, LINK)))

/** What an inbox is: a list, or nothing once it is closed. */
const model: Model<readonly number[] | null> = {
  initial: [],
  apply: (items, { name, args, result }) => {
    if (name === 'push') {
      if (items === null) return result === false ? null : undefined
      return result === true ? [...items, args[0] as number] : undefined
    }
    const taken = JSON.stringify(result) === JSON.stringify(items ?? [])
    if (!taken) return undefined
    return name === 'close' || items === null ? null : []
  },
}

const behavesAsAList = (_: readonly unknown[], history: readonly Operation[]) => {
  expect(linearizable(history, model)).toBe(true)
}

describe('inbox', () => {
  test('an item is lost, comes twice, or overtakes one that was pushed before it', () => {
    const producer = (first: number) => () => {
      put(first)
      put(first + 1)
    }
    const owner = () => {
      take()
      take()
    }
    explored({ words: 64, names, threads: [owner, producer(1)], after: behavesAsAList })
    explored({ words: 64, names, threads: [owner, producer(1), producer(3)], after: behavesAsAList })
  })

  test('an item is pushed into an inbox that is closed, and lost', () => {
    const producer = (first: number) => () => {
      put(first)
      put(first + 1)
    }
    const undertaker = () => {
      take()
      shut()
      shut()
    }
    explored({ words: 64, names, threads: [undertaker, producer(1), producer(3)], after: behavesAsAList })
  })

  test('a chain is torn apart by another push', () => {
    const producer = (a: number, b: number) => () => {
      write(item(a), a)
      write(item(b), b)
      write(item(b) + LINK, item(a))
      pushChain(INBOX, item(b), item(a), LINK)
    }
    explored({
      words: 64,
      names,
      threads: [producer(1, 2), producer(3, 4), () => numbers(takeAll(INBOX, LINK))],
      after: ([, , early]) => {
        const late = numbers(takeAll(INBOX, LINK))
        const all = [...(early as number[]), ...late]
        expectSame(all, [1, 2, 3, 4])
        expect(all.indexOf(2)).toBe(all.indexOf(1) + 1)
        expect(all.indexOf(4)).toBe(all.indexOf(3) + 1)
        expect(isEmpty(INBOX)).toBe(true)
      },
    })
  })

  test('an inbox that was opened again takes nothing in', () => {
    const producer = () => {
      put(1)
    }
    const setup = () => {
      close(INBOX, LINK)
      open(INBOX)
    }
    explored({ words: 64, names, setup, threads: [producer, take], after: behavesAsAList })
  })
})

describe('planted: an inbox used as a free list, popped one by one', () => {
  // One thread takes a block while another takes two and gives the first back: the head is what it was, its link is not.
  const exploration = (pop: (owner: number) => number) => ({
    words: 64,
    names,
    racy: [{ from: item(0), to: 64 }],
    setup: () => {
      for (const n of [3, 2, 1]) push(INBOX, item(n), LINK)
    },
    threads: [
      () => [pop(1)],
      () => {
        const first = pop(2)
        const second = pop(2)
        if (first !== NULL) push(INBOX, first, LINK)
        return [second]
      },
    ],
    after: (results: readonly unknown[]) => {
      const left = chain(takeAll(INBOX, LINK), LINK)
      expectSame([...(results as number[][]).flat(), ...left], [1, 2, 3].map(item))
    },
  })

  test('the explorer does not find that a block is handed out twice (ABA)', () => {
    const failure = failureOf(exploration(() => popWithCas(INBOX, LINK)))
    expect(failure.message).toMatch(/cas inbox\.head 34 => 36/)
  })

  test('the explorer blames a pop that is alone', () => {
    const LOCK = 8
    explored(
      exploration((owner) => {
        lock(LOCK, owner, RANK.slabClass)
        const item = popWithCas(INBOX, LINK)
        unlock(LOCK, RANK.slabClass)
        return item
      }),
    )
  })
})
