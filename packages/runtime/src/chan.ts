/**
 * Channels, as in Go's `runtime/chan.go`: a ring of values, a queue of receivers and a queue of senders, under one lock.
 *
 * Invariants: at most one of the two queues holds a waiter that can still be had, but for a `select` that does both; receivers
 * wait only while the ring is empty, senders only while it is full; nobody waits on a closed channel. So a value never lies in the ring
 * while a receiver waits, and goes straight from a sender to the receiver that has waited longest.
 *
 * The ring's two counters go round twice its capacity, so that a full ring is told from an empty one and a counter's cell never
 * depends on how often it has gone round; each step of the ring is published by one write of one of them: a thread that dies under
 * the lock leaves the ring whole. A cell is what cell.ts writes: a tag and up to two words, so no value is ever encoded or decoded
 * under the lock.
 *
 * Linearization point of every operation: where it unlocks. `closed` is read without the lock, one word, and `length` too: both
 * counters as they were at one moment, unless the ring goes all the way round between two looks.
 */
import {
  alloc,
  array,
  free,
  HANDLE_CLASS,
  i32,
  load,
  read,
  type Slab,
  store,
  struct,
  WORD_BYTES,
  write,
} from '@goro/memory'
import {
  append,
  dequeue,
  dequeuePlain,
  enqueue,
  finish,
  finishPlain,
  homeOf,
  lockQueue,
  newChain,
  Sudog,
  unlockQueue,
  Waitable,
  Waitq,
} from './sudog.ts'
import { HELD, quickRecv, quickSend } from './wasm.ts'

export const Chan = struct({
  /** As every `Waitable`. */
  base: array(Waitable.SIZE),
  /** Values it can hold. Written once. */
  capacity: i32,
  /** Its ring: an address, 0 if it holds none. Written once. */
  ring: i32,
  /** Where the next value is taken from the ring, and where it is put in: 0 to below twice the capacity. Under lock. */
  head: i32,
  tail: i32,
  /** 1 once it is closed. Under lock; read without. */
  closed: i32,
  receivers: array(Waitq.SIZE),
  senders: array(Waitq.SIZE),
  /** What it was closed with (an address of a cell), 0 if with nothing. Under lock, before `closed`. */
  reason: i32,
  /**
   * The thread that is to end the waits for it, by its lock id, 0 if there is none: it will send the time to it (clock.ts), or, if the channel
   * holds nothing, close it (`closeWithThread`). That thread; the undertaker once it is dead.
   */
  keeper: i32,
})

/** Words of a value in the ring. */
export const CELL_WORDS = 4

/** Outcomes. Anything else is the address of a waiter, and means DONE: the caller readies it. */
export const BLOCKED = 0
export const DONE = 1
export const CLOSED = 2

/** As a waiter's `info`: the channel was closed under it. */
export const BY_CLOSE = 1

/** Makes a channel, with `more` words behind its ring. @throws OutOfMemoryError */
export function makechan(slab: Slab, kind: number, capacity: number, more = 0): number {
  const ring = capacity === 0 ? 0 : alloc((capacity * CELL_WORDS + more) * WORD_BYTES)
  let c: number
  try {
    c = slab.allocClass(HANDLE_CLASS)
  } catch (error) {
    if (ring !== 0) free(ring)
    throw error
  }
  for (let word = 1; word < Chan.SIZE; word++) write(c + word, 0)
  write(c + Waitable.refs, 1)
  write(c + Chan.capacity, capacity)
  write(c + Chan.ring, ring)
  store(c + Waitable.kind, kind)
  return c
}

export function copyCell(from: number, to: number): void {
  write(to + 1, read(from + 1))
  write(to + 2, read(from + 2))
  write(to + 3, read(from + 3))
  // Last: if this thread dies in between, there is nothing in it.
  write(to, read(from))
}

/** Values in the ring. Under lock. */
function count(c: number): number {
  return between(read(c + Chan.head), read(c + Chan.tail), read(c + Chan.capacity))
}

/** Steps from one counter of a ring to the other. */
const between = (head: number, tail: number, capacity: number): number =>
  tail < head ? tail - head + 2 * capacity : tail - head

/** The counter after `counter`. */
const after = (counter: number, capacity: number): number => (counter === 2 * capacity - 1 ? 0 : counter + 1)

/** The cell of a counter in the ring of `c`. */
function cellAt(c: number, counter: number, capacity: number): number {
  return read(c + Chan.ring) + (counter < capacity ? counter : counter - capacity) * CELL_WORDS
}

/** Calls `visit` with each cell of the ring that has a value. Of a channel that nobody uses any more. */
export function eachCell(c: number, visit: (cell: number) => void): void {
  const capacity = read(c + Chan.capacity)
  const tail = read(c + Chan.tail)
  for (let i = read(c + Chan.head); i !== tail; i = after(i, capacity)) visit(cellAt(c, i, capacity))
}

/**
 * Sends the value in `cell`. If that has to wait and `sudog` is not 0, the value waits in `sudog`, and BLOCKED is returned.
 */
export function chansend(c: number, cell: number, sudog: number, owner: number): number {
  const quick = quickSend(c, cell, sudog, owner)
  if (quick >= BLOCKED) return quick
  if (quick !== HELD) lockQueue(c, owner)
  const receiver = dequeuePlain(c + Chan.receivers, owner)
  if (receiver !== 0) {
    copyCell(cell, receiver + Sudog.cell)
    finishPlain(receiver, owner)
    unlockQueue(c)
    return receiver
  }
  const outcome = sendLocked(c, cell, owner)
  if (outcome === BLOCKED && sudog !== 0) {
    if (cell !== sudog + Sudog.cell) copyCell(cell, sudog + Sudog.cell)
    enqueue(c + Chan.senders, sudog, c)
  }
  unlockQueue(c)
  return outcome
}

