/**
 * Mutual exclusion, as Go's `sync.Mutex`: one word, and a queue for those who find it taken.
 *
 * `state` is the holder's M, plus one, shifted left by two; WAITERS says that the queue may not be empty, WOKEN that a waiter has
 * been woken and has not tried yet. Who finds it free takes it by one `cas`, ahead of those who wait: handing it to a thread that has
 * to wake up first would leave it idle meanwhile. So who unlocks wakes the first waiter, which tries again; while that one is on its
 * way nobody else is woken. One that has waited for more than a millisecond when it finds the mutex taken again says so (STARVING), and
 * goes back to the front; the next unlock hands the mutex to it: nobody starves (Go's starvation mode). Since one is on its way
 * at a time, going back to the front keeps the queue in the order in which they came.
 *
 * Invariants: only the holder frees the word; WAITERS is set under the queue's lock, before a waiter stands in the queue; a word that
 * has WAITERS and not WOKEN is freed under that lock only, so no waiter is left behind by an unlock that did not see it; who was woken
 * takes WOKEN away by the same write by which it takes the mutex, or says under the lock that it waits again. DEAD is for ever.
 *
 * Linearization points: the `cas` that takes it; the `cas` or `store` that frees it or hands it on.
 *
 * The `cas` that needs no lock is WebAssembly's where there is one (wasm.ts): it looks first, which costs nothing there, and so needs one
 * `cas` also while others wait.
 */
import { array, cas, i32, load, read, store, struct, write } from '@goro/memory'
import { BLOCKED, DONE } from './chan.ts'
import {
  dequeue,
  dequeueAll,
  dequeueFirst,
  enqueue,
  enqueueFirst,
  finish,
  lockQueue,
  Sudog,
  unlockQueue,
  Waitable,
  Waitq,
} from './sudog.ts'
import { quickLock, quickUnlock } from './wasm.ts'

export const Mutex = struct({
  /** As every `Waitable`. */
  base: array(Waitable.SIZE),
  /** See above. Any thread, by cas. */
  state: i32,
  waiters: array(Waitq.SIZE),
})

const WAITERS = 1
const WOKEN = 2
const HOLDER = 2
/** The holder's thread died with it. */
export const DEAD = -4

/** The M that holds it, plus one; 0 if nobody does; below 0 if it is DEAD. */
export const holderOf = (state: number): number => state >> HOLDER
const heldBy = (m: number): number => (m + 1) << HOLDER

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
  return quickLock(mutex, m) === DONE ? DONE : trylockSlow(mutex, m)
}

function trylockSlow(mutex: number, m: number): number {
  const state = cas(mutex + Mutex.state, 0, heldBy(m))
  if (state === 0) return DONE
  if (state === DEAD) return DIED
  return holderOf(state) === 0 && cas(mutex + Mutex.state, state, state | heldBy(m)) === state ? DONE : BLOCKED
}

/** Takes the mutex, or puts `sudog` into its queue. */
export function lockMutex(mutex: number, sudog: number, m: number, owner: number): number {
  return take(mutex, sudog, m, owner, false)
}

/** As `lockMutex`, for one that was woken: to the front of the queue, if it was in vain. */
export function relockMutex(mutex: number, sudog: number, m: number, owner: number): number {
  return take(mutex, sudog, m, owner, true)
}

function take(mutex: number, sudog: number, m: number, owner: number, wasWoken: boolean): number {
  const kept = wasWoken ? ~WOKEN : -1
  lockQueue(mutex, owner)
  for (;;) {
    const state = load(mutex + Mutex.state)
    if (state === DEAD) {
      unlockQueue(mutex)
      return DIED
    }
    const isFree = holderOf(state) === 0
    const next = (state & kept) | (isFree ? heldBy(m) : WAITERS)
    if (state !== next && cas(mutex + Mutex.state, state, next) !== state) continue
    if (!isFree) {
      if (wasWoken) enqueueFirst(mutex + Mutex.waiters, sudog, mutex)
      else enqueue(mutex + Mutex.waiters, sudog, mutex)
    }
    unlockQueue(mutex)
    return isFree ? DONE : BLOCKED
  }
}

