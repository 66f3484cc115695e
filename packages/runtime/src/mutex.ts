/**
 * Mutual exclusion, as Go's `sync.Mutex`: one word, and a queue for those who find it taken.
 *
 * `state` is the holder's M, plus one, shifted left by one; the lowest bit, WAITERS, says that the queue may not be empty. Who finds
 * it free takes it by one `cas`, ahead of those who wait: handing it to a thread that has to wake up first would leave it idle
 * meanwhile. So who unlocks wakes the first waiter, which tries again. One that has waited for more than a millisecond by then
 * says so (STARVING) and goes back to the front, and the next unlock hands the mutex to it: nobody starves (Go's starvation mode).
 *
 * Invariants: only the holder frees the word; WAITERS is set under the queue's lock, before a waiter stands in the queue, and a word
 * that has it is freed under that lock only: so no waiter is left behind by an unlock that did not see it. DEAD is for ever.
 *
 * Linearization points: the `cas` that takes it; the `cas` or `store` that frees it or hands it on.
 */
import { array, cas, i32, load, read, store, struct, write } from '@goro/memory'
import { BLOCKED, DONE } from './chan.ts'
import { dequeue, enqueue, enqueueFirst, lockQueue, Sudog, unlockQueue, Waitable, Waitq } from './sudog.ts'

export const Mutex = struct({
  /** As every `Waitable`. */
  base: array(Waitable.SIZE),
  /** See above. Any thread, by cas; while it has WAITERS, under lock. */
  state: i32,
  waiters: array(Waitq.SIZE),
})

const WAITERS = 1
/** The holder's thread died with it. */
export const DEAD = -2

/** What a waiter is told, as its `info`: it has the mutex; it may try again; the holder has died. */
export const ACQUIRED = 0
export const RETRY = 1
export const HOLDER_DIED = 3
/** What a waiter tells: it has waited too long. */
export const STARVING = 2

/** As an outcome: the mutex is unlocked, where it must not be; or its holder has died. */
export const MISUSE = 3
export const DIED = 4

/** Takes the mutex if it is free. */
export function trylock(mutex: number, m: number): number {
  const state = load(mutex + Mutex.state)
  if (state === DEAD) return DIED
  return state >> 1 === 0 && cas(mutex + Mutex.state, state, state | ((m + 1) << 1)) === state ? DONE : BLOCKED
}

/** Takes the mutex, or puts `sudog` into its queue: at the front if it was woken in vain. */
export function lockMutex(mutex: number, sudog: number, m: number, owner: number, again: boolean): number {
  lockQueue(mutex, owner)
  for (;;) {
    const state = load(mutex + Mutex.state)
    if (state === DEAD) {
      unlockQueue(mutex)
      return DIED
    }
    if (state >> 1 === 0) {
      if (cas(mutex + Mutex.state, state, state | ((m + 1) << 1)) !== state) continue
      unlockQueue(mutex)
      return DONE
    }
    if ((state & WAITERS) === 0 && cas(mutex + Mutex.state, state, state | WAITERS) !== state) continue
    if (again) enqueueFirst(mutex + Mutex.waiters, sudog, mutex)
    else enqueue(mutex + Mutex.waiters, sudog, mutex)
    unlockQueue(mutex)
    return BLOCKED
  }
}

/** Frees the mutex. DONE, MISUSE, DIED, or a waiter to be readied. */
export function unlockMutex(mutex: number, owner: number): number {
  const state = load(mutex + Mutex.state)
  if (state === DEAD) return DIED
  if (state >> 1 === 0) return MISUSE
  if ((state & WAITERS) === 0 && cas(mutex + Mutex.state, state, 0) === state) return DONE
  lockQueue(mutex, owner)
  if (load(mutex + Mutex.state) >> 1 <= 0) {
    // Two have unlocked it at once.
    unlockQueue(mutex)
    return MISUSE
  }
  const sudog = dequeue(mutex + Mutex.waiters)
  const rest = read(mutex + Mutex.waiters + Waitq.first) === 0 ? 0 : WAITERS
  if (sudog !== 0 && read(sudog + Sudog.info) === STARVING) {
    write(sudog + Sudog.info, ACQUIRED)
    store(mutex + Mutex.state, ((read(sudog + Sudog.owner) + 1) << 1) | rest)
  } else {
    if (sudog !== 0) write(sudog + Sudog.info, RETRY)
    store(mutex + Mutex.state, rest)
  }
  unlockQueue(mutex)
  return sudog === 0 ? DONE : sudog
}

/**
 * The thread `m` is dead: if it held the mutex, nobody can have it any more. If it is free, a waiter that was woken to take it may have
 * died with its thread: the next is woken. The first of a chain to be readied, or 0.
 */
export function killMutex(mutex: number, m: number, owner: number): number {
  lockQueue(mutex, owner)
  const state = load(mutex + Mutex.state)
  let chain = 0
  if (state >> 1 === m + 1) {
    store(mutex + Mutex.state, DEAD)
    chain = dequeueAll(mutex + Mutex.waiters, HOLDER_DIED)
  } else if (state >> 1 === 0) {
    chain = dequeue(mutex + Mutex.waiters)
    if (chain !== 0) {
      write(chain + Sudog.info, RETRY)
      write(chain + Sudog.link, 0)
    }
  }
  unlockQueue(mutex)
  return chain
}

/** Takes all waiters out of `list`, tells them `info`, and links them in their order. Under lock. */
export function dequeueAll(list: number, info: number): number {
  let first = 0
  let last = 0
  for (let sudog = dequeue(list); sudog !== 0; sudog = dequeue(list)) {
    write(sudog + Sudog.info, info)
    write(sudog + Sudog.link, 0)
    if (first === 0) first = sudog
    else write(last + Sudog.link, sudog)
    last = sudog
  }
  return first
}
