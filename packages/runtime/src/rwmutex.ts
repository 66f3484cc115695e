/**
 * Many readers or one writer, as Go's `sync.RWMutex`. All of it under the queues' lock. A writer that waits keeps new readers out; when
 * a writer leaves, the readers that wait get in first, all of them; when the last reader leaves, the first writer does: so neither
 * starves.
 *
 * Readers are counted by their thread, so that those of a thread that dies can be counted out. The counts stand in the struct for the
 * first threads, and in a block of its own when there are more. A goroutine may give up for another one, as in Go: on a thread that has
 * no reader, one of any other is counted out.
 *
 * Invariants: `writer` and `readers` are not both non-zero; `readers` is the sum of the counts; readers wait only while there is a writer,
 * or one waits; a writer waits only while there is a writer or a reader. What is free is handed to whom it is due under the lock, so
 * nobody comes in between.
 */
import { alloc, array, free, i32, read, store, struct, WORD_BYTES, write } from '@goro/memory'
import { BLOCKED, DONE } from './chan.ts'
import { ACQUIRED, DIED, HOLDER_DIED, MISUSE } from './mutex.ts'
import {
  append,
  dequeue,
  dequeueAll,
  enqueue,
  finish,
  lockQueue,
  newChain,
  Sudog,
  unlockQueue,
  Waitable,
  Waitq,
} from './sudog.ts'

/** Threads whose readers are counted in the struct itself. */
const OWN_COUNTS = 4

export const RWMutex = struct({
  /** As every `Waitable`. */
  base: array(Waitable.SIZE),
  /** The M that has it for writing, plus one; 0 if none has; DEAD. Under lock. */
  writer: i32,
  /** How many have it for reading: the sum of the counts. Under lock. */
  readers: i32,
  readersWaiting: array(Waitq.SIZE),
  writersWaiting: array(Waitq.SIZE),
  /** The block of counts, an address: how many there are, and then they; 0 while those in the struct suffice. Under lock. */
  block: i32,
  /** How many readers the threads with the lowest numbers have. Under lock. */
  counts: array(OWN_COUNTS),
})

const DEAD = -2

/** As an outcome: there is no room to count readers of this thread. `growRW` makes it. */
export const FULL = 6

const isEmpty = (list: number): boolean => read(list + Waitq.first) === 0

/** How many threads there is room for. Under lock. */
function capacity(rw: number): number {
  const block = read(rw + RWMutex.block)
  return block === 0 ? OWN_COUNTS : read(block)
}

/** Where the readers of thread `m` are counted. Under lock. */
function countOf(rw: number, m: number): number {
  const block = read(rw + RWMutex.block)
  return (block === 0 ? rw + RWMutex.counts : block + 1) + m
}

/** One more or less. */
function count(rw: number, m: number, by: number): void {
  const at = countOf(rw, m)
  write(at, read(at) + by)
  write(rw + RWMutex.readers, read(rw + RWMutex.readers) + by)
}

function sum(rw: number): number {
  let readers = 0
  for (let m = 0; m < capacity(rw); m++) readers += read(countOf(rw, m))
  return readers
}

/** Makes room for the readers of thread `m`. @throws OutOfMemoryError */
export function growRW(rw: number, m: number, owner: number): void {
  let size = 2 * OWN_COUNTS
  while (size <= m) size *= 2
  const larger = alloc((size + 1) * WORD_BYTES)
  write(larger, size)
  lockQueue(rw, owner)
  const before = read(rw + RWMutex.block)
  const had = capacity(rw)
  const isLarger = size > had
  if (isLarger) {
    for (let i = 0; i < size; i++) write(larger + 1 + i, i < had ? read(countOf(rw, i)) : 0)
    write(rw + RWMutex.block, larger)
  }
  unlockQueue(rw)
  if (!isLarger) free(larger)
  else if (before !== 0) free(before)
}

/** Frees what belongs to it. */
export function freeCounts(rw: number): void {
  const block = read(rw + RWMutex.block)
  if (block !== 0) free(block)
}

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

/** Takes it for reading; FULL; else BLOCKED, and `sudog`, if not 0, waits. */
export function rlockRW(rw: number, sudog: number, m: number, owner: number): number {
  lockQueue(rw, owner)
  let outcome = BLOCKED
  if (read(rw + RWMutex.writer) === DEAD) outcome = DIED
  else if (m >= capacity(rw)) outcome = FULL
  else if (read(rw + RWMutex.writer) === 0 && isEmpty(rw + RWMutex.writersWaiting)) {
    count(rw, m, 1)
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
    write(rw + RWMutex.writer, 0)
    outcome = (isEmpty(rw + RWMutex.readersWaiting) ? handToWriter(rw, owner) : admitReaders(rw, owner)) || DONE
  }
  unlockQueue(rw)
  return outcome
}

