/**
 * Waiting on several channels at once, as in Go's `runtime/select.go`. All channels are locked, in the order of their addresses,
 * so that what is ready is one moment's; of the ready cases one is chosen uniformly, by looking in a random order; if none is,
 * a waiter is put on each, and the locks are released. sudog.ts says how exactly one of them is woken.
 *
 * A case is a sudog: `on` is its channel, `info` its direction, its cell the value to send or where the received one goes. A
 * negative number is a case that is ready by itself: a promise that has settled.
 */
import { read, write } from '@goro/memory'
import { BLOCKED, Chan, DONE, recvLocked, sendLocked } from './chan.ts'
import { enqueue, lockQueue, remove, SUDOG_PARKED, Sudog, unlockQueue } from './sudog.ts'
import { quickSelect } from './wasm.ts'

/** A case's direction, as its sudog's `info`. */
export const RECEIVE = 2
export const SEND = 3

/** What `select` has found: which of the cases, and how it went, as an outcome of chan.ts. Good until the next `select`. */
export const chosen = { sudog: 0, outcome: BLOCKED }

/**
 * Does one of `cases` if one is ready: it is then in `chosen`, and true is returned. If none is and `record` is not 0, all wait for
 * that record. `cases` is put in a random order, by `random` (0 to below 1).
 */
export function select(cases: number[], record: number, owner: number, random: () => number): boolean {
  if (record !== 0 && cases.length === 2 && waitForTwo(cases, record, owner)) return false
  const channels = lockOrder(cases)
  shuffle(cases, random)
  for (const c of channels) lockQueue(c, owner)
  let sudog = 0
  let outcome = BLOCKED
  for (let i = 0; i < cases.length && outcome === BLOCKED; i++) {
    sudog = cases[i] as number
    if (sudog < 0) {
      outcome = DONE
      continue
    }
    const c = read(sudog + Sudog.on)
    outcome =
      read(sudog + Sudog.info) === SEND
        ? sendLocked(c, sudog + Sudog.cell, owner)
        : recvLocked(c, sudog + Sudog.cell, owner)
  }
  if (outcome === BLOCKED && record !== 0) {
    write(record + Sudog.status, SUDOG_PARKED)
    for (const each of cases) {
      const c = read(each + Sudog.on)
      write(each + Sudog.select, record)
      enqueue(read(each + Sudog.info) === SEND ? c + Chan.senders : c + Chan.receivers, each, c)
    }
  }
  for (const c of channels) unlockQueue(c)
  chosen.sudog = sudog
  chosen.outcome = outcome
  return outcome !== BLOCKED
}

/** Whether the two cases wait for `record`: so it is mostly, and then WebAssembly sees to it. */
function waitForTwo(cases: readonly number[], record: number, owner: number): boolean {
  const [one, other] = cases as [number, number]
  return one > 0 && other > 0 && quickSelect(one, other, record, owner) === BLOCKED
}

/**
 * Takes the cases of a select that is over out of their queues: the record has a winner, `winner`. Each under its channel's lock,
 * queued or not: who has just unlinked one, to find that the record is taken, is not through with it before that unlocks.
 */
export function withdraw(cases: readonly number[], winner: number, owner: number): void {
  for (const sudog of cases) if (sudog !== winner) remove(sudog, owner)
}

/** The channels of `cases`, each once, in the order in which they are locked. */
function lockOrder(cases: readonly number[]): number[] {
  const channels: number[] = []
  for (const sudog of cases) {
    const c = sudog < 0 ? 0 : read(sudog + Sudog.on)
    if (c === 0 || channels.includes(c)) continue
    let i = channels.push(c) - 1
    for (; i > 0 && (channels[i - 1] as number) > c; i--) channels[i] = channels[i - 1] as number
    channels[i] = c
  }
  return channels
}

/** Fisher and Yates: every order is equally likely. */
function shuffle(cases: number[], random: () => number): void {
  for (let i = cases.length - 1; i > 0; i--) {
    const j = (random() * (i + 1)) | 0
    const other = cases[j] as number
    cases[j] = cases[i] as number
    cases[i] = other
  }
}
