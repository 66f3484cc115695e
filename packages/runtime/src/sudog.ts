/**
 * Waiters and the queues they stand in. A sudog, as in Go, is one operation that waits on one thing: a channel, a mutex. It
 * stands in shared memory, so that any thread can take it out of a queue, put the outcome into it, and send it home.
 *
 *   SPARE ── enqueue ──> PARKED ── dequeue, by a waker ──> TAKEN ── finish ──> READY ── its own thread, by its inbox ──> IDLE
 *                         │ └──── remove, by its own thread or the undertaker ──────────────────────────────────────> IDLE
 *                         └────── dequeue, of a select that another case has won ──> LOST ── its own thread ────────> IDLE
 *
 * What it waits on is a struct of `HANDLE_CLASS` with a lock; its queues are doubly linked lists (first, last), so that a waiter
 * in the middle is taken out in one step. Everything about a queue and the sudogs in it is written under that lock.
 *
 * A `select` waits on several things at once: one sudog for each, and one *record* for all of them, a sudog too, that stands
 * in no queue. Whoever dequeues one of its sudogs has to win the record's `winner` by `cas` first, so that exactly one case
 * happens; a sudog whose record is taken is only unlinked. What goes home is the record. The losers that are still queued are
 * removed by the select's own thread.
 *
 * Who may write what: the owner everything while IDLE, and `winner` never; whoever holds the lock of its queue everything while
 * PARKED or TAKEN; the owner again once READY and taken from its inbox.
 *
 * When a waker dies. It says in the status who it is before it unlinks a waiter, so what it had in its hands is found: what it had
 * not unlinked is `repair`ed, which goes along `next`, since lists are whole that way at every moment; what is TAKEN has not got
 * its outcome and goes back to the front of its queue (`putBack`), or, as a case of a select, is tried again by its own thread;
 * what is READY has its outcome, and its own thread finds it when it is told to look (gopark.ts).
 */
import { array, cas, i32, load, lock, RANK, read, struct, unlock, write } from '@goro/memory'
import { CONTENDED, quickRemove } from './wasm.ts'

export const Sudog = struct({
  /** One of the states below. Not 1 to 15, which are those of a G: both come home by the same inbox. */
  status: i32,
  /** Next in an inbox or a chain; at the same place as a G's. */
  link: i32,
  /** M on which it waits. */
  owner: i32,
  /** Its place in the owner's table (gopark.ts). */
  slot: i32,
  /** Goroutine that waits, the low half of its id; 0 if that is not known, NOBODY until it is said. And since when, in seconds. */
  goid: i32,
  since: i32,
  /** The struct it waits on; 0 in a select's record. */
  on: i32,
  /** Address of the list that it stands in while PARKED, or stood in last. */
  list: i32,
  next: i32,
  prev: i32,
  /** Its select's record; 0 if it waits on one thing only. In a record: the sudog that has won (any thread, by cas). */
  select: i32,
  /** How it ended, or what it asks for: its user's. */
  info: i32,
  /** The value on its way: tag, parcel number, two words (cell.ts). */
  cell: array(4, 2),
})

export const SUDOG_IDLE = 0
export const SUDOG_PARKED = 16
/** Out of its queue, and without an outcome yet: only while its queue is locked. */
export const SUDOG_TAKEN = 17
/** It has its outcome, and is on its way home. */
export const SUDOG_READY = 18
/** A case of a select that was taken out when another one had won. */
export const SUDOG_LOST = 19
/** Its owner's, for an operation that is to come. */
export const SUDOG_SPARE = 21
/** In no queue and on no way: says to dumps what a goroutine waits for. */
export const SUDOG_NOTE = 20

/** The state in a `status`. TAKEN and READY carry above it the id by which their waker takes locks. */
export const stateOf = (status: number): number => status & 0xff
export const wakerOf = (status: number): number => status >>> 8
const by = (state: number, waker: number): number => state | (waker << 8)

/** A list of waiters: its first and its last, next to each other. */
export const Waitq = struct({ first: i32, last: i32 })

/** What everything that can be waited on begins with. */
export const Waitable = struct({
  /** What it is; 0 when the block is free. */
  kind: i32,
  /** The slab's, when the block is free: so that `refs` of a free block is 0 for ever, whoever looks. */
  slab: array(2),
  /** Owner-stamped lock of the queues, and of whatever else its users say. */
  lock: i32,
  /** Threads that have a handle of it, and messages in flight that carry one. Any thread, atomically. */
  refs: i32,
})

export function lockQueue(on: number, owner: number): void {
  lock(on + Waitable.lock, owner, RANK.waitQueue)
}

export function unlockQueue(on: number): void {
  unlock(on + Waitable.lock, RANK.waitQueue)
}

/**
 * Puts `sudog` at the end of `list`, which is one of the struct `on`. Under lock. Only once it stands there does it say that it is
 * PARKED: if this thread dies in between, it is either in the list, which `repair` sees, or waits for nothing.
 */
