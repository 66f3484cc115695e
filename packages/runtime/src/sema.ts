/**
 * What waits for a count: `WaitGroup` for it to become 0, `Semaphore` for it to be high enough, `Once` for the one that is at it,
 * `Cond` for a signal. Each is a few words and one queue, all under the queue's lock, so that what is counted and who waits for it never
 * disagree. Waiters are served in the order in which they came.
 */
import { array, i32, read, struct, write } from '@goro/memory'
import { BLOCKED, DONE } from './chan.ts'
import { MISUSE } from './mutex.ts'
import {
  append,
  dequeue,
  dequeueAll,
  dequeueFirst,
  enqueue,
  finish,
  isQueued,
  lockQueue,
  newChain,
  Sudog,
  unlockQueue,
  Waitable,
  Waitq,
  withdrawn,
} from './sudog.ts'

export const Sema = struct({
  /** As every `Waitable`. */
  base: array(Waitable.SIZE),
  /** WaitGroup: how many are not done. Semaphore: how much is taken. Once: one of the states below. Under lock; read as a hint. */
  count: i32,
  /** Semaphore: how much there is. Written once. Once: the M that is at it, plus one. */
  limit: i32,
  waiters: array(Waitq.SIZE),
  /** Cond: its mutex. Written once. */
  mutex: i32,
  /** Semaphore: those who want more than there is at all. They are never served, so that they must not stand before the others. */
  vain: array(Waitq.SIZE),
  /** Semaphore: what `count` comes to with the waiter that is just being served, plus one; else 0. Under lock. */
  next: i32,
})

/** How much a waiter of a semaphore wants, in its sudog. */
const WANTED = Sudog.cell + 2

// --- WaitGroup. Since its count and its queue change together, an `add` that comes at the same time as a `wait` comes before or after
// it, and Go's "Add called concurrently with Wait" cannot happen; that it counts again before those it has released are home can.

/** Adds `n`. DONE, MISUSE (nothing was added: it would be negative), or the first of a chain to be readied. */
export function addCount(group: number, n: number, owner: number): number {
  lockQueue(group, owner)
  const count = read(group + Sema.count) + n
  let outcome = DONE
  if (count < 0 || count > 0x7fffffff) outcome = MISUSE
  else {
    write(group + Sema.count, count)
    if (count === 0) outcome = dequeueAll(group + Sema.waiters, 0, owner) || DONE
  }
  unlockQueue(group)
  return outcome
}

/** A thread died while it held the lock: if the count is 0, those who still wait are due. The first of a chain, or 0. */
export function resumeCount(group: number, owner: number): number {
  lockQueue(group, owner)
  const chain = read(group + Sema.count) === 0 ? dequeueAll(group + Sema.waiters, 0, owner) : 0
  unlockQueue(group)
  return chain
}

/** DONE if the count is 0; else `sudog` waits. */
export function waitCount(group: number, sudog: number, owner: number): number {
  lockQueue(group, owner)
  const outcome = read(group + Sema.count) === 0 ? DONE : BLOCKED
  if (outcome === BLOCKED) enqueue(group + Sema.waiters, sudog, group)
  unlockQueue(group)
  return outcome
}

// --- Semaphore

/** Takes `n`, if there is so much and nobody waits; else `sudog`, if not 0, waits. */
export function acquireSema(sema: number, n: number, sudog: number, owner: number): number {
  lockQueue(sema, owner)
  const taken = read(sema + Sema.count)
  let outcome = BLOCKED
  if (n <= read(sema + Sema.limit) - taken && read(sema + Sema.waiters + Waitq.first) === 0) {
    write(sema + Sema.count, taken + n)
    outcome = DONE
  } else if (sudog !== 0) {
    write(sudog + WANTED, n)
    enqueue(n > read(sema + Sema.limit) ? sema + Sema.vain : sema + Sema.waiters, sudog, sema)
  }
  unlockQueue(sema)
  return outcome
}

