/**
 * Every interleaving of channels, select and mutexes, up to the bound. A thread parks by sleeping on a word of its own; readying its
 * waiter is to set that word: what gopark.ts does with inboxes and promises.
 */
import { load, notify, read, store, wait, write } from '@goro/memory'
import { expect, test } from 'vitest'
import { expectSame, explored, failureOf } from '../../../memory/test/explorer/harness.ts'
import { BLOCKED, BY_CLOSE, Chan, CLOSED, chanrecv, chansend, closechan, DONE } from '../../src/chan.ts'
import { lockMutex, Mutex, RETRY, trylock, unlockMutex } from '../../src/mutex.ts'
import { chosen, RECEIVE, SEND, select, withdraw } from '../../src/select.ts'
import { addCount, Sema, waitCount } from '../../src/sema.ts'
import { homeOf, Sudog, Waitable } from '../../src/sudog.ts'

const A = 16
const B = 32
const RINGS = 48
const WAKE = 60
const WORDS = 80
/** Blocks of 16 words: eight a thread. */
const block = (thread: number, n: number) => WORDS + (thread * 8 + n) * 16
const cellOf = (sudog: number) => sudog + Sudog.cell
const words = block(4, 0)
const names = [
  { name: 'a', base: A, layout: Chan },
  { name: 'b', base: B, layout: Chan },
  ...[0, 1, 2].flatMap((t) => [0, 1, 2, 3].map((n) => ({ name: `t${t}s${n}`, base: block(t, n), layout: Sudog }))),
]

function setupChans(capacity: number): () => void {
  return () => {
    for (const [c, ring] of [
      [A, RINGS],
      [B, RINGS + 8],
    ] as const) {
      write(c + Waitable.kind, 1)
      write(c + Chan.capacity, capacity)
      write(c + Chan.ring, ring)
    }
  }
}

function ready(sudog: number): void {
  const word = WAKE + read(homeOf(sudog) + Sudog.owner)
  store(word, 1)
  notify(word)
}

function readyChain(chain: number): void {
  for (let home = chain; home !== 0; ) {
    const next = read(home + Sudog.link)
    const word = WAKE + read(home + Sudog.owner)
    home = next
    store(word, 1)
    notify(word)
  }
}

function sleep(thread: number): void {
  while (load(WAKE + thread) === 0) wait(WAKE + thread, 0)
  store(WAKE + thread, 0)
}

function sudogOf(thread: number, n: number): number {
  const sudog = block(thread, n)
  write(sudog + Sudog.owner, thread)
  write(sudog + Sudog.select, 0)
  write(sudog + Sudog.list, 0)
  write(sudog + Sudog.info, 0)
  return sudog
}

/** Sends `value`; false if the channel was closed. */
function send(thread: number, c: number, value: number): boolean {
  const sudog = sudogOf(thread, 0)
  const cell = cellOf(block(thread, 7))
  write(cell, 5)
  write(cell + 2, value)
  const outcome = chansend(c, cell, sudog, thread + 1)
  if (outcome === CLOSED) return false
  if (outcome === BLOCKED) {
    sleep(thread)
    return read(sudog + Sudog.info) !== BY_CLOSE
  }
  if (outcome !== DONE) ready(outcome)
  return true
}

/** Receives; -1 if the channel was closed. */
function recv(thread: number, c: number): number {
  const sudog = sudogOf(thread, 0)
  const cell = cellOf(block(thread, 7))
  const outcome = chanrecv(c, cell, sudog, thread + 1)
  if (outcome === CLOSED) return -1
  if (outcome === BLOCKED) {
    sleep(thread)
    return read(sudog + Sudog.info) === BY_CLOSE ? -1 : read(cellOf(sudog) + 2)
  }
  if (outcome !== DONE) ready(outcome)
  return read(cell + 2)
}

function close(thread: number, c: number): void {
  const chain = closechan(c, 0, thread + 1)
  if (chain !== DONE && chain !== CLOSED) readyChain(chain)
}

/** Receives from `from`, or sends `value` to `to`: what it received, or -2 if it has sent; -1 if the channel was closed. */
function selectOne(thread: number, from: number, to: number, value: number): number {
  const [record, receive, out] = [sudogOf(thread, 1), sudogOf(thread, 2), sudogOf(thread, 3)]
  write(receive + Sudog.on, from)
  write(receive + Sudog.info, RECEIVE)
  write(out + Sudog.on, to)
  write(out + Sudog.info, SEND)
  write(cellOf(out), 5)
  write(cellOf(out) + 2, value)
  const cases = [receive, out]
  const isReady = select(cases, record, thread + 1, () => 0.99)
  const { sudog, outcome } = chosen
  if (isReady) {
    if (outcome === CLOSED) return -1
    if (outcome !== DONE) ready(outcome)
    return sudog === out ? -2 : read(cellOf(receive) + 2)
  }
  sleep(thread)
  const winner = load(record + Sudog.select)
  withdraw(cases, winner, thread + 1)
  if (read(winner + Sudog.info) === BY_CLOSE) return -1
  return winner === out ? -2 : read(cellOf(receive) + 2)
}

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
    let outcome = lockMutex(A, sudog, thread, thread + 1, false)
    while (outcome === BLOCKED) {
      sleep(thread)
      if (read(sudog + Sudog.info) !== RETRY) break
      write(sudog + Sudog.info, 2)
      outcome = lockMutex(A, sudog, thread, thread + 1, true)
    }
  }
  write(B, read(B) + 1)
  const next = unlockMutex(A, thread + 1)
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
      expect(load(A + Mutex.state) >> 1).toBe(0)
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
