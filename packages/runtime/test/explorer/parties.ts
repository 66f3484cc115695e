/**
 * What the explorer tests of this package have in common: memory with two channels in it, and threads that park by sleeping on a word of
 * their own. Readying a waiter is to set that word: what gopark.ts does with inboxes and promises.
 */
import { load, notify, read, store, wait, write } from '@goro/memory'
import { BLOCKED, BY_CLOSE, Chan, CLOSED, chanrecv, chansend, closechan, DONE } from '../../src/chan.ts'
import { chosen, RECEIVE, SEND, select, withdraw } from '../../src/select.ts'
import { homeOf, Sudog, Waitable } from '../../src/sudog.ts'

export const A = 16
export const B = 32
export const RINGS = 48
export const WAKE = 60
export const WORDS = 80
/** Blocks of 16 words: eight a thread. */
export const block = (thread: number, n: number) => WORDS + (thread * 8 + n) * 16
export const cellOf = (sudog: number) => sudog + Sudog.cell
export const words = block(4, 0)
export const names = [
  { name: 'a', base: A, layout: Chan },
  { name: 'b', base: B, layout: Chan },
  ...[0, 1, 2].flatMap((t) => [0, 1, 2, 3].map((n) => ({ name: `t${t}s${n}`, base: block(t, n), layout: Sudog }))),
]

export function setupChans(capacity: number): () => void {
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

export function ready(sudog: number): void {
  const word = WAKE + read(homeOf(sudog) + Sudog.owner)
  store(word, 1)
  notify(word)
}

export function readyChain(chain: number): void {
  for (let home = chain; home !== 0; ) {
    const next = read(home + Sudog.link)
    const word = WAKE + read(home + Sudog.owner)
    home = next
    store(word, 1)
    notify(word)
  }
}

export function sleep(thread: number): void {
  while (load(WAKE + thread) === 0) wait(WAKE + thread, 0)
  store(WAKE + thread, 0)
}

export function sudogOf(thread: number, n: number): number {
  const sudog = block(thread, n)
  write(sudog + Sudog.owner, thread)
  write(sudog + Sudog.select, 0)
  write(sudog + Sudog.on, 0)
  write(sudog + Sudog.info, 0)
  return sudog
}

/** Sends `value`; false if the channel was closed. */
export function send(thread: number, c: number, value: number): boolean {
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
export function recv(thread: number, c: number): number {
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

export function close(thread: number, c: number): void {
  const chain = closechan(c, 0, thread + 1)
  if (chain !== DONE && chain !== CLOSED) readyChain(chain)
}

/** Receives from `from`, or sends `value` to `to`: what it received, or -2 if it has sent; -1 if the channel was closed. */
export function selectOne(thread: number, from: number, to: number, value: number): number {
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