export function enqueue(list: number, sudog: number, on: number): void {
  const last = read(list + Waitq.last)
  write(sudog + Sudog.on, on)
  write(sudog + Sudog.list, list)
  write(sudog + Sudog.next, 0)
  write(sudog + Sudog.prev, last)
  write(last === 0 ? list + Waitq.first : last + Sudog.next, sudog)
  write(list + Waitq.last, sudog)
  write(sudog + Sudog.status, SUDOG_PARKED)
}

/** As `enqueue`, at the front: for one that was woken in vain. */
export function enqueueFirst(list: number, sudog: number, on: number): void {
  const first = read(list + Waitq.first)
  write(sudog + Sudog.on, on)
  write(sudog + Sudog.list, list)
  write(sudog + Sudog.next, first)
  write(sudog + Sudog.prev, 0)
  write(list + Waitq.first, sudog)
  write(first === 0 ? list + Waitq.last : first + Sudog.prev, sudog)
  write(sudog + Sudog.status, SUDOG_PARKED)
}

/**
 * Takes the first waiter out of `list` that is still to be had, or returns 0. The caller, whose lock id is `waker`, writes its
 * outcome, with `finish` as the last word, unlocks, and readies it.
 */
export function dequeue(list: number, waker: number): number {
  for (;;) {
    const sudog = read(list + Waitq.first)
    if (sudog === 0) return 0
    write(sudog + Sudog.status, by(SUDOG_TAKEN, waker))
    const record = read(sudog + Sudog.select)
    const isLost = record !== 0 && cas(record + Sudog.select, 0, sudog) !== 0
    unlink(sudog)
    if (!isLost) return sudog
    write(sudog + Sudog.status, SUDOG_LOST)
  }
}

/** As `dequeue`, the short way: 0 also if the first one is a case of a select. */
export function dequeuePlain(list: number, waker: number): number {
  const sudog = read(list + Waitq.first)
  if (sudog === 0 || read(sudog + Sudog.select) !== 0) return 0
  write(sudog + Sudog.status, by(SUDOG_TAKEN, waker))
  const next = read(sudog + Sudog.next)
  write(list + Waitq.first, next)
  write(next === 0 ? list + Waitq.last : next + Sudog.prev, 0)
  return sudog
}

/** As `finish`, with 0, for what `dequeuePlain` gave. */
export function finishPlain(sudog: number, waker: number): void {
  write(sudog + Sudog.info, 0)
  write(sudog + Sudog.status, by(SUDOG_READY, waker))
}

/** The waker's last word on a waiter that it has dequeued: how it ended. Under lock. */
export function finish(sudog: number, info: number, waker: number): void {
  write(sudog + Sudog.info, info)
  write(sudog + Sudog.status, by(SUDOG_READY, waker))
  const record = read(sudog + Sudog.select)
  if (record !== 0) write(record + Sudog.status, by(SUDOG_READY, waker))
}

/** Takes `sudog` out of the list it stands in. Under lock. */
export function unlink(sudog: number): void {
  const list = read(sudog + Sudog.list)
  const next = read(sudog + Sudog.next)
  const prev = read(sudog + Sudog.prev)
  write(prev === 0 ? list + Waitq.first : prev + Sudog.next, next)
  write(next === 0 ? list + Waitq.last : next + Sudog.prev, prev)
}

/** Takes `sudog` out of the list it stands in, if it still does: true, and then nobody will wake it. For its own thread. */
export function remove(sudog: number, owner: number): boolean {
  const quick = quickRemove(sudog, owner)
  return quick === CONTENDED ? removeSlow(sudog, owner) : quick !== 0
}

function removeSlow(sudog: number, owner: number): boolean {
  const on = read(sudog + Sudog.on)
  lockQueue(on, owner)
  const queued = isQueued(sudog)
  if (queued) withdrawn(sudog)
  unlockQueue(on)
  return queued
}

/** Whether `sudog` stands in its queue. Under lock. */
export const isQueued = (sudog: number): boolean => read(sudog + Sudog.status) === SUDOG_PARKED

/** Takes `sudog` out of its queue, in which nobody will look for it any more. Under lock. */
export function withdrawn(sudog: number): void {
  // First: if this thread dies in between, it stands in the list still, and `repair` says so.
  write(sudog + Sudog.status, SUDOG_LOST)
  unlink(sudog)
}

/** Those that go home together, linked by `Sudog.link`. */
export interface Chain {
  first: number
  last: number
}

export const newChain = (): Chain => ({ first: 0, last: 0 })

export function append(chain: Chain, home: number): void {
  write(home + Sudog.link, 0)
  if (chain.first === 0) chain.first = home
  else write(chain.last + Sudog.link, home)
  chain.last = home
}

