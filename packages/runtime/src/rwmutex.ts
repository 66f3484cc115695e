/**
 * Many readers or one writer, as Go's `sync.RWMutex`. All of it under the queues' lock. A writer that waits keeps new readers out; when
 * a writer leaves, the readers that wait get in first, all of them; when the last reader leaves, the first writer does: so neither
 * starves.
 *
 * Invariants: `writer` and `readers` are not both non-zero; readers wait only while there is a writer, or one waits; a writer waits only
 * while there is a writer or a reader. What is free is handed to whom it is due under the lock, so nobody comes in between.
 */
import { array, i32, read, store, struct, write } from '@goro/memory'
import { BLOCKED, DONE } from './chan.ts'
import { ACQUIRED, DEAD, DIED, dequeueAll, HOLDER_DIED, MISUSE } from './mutex.ts'
import { dequeue, enqueue, lockQueue, Sudog, unlockQueue, Waitable, Waitq } from './sudog.ts'

export const RWMutex = struct({
  /** As every `Waitable`. */
  base: array(Waitable.SIZE),
  /** The M that has it for writing, plus one; 0 if none has; DEAD. Under lock. */
  writer: i32,
  /** How many have it for reading. Under lock. */
  readers: i32,
  readersWaiting: array(Waitq.SIZE),
  writersWaiting: array(Waitq.SIZE),
})

const isEmpty = (list: number): boolean => read(list + Waitq.first) === 0

/** Takes it for writing; else BLOCKED, and `sudog`, if not 0, waits. */
export function lockRW(rw: number, sudog: number, m: number, owner: number): number {
  lockQueue(rw, owner)
  let outcome = BLOCKED
  if (read(rw + RWMutex.writer) === DEAD) outcome = DIED
  else if (read(rw + RWMutex.writer) === 0 && read(rw + RWMutex.readers) === 0) {
    write(rw + RWMutex.writer, m + 1)
    outcome = DONE
  } else if (sudog !== 0) enqueue(rw + RWMutex.writersWaiting, sudog, rw)
  unlockQueue(rw)
  return outcome
}

/** Takes it for reading; else BLOCKED, and `sudog`, if not 0, waits. */
export function rlockRW(rw: number, sudog: number, owner: number): number {
  lockQueue(rw, owner)
  let outcome = BLOCKED
  if (read(rw + RWMutex.writer) === DEAD) outcome = DIED
  else if (read(rw + RWMutex.writer) === 0 && isEmpty(rw + RWMutex.writersWaiting)) {
    write(rw + RWMutex.readers, read(rw + RWMutex.readers) + 1)
    outcome = DONE
  } else if (sudog !== 0) enqueue(rw + RWMutex.readersWaiting, sudog, rw)
  unlockQueue(rw)
  return outcome
}

/** Gives up writing. DONE, MISUSE, DIED, or the first of a chain to be readied. */
export function unlockRW(rw: number, owner: number): number {
  lockQueue(rw, owner)
  const writer = read(rw + RWMutex.writer)
  let outcome = DONE
  if (writer === DEAD) outcome = DIED
  else if (writer === 0) outcome = MISUSE
  else {
    let readers = 0
    for (let each = read(rw + RWMutex.readersWaiting + Waitq.first); each !== 0; each = read(each + Sudog.next))
      readers++
    write(rw + RWMutex.writer, 0)
    write(rw + RWMutex.readers, readers)
    outcome = (readers > 0 ? dequeueAll(rw + RWMutex.readersWaiting, ACQUIRED) : handToWriter(rw)) || DONE
  }
  unlockQueue(rw)
  return outcome
}

/** Gives up reading. DONE, MISUSE, or a writer to be readied. */
export function runlockRW(rw: number, owner: number): number {
  lockQueue(rw, owner)
  const readers = read(rw + RWMutex.readers)
  let outcome = DONE
  if (readers === 0) outcome = MISUSE
  else {
    write(rw + RWMutex.readers, readers - 1)
    if (readers === 1) outcome = handToWriter(rw) || DONE
  }
  unlockQueue(rw)
  return outcome
}

/** It is free: the first writer that waits has it. Under lock. */
function handToWriter(rw: number): number {
  const sudog = dequeue(rw + RWMutex.writersWaiting)
  if (sudog === 0) return 0
  write(sudog + Sudog.info, ACQUIRED)
  write(sudog + Sudog.link, 0)
  write(rw + RWMutex.writer, read(sudog + Sudog.owner) + 1)
  return sudog
}

/** Waiters have left without having been served: those behind them may be due. Under lock. */
function advance(rw: number): number {
  if (read(rw + RWMutex.writer) !== 0) return 0
  if (!isEmpty(rw + RWMutex.writersWaiting)) return read(rw + RWMutex.readers) === 0 ? handToWriter(rw) : 0
  let readers = read(rw + RWMutex.readers)
  for (let each = read(rw + RWMutex.readersWaiting + Waitq.first); each !== 0; each = read(each + Sudog.next)) readers++
  write(rw + RWMutex.readers, readers)
  return dequeueAll(rw + RWMutex.readersWaiting, ACQUIRED)
}

/** The thread `m` is dead: if it was writing, nobody can have it any more. The first of a chain to be readied, or 0. */
export function killRW(rw: number, m: number, owner: number): number {
  lockQueue(rw, owner)
  if (read(rw + RWMutex.writer) !== m + 1) {
    const next = advance(rw)
    unlockQueue(rw)
    return next
  }
  store(rw + RWMutex.writer, DEAD)
  const readers = dequeueAll(rw + RWMutex.readersWaiting, HOLDER_DIED)
  const writers = dequeueAll(rw + RWMutex.writersWaiting, HOLDER_DIED)
  unlockQueue(rw)
  if (readers === 0) return writers
  let last = readers
  while (read(last + Sudog.link) !== 0) last = read(last + Sudog.link)
  write(last + Sudog.link, writers)
  return readers
}
