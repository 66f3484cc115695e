/** Every interleaving of channels, select, mutexes and counts, up to the bound. */
import { add, load, read, store, write } from '@goro/memory'
import { expect, test } from 'vitest'
import { expectSame, explored, failureOf } from '../../../memory/test/explorer/harness.ts'
import { BLOCKED, Chan, chanLength, chanrecv, chansend, DONE } from '../../src/chan.ts'
import { lockMutex, Mutex, RETRY, relockMutex, trylock, unlockMutex } from '../../src/mutex.ts'
import { RECEIVE, select, withdraw } from '../../src/select.ts'
import { acquireSema, addCount, releaseSema, Sema, waitCount } from '../../src/sema.ts'
import { finish, lockQueue, Sudog, unlockQueue, Waitable } from '../../src/sudog.ts'
import {
  A,
  B,
  block,
  cellOf,
  close,
  names,
  ready,
  readyChain,
  recv,
  selectOne,
  send,
  setupChans,
  sleep,
  sudogOf,
  WAKE,
  words,
} from './parties.ts'

function expectEmpty(): void {
  for (const c of [A, B]) {
    expect(read(c + Chan.receivers)).toBe(0)
    expect(read(c + Chan.senders)).toBe(0)
    expect(read(c + Waitable.lock)).toBe(0)
  }
}

test.each([0, 1])('capacity %i: two senders and a receiver: values come once, in their order', (capacity) => {
  const threads = [
    () => [send(0, A, 1), send(0, A, 2)],
    () => [send(1, A, 3)],
    () => [recv(2, A), recv(2, A), recv(2, A)],
  ]
  const after = (results: readonly unknown[]) => {
    const got = results[2] as number[]
    expectSame(got, [1, 2, 3])
    expect(got.indexOf(1)).toBeLessThan(got.indexOf(2))
    expectEmpty()
  }
  expect(explored({ words, names, setup: setupChans(capacity), threads, after }).executions).toBeGreaterThan(100)
})

test('a ring of any capacity goes round: as many values as there is room for, in their order, wherever it begins', () => {
  const rounds = (capacity: number) => () => {
    const [cell, got] = [cellOf(block(0, 6)), []] as [number, number[]]
    const trySend = (value: number) => {
      write(cell, 5)
      write(cell + 2, value)
      return chansend(A, cell, 0, 1) === DONE
    }
    // One more each time, so that a full ring begins at each of its cells.
    for (let round = 0; round < 2 * capacity + 1; round++) {
      for (let i = 0; i < capacity; i++) expect(trySend(round * capacity + i)).toBe(true)
      expect(trySend(-1)).toBe(false)
      expect(chanLength(A)).toBe(capacity)
      for (let i = 0; i < capacity; i++) {
        expect(chanrecv(A, cell, 0, 1)).toBe(DONE)
        got.push(read(cell + 2))
      }
      expect([chanrecv(A, cell, 0, 1), chanLength(A)]).toEqual([BLOCKED, 0])
      expect([trySend(-2), chanrecv(A, cell, 0, 1)]).toEqual([true, DONE])
    }
    expect(got).toEqual(Array.from(got, (_, i) => i))
    // A counter that went on would come to its cell by a division, and at 2^32 begin at another one.
    expect([read(A + Chan.head) < 2 * capacity, read(A + Chan.tail) < 2 * capacity]).toEqual([true, true])
  }
  for (const capacity of [1, 2, 3]) {
    explored({ words, names, setup: setupChans(capacity), threads: [rounds(capacity)], after: expectEmpty })
  }
})

test('close wakes a parked receiver, or one that is about to park', () => {
  const threads = [() => recv(0, A), () => recv(1, A), () => close(2, A)]
  const after = ([a, b]: readonly unknown[]) => expect([a, b]).toEqual([-1, -1])
  explored({ words, names, setup: setupChans(0), threads, after })
})

test('close fails a parked sender; what was sent before is received', () => {
  const threads = [() => send(0, A, 1), () => recv(1, A), () => close(2, A)]
  const after = ([sent, got]: readonly unknown[]) => expect(got).toBe(sent === true ? 1 : -1)
  explored({ words, names, setup: setupChans(0), threads, after })
})

