/**
 * Waiters and the queues they stand in. A sudog, as in Go, is one operation that waits on one thing: a channel, a mutex. It
 * stands in shared memory, so that any thread can take it out of a queue, put the outcome into it, and send it home.
 *
 *   IDLE ── enqueue ──> PARKED ── dequeue (a waker) ──> READY ── its own thread, by way of its inbox ──> IDLE
 *                          └───── remove (its own thread or the undertaker) ────────────────────────────> IDLE
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
 * PARKED; the owner again once READY and taken from its inbox. A thread that dies anywhere leaves lists that are whole along
 * `next`: `repair` rebuilds the rest.
 */
import { array, cas, i32, lock, RANK, read, struct, unlock, write } from '@goro/memory'

export const Sudog = struct({
  /** One of the states below. Not 1 to 15, which are those of a G: both come home by the same inbox. */
  status: i32,
  /** Next in an inbox or a chain; at the same place as a G's. */
  link: i32,
  /** M on which it waits. */
  owner: i32,
  /** Its place in the owner's table (gopark.ts). */
  slot: i32,
  /** Goroutine that waits, the low half of its id; 0 if that is not known. And since when, in seconds of the runtime's life. */
  goid: i32,
  since: i32,
  /** The struct it waits on. */
  on: i32,
  /** Address of the list that it stands in; 0 if in none. */
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
export const SUDOG_READY = 17

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

/** Puts `sudog` at the end of `list`, which is one of the struct `on`. Under lock. */
export function enqueue(list: number, sudog: number, on: number): void {
  const last = read(list + Waitq.last)
  write(sudog + Sudog.on, on)
  write(sudog + Sudog.list, list)
  write(sudog + Sudog.next, 0)
  write(sudog + Sudog.prev, last)
  write(sudog + Sudog.status, SUDOG_PARKED)
  write(last === 0 ? list + Waitq.first : last + Sudog.next, sudog)
  write(list + Waitq.last, sudog)
}

/** As `enqueue`, at the front: for one that was woken in vain. */
export function enqueueFirst(list: number, sudog: number, on: number): void {
  const first = read(list + Waitq.first)
  write(sudog + Sudog.on, on)
  write(sudog + Sudog.list, list)
  write(sudog + Sudog.next, first)
  write(sudog + Sudog.prev, 0)
  write(sudog + Sudog.status, SUDOG_PARKED)
  write(list + Waitq.first, sudog)
  write(first === 0 ? list + Waitq.last : first + Sudog.prev, sudog)
}

/** Takes the first waiter out of `list` that is still to be had, or returns 0. The caller fills it in, unlocks and readies it. */
export function dequeue(list: number): number {
  for (;;) {
    const sudog = read(list + Waitq.first)
    if (sudog === 0) return 0
    unlink(sudog)
    const record = read(sudog + Sudog.select)
    if (record !== 0) {
      if (cas(record + Sudog.select, 0, sudog) !== 0) continue
      write(record + Sudog.status, SUDOG_READY)
    }
    write(sudog + Sudog.status, SUDOG_READY)
    return sudog
  }
}

/** Takes `sudog` out of the list it stands in. Under lock. What says so comes first: `repair` takes it back for what is still linked. */
export function unlink(sudog: number): void {
  const list = read(sudog + Sudog.list)
  const next = read(sudog + Sudog.next)
  const prev = read(sudog + Sudog.prev)
  write(sudog + Sudog.list, 0)
  write(prev === 0 ? list + Waitq.first : prev + Sudog.next, next)
  write(next === 0 ? list + Waitq.last : next + Sudog.prev, prev)
}

/** Takes `sudog` out of the list it stands in, if it still does: true, and then nobody will wake it. For its own thread. */
export function remove(sudog: number, owner: number): boolean {
  const on = read(sudog + Sudog.on)
  lockQueue(on, owner)
  const queued = read(sudog + Sudog.list) !== 0
  if (queued) unlink(sudog)
  unlockQueue(on)
  return queued
}

/** What of a waiter goes home: its select's record, or itself. */
export function homeOf(sudog: number): number {
  return read(sudog + Sudog.select) || sudog
}

/** Makes the list whole again after its lock's owner died in the middle of a change. */
export function repair(list: number): void {
  let prev = 0
  for (let sudog = read(list + Waitq.first); sudog !== 0; sudog = read(sudog + Sudog.next)) {
    write(sudog + Sudog.prev, prev)
    write(sudog + Sudog.list, list)
    prev = sudog
  }
  write(list + Waitq.last, prev)
}