/** Frees the mutex, which thread `m` mostly holds itself. DONE, MISUSE, DIED, or a waiter to be readied. */
export function unlockMutex(mutex: number, m: number, owner: number): number {
  return quickUnlock(mutex) === DONE ? DONE : unlockOf(mutex, m, owner)
}

function unlockOf(mutex: number, m: number, owner: number): number {
  const state = cas(mutex + Mutex.state, heldBy(m), 0)
  if (state === heldBy(m)) return DONE
  if (state === DEAD) return DIED
  if (holderOf(state) === 0) return MISUSE
  // Nobody waits, or one that does is on its way and will see that it is free.
  const isQuick = (state & WAITERS) === 0 || (state & WOKEN) !== 0
  if (isQuick && cas(mutex + Mutex.state, state, state & (WAITERS | WOKEN)) === state) return DONE
  return unlockSlow(mutex, owner)
}

function unlockSlow(mutex: number, owner: number): number {
  lockQueue(mutex, owner)
  for (;;) {
    const state = load(mutex + Mutex.state)
    if (holderOf(state) <= 0) {
      // Two have unlocked it at once, or its holder has been found dead.
      unlockQueue(mutex)
      return state === DEAD ? DIED : MISUSE
    }
    if ((state & WOKEN) !== 0) {
      if (cas(mutex + Mutex.state, state, state & (WAITERS | WOKEN)) !== state) continue
      unlockQueue(mutex)
      return DONE
    }
    const sudog = handOver(mutex, owner)
    unlockQueue(mutex)
    return sudog === 0 ? DONE : sudog
  }
}

/** Frees the mutex for the first waiter, or gives it to that if it is starving. Under lock, held or free, and nobody is on its way. */
function handOver(mutex: number, owner: number): number {
  const sudog = dequeue(mutex + Mutex.waiters, owner)
  const rest = read(mutex + Mutex.waiters + Waitq.first) === 0 ? 0 : WAITERS
  if (sudog === 0) {
    store(mutex + Mutex.state, 0)
    return 0
  }
  const isStarving = read(sudog + Sudog.info) === STARVING
  finish(sudog, isStarving ? ACQUIRED : RETRY, owner)
  write(sudog + Sudog.link, 0)
  store(mutex + Mutex.state, rest | (isStarving ? heldBy(read(sudog + Sudog.owner)) : WOKEN))
  return sudog
}

/** The thread `m` has ended by itself: what its goroutines hold, which others may unlock, counts as thread `by`'s from now on. */
export function passMutex(mutex: number, m: number, by: number): void {
  const at = mutex + Mutex.state
  for (let state = load(at); holderOf(state) === m + 1; state = load(at)) {
    if (cas(at, state, (state & ((1 << HOLDER) - 1)) | heldBy(by)) === state) return
  }
}

/**
 * The thread `m` is dead: if it held the mutex, nobody can have it any more. If not, the one that was on its way may have died with
 * it: nobody is, then, and if the mutex is free the next is woken. The first of a chain to be readied, or 0.
 */
export function killMutex(mutex: number, m: number, owner: number): number {
  lockQueue(mutex, owner)
  let chain = 0
  for (;;) {
    const state = load(mutex + Mutex.state)
    const holder = holderOf(state)
    if (holder === m + 1) {
      // Another thread may just be unlocking it.
      if (cas(mutex + Mutex.state, state, DEAD) !== state) continue
      chain = dequeueAll(mutex + Mutex.waiters, HOLDER_DIED, owner)
    } else {
      chain = holder === 0 ? dequeueFirst(mutex + Mutex.waiters, RETRY, owner) : 0
      const woken = chain === 0 ? 0 : WOKEN
      if (holder >= 0 && cas(mutex + Mutex.state, state, (state & ~WOKEN) | woken) !== state && chain === 0) continue
    }
    unlockQueue(mutex)
    return chain
  }
}