test('two selects, each to receive from what the other sends to: exactly one pair of cases happens', () => {
  const threads = [() => selectOne(0, A, B, 7), () => selectOne(1, B, A, 8)]
  const after = ([a, b]: readonly unknown[]) => {
    expect([
      [-2, 7],
      [8, -2],
    ]).toContainEqual([a, b])
    expectEmpty()
  }
  explored({ words, names, setup: setupChans(0), threads, after })
})

test('a select against a sender and a receiver of its two channels: one case, and the other party is not touched', () => {
  const threads = [() => selectOne(0, A, B, 7), () => send(1, A, 1), () => recv(2, B)]
  const after = ([chose, sent, got]: readonly unknown[]) => {
    if (chose === 1) expect([sent, got]).toEqual([true, undefined])
    else expect([chose, sent, got]).toEqual([-2, undefined, 7])
  }
  explored({ words, names, setup: setupChans(0), threads, after, allowAsleep: [1, 2] })
})

test('a select against close', () => {
  const threads = [() => selectOne(0, A, B, 7), () => close(1, A), () => recv(2, B)]
  const after = ([chose, , got]: readonly unknown[]) => {
    if (chose === -1) expect(got).toBeUndefined()
    else expect([chose, got]).toEqual([-2, 7])
  }
  explored({ words, names, setup: setupChans(0), threads, after, allowAsleep: [2] })
})

test('planted: a close that forgets who waits is found', () => {
  const forgetful = () => {
    // As closechan, but a waiter that is parked stays so.
    store(A + Chan.closed, 1)
  }
  const failure = failureOf({
    words,
    names,
    setup: setupChans(0),
    threads: [() => recv(0, A), forgetful],
    racy: [{ from: A + Chan.closed, to: A + Chan.closed + 1 }],
  })
  expect(failure.message).toMatch(/lost wake-up/)
})

test('planted: a select whose winner is not claimed is delivered twice, and that is found', () => {
  const careless = () => {
    const [record, first, second] = [sudogOf(0, 1), sudogOf(0, 2), sudogOf(0, 3)]
    for (const [sudog, c] of [
      [first, A],
      [second, B],
    ] as const) {
      write(sudog + Sudog.on, c)
      write(sudog + Sudog.info, RECEIVE)
    }
    const cases = [first, second]
    if (select(cases, record, 1, () => 0.99)) return 1
    // As if each case stood for itself.
    sleep(0)
    const winner = load(record + Sudog.select)
    // Frees the record before the others are withdrawn: the next sender takes it for one that nobody has won.
    store(record + Sudog.select, 0)
    withdraw(cases, winner, 1)
    return load(record + Sudog.select) === 0 ? 1 : 2
  }
  const failure = failureOf({
    words,
    names,
    setup: setupChans(0),
    threads: [careless, () => send(1, A, 1), () => send(2, B, 2)],
    allowAsleep: [1, 2],
    after: ([times]) => expect(times).toBe(1),
  })
  expect(failure).toBeDefined()
})

const MUTEX_NAMES = [{ name: 'mutex', base: A, layout: Mutex }]

/** Locks, counts without an atomic, unlocks: a race, if two are inside. */
function critical(thread: number): void {
  if (trylock(A, thread) !== DONE) {
    const sudog = sudogOf(thread, 0)
    let outcome = lockMutex(A, sudog, thread, thread + 1)
    while (outcome === BLOCKED) {
      sleep(thread)
      if (read(sudog + Sudog.info) !== RETRY) break
      write(sudog + Sudog.info, 2)
      outcome = relockMutex(A, sudog, thread, thread + 1)
    }
  }
  write(B, read(B) + 1)
  const next = unlockMutex(A, thread, thread + 1)
  if (next !== DONE) ready(next)
}