/** Receives into `cell`. If that has to wait and `sudog` is not 0, `sudog` waits for the value, and BLOCKED is returned. */
export function chanrecv(c: number, cell: number, sudog: number, owner: number): number {
  const quick = quickRecv(c, cell, sudog, owner)
  if (quick >= BLOCKED) return quick
  if (quick !== HELD) lockQueue(c, owner)
  if (read(c + Chan.ring) === 0) {
    const sender = dequeuePlain(c + Chan.senders, owner)
    if (sender !== 0) {
      copyCell(sender + Sudog.cell, cell)
      finishPlain(sender, owner)
      write(sender + Sudog.cell, 0)
      unlockQueue(c)
      return sender
    }
  }
  const outcome = recvLocked(c, cell, owner)
  if (outcome === BLOCKED && sudog !== 0) enqueue(c + Chan.receivers, sudog, c)
  unlockQueue(c)
  return outcome
}

/** As `chansend` without a waiter. Under lock. */
export function sendLocked(c: number, cell: number, owner: number): number {
  if (read(c + Chan.closed) !== 0) return CLOSED
  const receiver = dequeue(c + Chan.receivers, owner)
  if (receiver !== 0) {
    copyCell(cell, receiver + Sudog.cell)
    finish(receiver, 0, owner)
    return receiver
  }
  const capacity = read(c + Chan.capacity)
  if (count(c) === capacity) return BLOCKED
  const tail = read(c + Chan.tail)
  copyCell(cell, cellAt(c, tail, capacity))
  write(c + Chan.tail, after(tail, capacity))
  return DONE
}

/** As `chanrecv` without a waiter. Under lock. */
export function recvLocked(c: number, cell: number, owner: number): number {
  const head = read(c + Chan.head)
  if (head === read(c + Chan.tail)) {
    const sender = dequeue(c + Chan.senders, owner)
    if (sender === 0) return read(c + Chan.closed) !== 0 ? CLOSED : BLOCKED
    copyCell(sender + Sudog.cell, cell)
    hasSent(sender, owner)
    return sender
  }
  const capacity = read(c + Chan.capacity)
  copyCell(cellAt(c, head, capacity), cell)
  write(c + Chan.head, after(head, capacity))
  return admit(c, owner) || DONE
}

/** There is room for one more: the sender that has waited longest has sent. It, or 0 if none waits. Under lock. */
function admit(c: number, owner: number): number {
  const sender = dequeue(c + Chan.senders, owner)
  if (sender === 0) return 0
  const capacity = read(c + Chan.capacity)
  const tail = read(c + Chan.tail)
  copyCell(sender + Sudog.cell, cellAt(c, tail, capacity))
  // Before its value can be received: if this thread dies in between, the value is lost with it, and never there twice.
  hasSent(sender, owner)
  write(c + Chan.tail, after(tail, capacity))
  return sender
}

/** The value of `sender` was moved out of it. */
function hasSent(sender: number, owner: number): void {
  finish(sender, 0, owner)
  write(sender + Sudog.cell, 0)
}

/**
 * Closes the channel, with what is in the cell `reason` if that is not 0. CLOSED if it was closed before; else DONE, or the first
 * of a chain of those to be readied, linked by `Sudog.link`.
 */
export function closechan(c: number, reason: number, owner: number): number {
  lockQueue(c, owner)
  if (read(c + Chan.closed) !== 0) {
    unlockQueue(c)
    return CLOSED
  }
  write(c + Chan.reason, reason)
  store(c + Chan.closed, 1)
  const chain = turnAway(c, owner)
  unlockQueue(c)
  return chain === 0 ? DONE : chain
}

/** The channel is closed: all who wait are told so. The first of a chain of them, or 0. Under lock. */
function turnAway(c: number, owner: number): number {
  const chain = newChain()
  for (let list = c + Chan.receivers; list <= c + Chan.senders; list += Waitq.SIZE) {
    for (let sudog = dequeue(list, owner); sudog !== 0; sudog = dequeue(list, owner)) {
      finish(sudog, BY_CLOSE, owner)
      append(chain, homeOf(sudog))
    }
  }
  return chain.first
}

/** A thread died while it held the lock: does what it may have left undone. The first of a chain to be readied, or 0. */
export function resumeChan(c: number, owner: number): number {
  lockQueue(c, owner)
  const chain = newChain()
  if (read(c + Chan.closed) !== 0) chain.first = turnAway(c, owner)
  else {
    while (count(c) < read(c + Chan.capacity)) {
      const sender = admit(c, owner)
      if (sender === 0) break
      append(chain, homeOf(sender))
    }
  }
  unlockQueue(c)
  return chain.first
}

/** How many values it holds. */
export function chanLength(c: number): number {
  const capacity = read(c + Chan.capacity)
  for (;;) {
    const head = load(c + Chan.head)
    const length = between(head, load(c + Chan.tail), capacity)
    // Between two looks at `head` it may have gone all the way round; then it is no one moment's, but never more than there is room for.
    if (load(c + Chan.head) === head) return Math.min(length, capacity)
  }
}

export function chanCapacity(c: number): number {
  return read(c + Chan.capacity)
}

export function chanClosed(c: number): boolean {
  return load(c + Chan.closed) !== 0
}

/** The cell with which it was closed; 0 if it was closed with nothing, or is not closed. */
export function closeReason(c: number): number {
  return chanClosed(c) ? read(c + Chan.reason) : 0
}