/** Takes the first waiter out of `list` and tells it `info`; it, or 0. For queues in which no select stands. Under lock. */
export function dequeueFirst(list: number, info: number, waker: number): number {
  const sudog = dequeue(list, waker)
  if (sudog === 0) return 0
  finish(sudog, info, waker)
  write(sudog + Sudog.link, 0)
  return sudog
}

/** As `dequeueFirst`, with all of them: the first of a chain. */
export function dequeueAll(list: number, info: number, waker: number): number {
  const chain = newChain()
  for (let sudog = dequeue(list, waker); sudog !== 0; sudog = dequeue(list, waker)) {
    finish(sudog, info, waker)
    append(chain, sudog)
  }
  return chain.first
}

/** Whether `sudog` stands for a whole select. */
export const isRecord = (sudog: number): boolean => read(sudog + Sudog.on) === 0

/** Whether `sudog` is one case of a select. */
export const isCase = (sudog: number): boolean => !isRecord(sudog) && read(sudog + Sudog.select) !== 0

/** What of a waiter goes home: its select's record, or itself. */
export function homeOf(sudog: number): number {
  return read(sudog + Sudog.select) || sudog
}

/**
 * Makes the list whole again after its lock's owner, `dead`, died in the middle of a change. What it was about to take out waits
 * as before, unless that is a case that has won its select: then it is out.
 */
export function repair(list: number, dead: number): void {
  let prev = 0
  for (let sudog = read(list + Waitq.first); sudog !== 0; sudog = read(sudog + Sudog.next)) {
    if (isTakenBy(sudog, dead) && hasWon(sudog)) continue
    write(sudog + Sudog.prev, prev)
    write(prev === 0 ? list + Waitq.first : prev + Sudog.next, sudog)
    write(sudog + Sudog.list, list)
    write(sudog + Sudog.status, SUDOG_PARKED)
    prev = sudog
  }
  write(prev === 0 ? list + Waitq.first : prev + Sudog.next, 0)
  write(list + Waitq.last, prev)
}

/** Whether `sudog` was in the hands of the dead `waker`, without an outcome. */
export const isTakenBy = (sudog: number, waker: number): boolean =>
  load(sudog + Sudog.status) === by(SUDOG_TAKEN, waker)

/** Whether `sudog` has got its outcome from the dead `waker`, which may not have sent it home. */
export const isReadyBy = (sudog: number, waker: number): boolean =>
  load(sudog + Sudog.status) === by(SUDOG_READY, waker)

/**
 * Gives to `free` what is left of the waiters of the dead thread `m`, which marked others with `dead`, once what it has left half done is
 * whole again. `walk` visits all sudogs; the caller's locks are stamped with `owner`.
 *
 * Each is freed for what it says itself, and never because another one refers to it: the dead thread may have freed that already, and it
 * may be somebody else's by now. One that a living thread has taken out of its queue is that one's to drop (gopark.ts): its owner's
 * inbox is closed. Records come last: whoever was taking one of their cases out is through with that when its queue's lock is to be had.
 */
export function reclaim(
  m: number,
  dead: number,
  owner: number,
  walk: (visit: (sudog: number) => void) => void,
  free: (sudog: number) => void,
): void {
  const records: number[] = []
  walk((sudog) => {
    if (read(sudog + Sudog.owner) !== m) return
    const state = stateOf(load(sudog + Sudog.status))
    if (state === SUDOG_IDLE) return
    if (state === SUDOG_SPARE) return free(sudog)
    if (isRecord(sudog)) {
      if (state === SUDOG_NOTE || isLeftRecord(sudog, dead)) records.push(sudog)
      return
    }
    if (state === SUDOG_PARKED || state === SUDOG_TAKEN) remove(sudog, owner)
    if (stateOf(load(sudog + Sudog.status)) === SUDOG_LOST || isBy(sudog, dead)) free(sudog)
  })
  for (const record of records) free(record)
}

/** Whether the record of a select of the dead thread's is nobody's: no living thread has woken it, and none will. */
function isLeftRecord(record: number, dead: number): boolean {
  if (stateOf(load(record + Sudog.status)) !== SUDOG_PARKED) return isBy(record, dead)
  const winner = cas(record + Sudog.select, 0, record)
  return winner === 0 || winner === record || isBy(winner, dead)
}

const isBy = (sudog: number, waker: number): boolean => isReadyBy(sudog, waker) || isTakenBy(sudog, waker)

function hasWon(sudog: number): boolean {
  const record = read(sudog + Sudog.select)
  return record !== 0 && load(record + Sudog.select) === sudog
}

/**
 * What the dead `waker` had taken out of a list that is whole again, and not finished, goes back to its front. Not a case of a
 * select: while it was won, other cases may have been taken for lost. Its own thread begins anew. Under the dead one's lock.
 */
export function putBack(sudog: number, waker: number): void {
  if (!isTakenBy(sudog, waker) || read(sudog + Sudog.select) !== 0) return
  enqueueFirst(read(sudog + Sudog.list), sudog, read(sudog + Sudog.on))
}