test('mutex: two threads, twice each, and three threads: one at a time, and nobody sleeps for ever', () => {
  const twice = (thread: number) => () => {
    critical(thread)
    critical(thread)
  }
  explored({ words, names: MUTEX_NAMES, threads: [twice(0), twice(1)], after: () => expect(read(B)).toBe(4) })
  explored({
    words,
    names: MUTEX_NAMES,
    threads: [() => critical(0), () => critical(1), () => critical(2)],
    after: () => {
      expect(read(B)).toBe(3)
      expect(load(A + Mutex.state)).toBe(0)
      expect(read(A + Mutex.waiters)).toBe(0)
    },
  })
})

test('wait group: who waits is woken by the last, once', () => {
  const done = (thread: number) => () => {
    const chain = addCount(A, -1, thread + 1)
    if (chain !== DONE) readyChain(chain)
  }
  const waiter = () => {
    if (waitCount(A, sudogOf(2, 0), 3) === BLOCKED) sleep(2)
    return load(A + Sema.count)
  }
  explored({
    words,
    setup: () => write(A + Sema.count, 2),
    threads: [done(0), done(1), waiter],
    racy: [{ from: A + Sema.count, to: A + Sema.count + 1 }],
    after: ([, , left]) => {
      expect(left).toBe(0)
      expect(load(WAKE + 2)).toBe(0)
    },
  })
})

test('planted: a waiter that is readied without being taken out of its queue is woken twice, and that is found', () => {
  const careless = (thread: number) => () => {
    lockQueue(A, thread + 1)
    const sudog = read(A + Sema.waiters)
    if (sudog !== 0) finish(sudog, 0, thread + 1)
    unlockQueue(A)
    if (sudog !== 0) add(WAKE + read(sudog + Sudog.owner), 1)
  }
  const waiter = () => {
    if (waitCount(A, sudogOf(2, 0), 3) === BLOCKED) return 'waits'
    return 'went'
  }
  const failure = failureOf({
    words,
    setup: () => write(A + Sema.count, 1),
    threads: [careless(0), careless(1), waiter],
    after: () => expect(load(WAKE + 2)).toBeLessThan(2),
  })
  expect(failure.message).toMatch(/expected 2 to be less than 2/)
})

test('semaphore: two that want one each of one: one after the other, and nobody is passed over', () => {
  const user = (thread: number, n: number) => () => {
    if (acquireSema(A, n, sudogOf(thread, 0), thread + 1) === BLOCKED) sleep(thread)
    write(B, read(B) + 1)
    const chain = releaseSema(A, n, thread + 1)
    if (chain !== DONE) readyChain(chain)
  }
  explored({
    words,
    setup: () => write(A + Sema.limit, 2),
    threads: [user(0, 2), user(1, 2), user(2, 2)],
    after: () => {
      expect([read(B), read(A + Sema.count), read(A + Sema.waiters)]).toEqual([3, 0, 0])
    },
  })
})

/** A ticker's channel has room for one time: a slow receiver misses ticks. */
const tick = (value: number) => {
  const cell = cellOf(block(0, 7))
  write(cell, 5)
  write(cell + 2, value)
  const outcome = chansend(A, cell, 0, 1)
  if (outcome !== BLOCKED && outcome !== DONE) ready(outcome)
  return outcome !== BLOCKED
}

test('a ticker against a receiver and its own stop: a tick comes once or is missed, and after the stop none is left', () => {
  const stop = () => {
    const cell = cellOf(block(0, 6))
    const outcome = chanrecv(A, cell, 0, 1)
    return outcome === DONE ? read(cell + 2) : undefined
  }
  explored({
    words,
    names,
    setup: setupChans(1),
    threads: [() => [tick(1), tick(2), stop()], () => recv(1, A), () => recv(2, A)],
    // There may be no tick for the other.
    allowAsleep: [1, 2],
    after: ([timer, a, b]) => {
      const [first, second, left] = timer as [boolean, boolean, number | undefined]
      const ticks = [first ? 1 : 0, second ? 2 : 0].filter((each) => each !== 0)
      const came = [a, b, left].filter((each) => each !== undefined) as number[]
      expectSame(came, ticks)
      expect(read(A + Chan.tail) - read(A + Chan.head)).toBe(0)
    },
  })
})