/** Gives up reading, on thread `m`. DONE, MISUSE, or a writer to be readied. */
export function runlockRW(rw: number, m: number, owner: number): number {
  lockQueue(rw, owner)
  let outcome = DONE
  if (read(rw + RWMutex.readers) === 0) outcome = MISUSE
  else {
    count(rw, readerOn(rw, m), -1)
    if (read(rw + RWMutex.readers) === 0) outcome = handToWriter(rw, owner) || DONE
  }
  unlockQueue(rw)
  return outcome
}

/** The thread of a reader: `m`, if there is one on it. There is one somewhere. */
function readerOn(rw: number, m: number): number {
  if (m < capacity(rw) && read(countOf(rw, m)) > 0) return m
  let other = 0
  while (read(countOf(rw, other)) === 0) other++
  return other
}

/** It is free: the first writer that waits has it. Under lock. */
function handToWriter(rw: number, owner: number): number {
  const sudog = dequeue(rw + RWMutex.writersWaiting, owner)
  if (sudog === 0) return 0
  write(rw + RWMutex.writer, read(sudog + Sudog.owner) + 1)
  finish(sudog, ACQUIRED, owner)
  write(sudog + Sudog.link, 0)
  return sudog
}

/** No writer has it: all readers that wait do. Under lock. */
function admitReaders(rw: number, owner: number): number {
  const chain = newChain()
  const list = rw + RWMutex.readersWaiting
  for (let sudog = dequeue(list, owner); sudog !== 0; sudog = dequeue(list, owner)) {
    const at = countOf(rw, read(sudog + Sudog.owner))
    // In this order, so that `mendRW` can tell whether it was counted.
    write(at, read(at) + 1)
    finish(sudog, ACQUIRED, owner)
    write(rw + RWMutex.readers, read(rw + RWMutex.readers) + 1)
    append(chain, sudog)
  }
  return chain.first
}

/** A thread died in a change, with `inHand` in its hands, which go back to their queue: they have nothing. Under the dead one's lock. */
export function mendRW(rw: number, inHand: readonly number[]): void {
  for (const sudog of inHand) {
    if (read(sudog + Sudog.list) === rw + RWMutex.writersWaiting) {
      write(rw + RWMutex.writer, 0)
    } else if (sum(rw) > read(rw + RWMutex.readers)) {
      const at = countOf(rw, read(sudog + Sudog.owner))
      write(at, read(at) - 1)
    }
  }
  write(rw + RWMutex.readers, sum(rw))
}

/** Waiters or readers have left without a word: those behind them may be due. Under lock. */
function advance(rw: number, owner: number): number {
  if (read(rw + RWMutex.writer) !== 0) return 0
  if (isEmpty(rw + RWMutex.writersWaiting)) return admitReaders(rw, owner)
  return read(rw + RWMutex.readers) === 0 ? handToWriter(rw, owner) : 0
}

/** The thread `m` has ended by itself: what its goroutines hold, which others may give up, counts as thread `by`'s from now on. */
export function passRW(rw: number, m: number, by: number, owner: number): void {
  lockQueue(rw, owner)
  if (read(rw + RWMutex.writer) === m + 1) store(rw + RWMutex.writer, by + 1)
  if (m < capacity(rw)) {
    const readers = read(countOf(rw, m))
    count(rw, m, -readers)
    count(rw, by, readers)
  }
  unlockQueue(rw)
}

/**
 * The thread `m` is dead: if it was writing, nobody can have it any more; its readers are gone. The first of a chain to be readied, or 0.
 */
export function killRW(rw: number, m: number, owner: number): number {
  lockQueue(rw, owner)
  let chain: number
  if (read(rw + RWMutex.writer) === m + 1) {
    store(rw + RWMutex.writer, DEAD)
    const readers = dequeueAll(rw + RWMutex.readersWaiting, HOLDER_DIED, owner)
    const writers = dequeueAll(rw + RWMutex.writersWaiting, HOLDER_DIED, owner)
    chain = join(readers, writers)
  } else {
    if (m < capacity(rw)) write(countOf(rw, m), 0)
    write(rw + RWMutex.readers, sum(rw))
    chain = advance(rw, owner)
  }
  unlockQueue(rw)
  return chain
}

function join(first: number, second: number): number {
  if (first === 0) return second
  let last = first
  while (read(last + Sudog.link) !== 0) last = read(last + Sudog.link)
  write(last + Sudog.link, second)
  return first
}
