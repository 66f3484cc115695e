/**
 * A lock for short critical sections that allocate no JavaScript memory and call no user code.
 *
 * The word is 0 (free) or its owner's id (1 … 2^30 - 1), with WAITERS set when a thread may be asleep on it. The owner's
 * id stands in it so that what a dead thread held is found and released (`releaseDead`). After Drepper, "Futexes Are
 * Tricky", mutex 2, with the owner in place of the 1.
 *
 * Invariants: only the owner changes a non-zero word, save that anyone may set WAITERS; a thread sleeps only while the
 * word has WAITERS set, and whoever frees a word that had it wakes one sleeper. A sleeper that gets the lock sets
 * WAITERS again, because others may still be asleep: that costs at most one vain notify, never a lost one.
 *
 * Linearization points: acquiring is the successful `cas` from 0, releasing is the `exchange` to 0. ABA does no harm:
 * 0 means free whoever freed it, and a thread never compares against its own id.
 *
 * A critical section is written so that every prefix of its writes leaves the structure whole (it may leak a block): a
 * thread can be terminated between any two of them.
 */
import { cas, exchange, load, notify, pause, wait } from '#atomics'
import { lose } from './races.ts'

const WAITERS = 1 << 30

/** Spins before a waiter sleeps: critical sections take about a microsecond, a sleep and its wake-up fifty or more. */
const SPINS = 60

/**
 * The order in which locks may be taken: a thread that holds one may only take one with a higher rank; of wait queues it may hold
 * several, taken in the order of their addresses (`select`). Checked when `checkRanks(true)` was called (`GORODEBUG=locks=1`).
 */
export const RANK = { waitQueue: 0, mapSegment: 1, globalQueue: 2, slabClass: 3, pageHeap: 4, processors: 5 } as const

/** How long the thread that buries the others waits for one of them before it looks whether that is dead, in milliseconds. */
const LOOK_AFTER_MS = 50

let onWaiting: ((address: number, rank: number, owner: number) => void) | undefined

/**
 * For the thread that buries the others, and can't while it waits for a lock: calls `callback` when it has waited long for one. If the
 * owner is dead, it makes whole what the lock protects, and releases it (`releaseDead`).
 */
export function whenWaitingLong(callback: (address: number, rank: number, owner: number) => void): void {
  onWaiting = callback
}

/** For tests of how threads die: called with the rank of each lock when this thread has just acquired it, and when it is about to release it. */
let onHeld: ((rank: number) => void) | undefined

let checking = false
/** Bit r is set while this thread holds a lock of rank r. */
let held = 0
/** Addresses of the wait queues' locks that this thread holds. */
const heldQueues: number[] = []

/** Checks the order of locks from here on, or not; `whenHeld`, if given, is called in every critical section as it begins and as it ends. */
export function checkRanks(on: boolean, whenHeld?: (rank: number) => void): void {
  checking = on || whenHeld !== undefined
  onHeld = whenHeld
  held = 0
  heldQueues.length = 0
}

/** Whether the order of locks is checked. */
export const checksRanks = (): boolean => checking

/** Acquires the lock at `address` for `owner`. */
export function lock(address: number, owner: number, rank: number): void {
  if (checking) assertRank(address, rank)
  if (cas(address, 0, owner) !== 0) lockSlow(address, owner, rank)
  if (checking) onHeld?.(rank)
}

function lockSlow(address: number, owner: number, rank: number): void {
  lose()
  for (let i = 0; i < SPINS; i++) {
    pause()
    if (load(address) === 0 && cas(address, 0, owner) === 0) return
  }
  for (;;) {
    const seen = load(address)
    if (seen === 0) {
      if (cas(address, 0, owner | WAITERS) === 0) return
      continue
    }
    const marked = seen | WAITERS
    if (seen !== marked && cas(address, seen, marked) !== seen) continue
    wait(address, marked, onWaiting === undefined ? undefined : LOOK_AFTER_MS)
    onWaiting?.(address, rank, seen & ~WAITERS)
  }
}

/** Releases the lock at `address`, which this thread holds. */
export function unlock(address: number, rank: number): void {
  if (checking) {
    onHeld?.(rank)
    forgetRank(address, rank)
  }
  if (exchange(address, 0) & WAITERS) notify(address, 1)
}

/** Who holds the lock at `address`; 0 if nobody does. */
export function ownerOf(address: number): number {
  return load(address) & ~WAITERS
}

/** Releases the lock if the dead thread `owner` held it, and tells whether it did. */
export function releaseDead(address: number, owner: number): boolean {
  let held = false
  for (;;) {
    const seen = load(address)
    held = (seen & ~WAITERS) === owner
    if (!held || cas(address, seen, 0) === seen) break
  }
  // Even if it held nothing: it may have freed the lock and not lived to wake the next, or been woken and not lived to try.
  notify(address, 1)
  return held
}

function assertRank(address: number, rank: number): void {
  const inOrder =
    rank === RANK.waitQueue ? held >>> 1 === 0 && heldQueues.every((each) => each < address) : held >>> rank === 0
  if (!inOrder) {
    throw new Error(
      `goro: lock order violated: rank ${rank} at ${address} taken while holding ranks ${held.toString(2)} (bit mask), ` +
        `wait queues at ${heldQueues}`,
    )
  }
  held |= 1 << rank
  if (rank === RANK.waitQueue) heldQueues.push(address)
}

function forgetRank(address: number, rank: number): void {
  if (rank === RANK.waitQueue) heldQueues.splice(heldQueues.indexOf(address), 1)
  if (rank !== RANK.waitQueue || heldQueues.length === 0) held &= ~(1 << rank)
}