/** Gives `n` back. DONE, MISUSE, or the first of a chain to be readied. */
export function releaseSema(sema: number, n: number, owner: number): number {
  lockQueue(sema, owner)
  const taken = read(sema + Sema.count) - n
  let outcome = MISUSE
  if (taken >= 0) {
    write(sema + Sema.count, taken)
    outcome = serve(sema, owner) || DONE
  }
  unlockQueue(sema)
  return outcome
}

/**
 * Takes `sudog` out of the queue, if it still stands there: then it is nobody's any more, and those behind it may get theirs. 0 if it
 * has been served; DONE, or the first of a chain to be readied.
 */
export function cancelSema(sema: number, sudog: number, owner: number): number {
  lockQueue(sema, owner)
  let outcome = 0
  if (isQueued(sudog)) {
    withdrawn(sudog)
    outcome = serve(sema, owner) || DONE
  }
  unlockQueue(sema)
  return outcome
}

/** Serves those at the front, as far as it goes: one that wants much is not passed over. Under lock. */
function serve(sema: number, owner: number): number {
  const chain = newChain()
  for (;;) {
    const sudog = read(sema + Sema.waiters + Waitq.first)
    if (sudog === 0) return chain.first
    const taken = read(sema + Sema.count) + read(sudog + WANTED)
    if (taken > read(sema + Sema.limit)) return chain.first
    dequeue(sema + Sema.waiters, owner)
    write(sema + Sema.next, taken + 1)
    finish(sudog, 0, owner)
    write(sema + Sema.count, taken)
    write(sema + Sema.next, 0)
    append(chain, sudog)
  }
}

/** A thread died with the lock: counts the waiter that it had served, if that is not among the `unfinished`, which wait again. Under its lock. */
export function mendSema(sema: number, unfinished: readonly number[]): void {
  const next = read(sema + Sema.next)
  if (next !== 0 && unfinished.length === 0) write(sema + Sema.count, next - 1)
  write(sema + Sema.next, 0)
}

/** Waiters have left without having been served: those behind them may be. The first of a chain to be readied, or 0. */
export function recheckSema(sema: number, owner: number): number {
  lockQueue(sema, owner)
  const chain = serve(sema, owner)
  unlockQueue(sema)
  return chain
}

// --- Once

const UNDONE = 0
const DOING = 1
const DID = 2

/** As an outcome: it is the caller's to do. */
export const YOURS = 5

/** YOURS to the first; DONE if it was done; else `sudog` waits. */
export function beginOnce(once: number, sudog: number, m: number, owner: number): number {
  lockQueue(once, owner)
  const state = read(once + Sema.count)
  const outcome = state === UNDONE ? YOURS : state === DID ? DONE : BLOCKED
  if (outcome === YOURS) {
    write(once + Sema.count, DOING)
    write(once + Sema.limit, m + 1)
  } else if (outcome === BLOCKED) enqueue(once + Sema.waiters, sudog, once)
  unlockQueue(once)
  return outcome
}

/** It is done. The first of a chain to be readied, or 0. */
export function endOnce(once: number, owner: number): number {
  lockQueue(once, owner)
  write(once + Sema.count, DID)
  const chain = dequeueAll(once + Sema.waiters, 0, owner)
  unlockQueue(once)
  return chain
}

/** The thread `m` is dead: if it was at it, that counts as done, as it does when it throws. And whoever waits for what is done is due. */
export function killOnce(once: number, m: number, owner: number): number {
  const state = read(once + Sema.count)
  return state === DID || (state === DOING && read(once + Sema.limit) === m + 1) ? endOnce(once, owner) : 0
}

// --- Cond

/** `sudog` waits for a signal. */
export function waitSignal(cond: number, sudog: number, owner: number): void {
  lockQueue(cond, owner)
  enqueue(cond + Sema.waiters, sudog, cond)
  unlockQueue(cond)
}

/** Wakes the first waiter, or all. The first of a chain to be readied, or 0. */
export function signal(cond: number, all: boolean, owner: number): number {
  lockQueue(cond, owner)
  const chain = all ? dequeueAll(cond + Sema.waiters, 0, owner) : dequeueFirst(cond + Sema.waiters, 0, owner)
  unlockQueue(cond)
  return chain
}
