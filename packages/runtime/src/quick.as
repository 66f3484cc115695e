/**
 * `chansend` and `chanrecv` of chan.ts, in AssemblyScript: the short way. `.ci/wasm.mjs` compiles it into chan-code.ts. What stands here is
 * what chan.ts says, write for write, so that what is proved there holds here; a test runs both on the same channels, and compares all
 * memory. Whatever a channel rarely meets is left to chan.ts: a `select` that waits, a sender that waits while there is a ring, `close`, a
 * lock that another thread has.
 *
 * An address is that of a word, as everywhere; WebAssembly's are bytes. `Chan.head` and the like are replaced by their numbers.
 */

/** As in chan.ts. Anything else that is above 0 is the address of a waiter. */
const BLOCKED: i32 = 0
const DONE: i32 = 1
/** As in wasm.ts: the rest is for chan.ts to do, under the lock, which is held; and: nothing is done, it is all for TypeScript to do. */
const HELD: i32 = -1
const CONTENDED: i32 = -2

/** As in sudog.ts. */
const PARKED: i32 = 16
const TAKEN: i32 = 17
const READY: i32 = 18
const LOST: i32 = 19

/** As in select.ts. */
const RECEIVE: i32 = 2

/** As in lock.ts. */
const WAITERS: i32 = 1 << 30

// @ts-ignore: decorator
@inline
function read(address: u32): i32 {
  return load<i32>(address << 2)
}

// @ts-ignore: decorator
@inline
function write(address: u32, value: i32): void {
  store<i32>(address << 2, value)
}

// @ts-ignore: decorator
@inline
function tryLock(c: u32, owner: i32): bool {
  return atomic.cmpxchg<i32>((c + Waitable.lock) << 2, 0, owner) == 0
}

// @ts-ignore: decorator
@inline
function unlock(c: u32): void {
  const lock: u32 = (c + Waitable.lock) << 2
  if (atomic.xchg<i32>(lock, 0) & WAITERS) atomic.notify(lock, 1)
}

// @ts-ignore: decorator
@inline
function copyCell(from: u32, to: u32): void {
  store<i64>(to << 2, load<i64>(from << 2))
  store<i64>(to << 2, load<i64>(from << 2, 8), 8)
}

/** As `dequeuePlain`, of one that is there. */
// @ts-ignore: decorator
@inline
function take(list: u32, sudog: u32, waker: i32): void {
  write(sudog + Sudog.status, TAKEN | (waker << 8))
  const next = read(sudog + Sudog.next)
  write(list + Waitq.first, next)
  write(next == 0 ? list + Waitq.last : next + Sudog.prev, 0)
}

// @ts-ignore: decorator
@inline
function finishPlain(sudog: u32, waker: i32): void {
  write(sudog + Sudog.info, 0)
  write(sudog + Sudog.status, READY | (waker << 8))
}

// @ts-ignore: decorator
@inline
function unlink(sudog: u32): void {
  const list = read(sudog + Sudog.list)
  const next = read(sudog + Sudog.next)
  const prev = read(sudog + Sudog.prev)
  write(prev == 0 ? list + Waitq.first : prev + Sudog.next, next)
  write(next == 0 ? list + Waitq.last : next + Sudog.prev, prev)
}

/** As `dequeue`, of a case of the select `record`, if that can still be had. If not, `dequeue` says so once more, and goes on. */
// @ts-ignore: decorator
@inline
function takeCase(sudog: u32, record: u32, waker: i32): bool {
  write(sudog + Sudog.status, TAKEN | (waker << 8))
  if (atomic.cmpxchg<i32>((record + Sudog.select) << 2, 0, sudog) != 0) return false
  unlink(sudog)
  return true
}

/** As `finish`, with 0, of a case of the select `record`. */
// @ts-ignore: decorator
@inline
function finishCase(sudog: u32, record: u32, waker: i32): void {
  finishPlain(sudog, waker)
  write(record + Sudog.status, READY | (waker << 8))
}

// @ts-ignore: decorator
@inline
function enqueue(list: u32, sudog: u32, on: u32): void {
  const last = read(list + Waitq.last)
  write(sudog + Sudog.on, on)
  write(sudog + Sudog.list, list)
  write(sudog + Sudog.next, 0)
  write(sudog + Sudog.prev, last)
  write(last == 0 ? list + Waitq.first : last + Sudog.next, sudog)
  write(list + Waitq.last, sudog)
  write(sudog + Sudog.status, PARKED)
}

// @ts-ignore: decorator
@inline
function after(counter: i32, capacity: i32): i32 {
  return counter == 2 * capacity - 1 ? 0 : counter + 1
}

// @ts-ignore: decorator
@inline
function cellAt(c: u32, counter: i32, capacity: i32): u32 {
  return read(c + Chan.ring) + (counter < capacity ? counter : counter - capacity) * 4
}

export function send(c: u32, cell: u32, sudog: u32, owner: i32): i32 {
  if (!tryLock(c, owner)) return CONTENDED
  const receiver = read(c + Chan.receivers)
  if (receiver != 0) {
    const record = read(receiver + Sudog.select)
    if (record == 0) {
      take(c + Chan.receivers, receiver, owner)
      copyCell(cell, receiver + Sudog.cell)
      finishPlain(receiver, owner)
    } else {
      if (read(c + Chan.closed) != 0 || !takeCase(receiver, record, owner)) return HELD
      copyCell(cell, receiver + Sudog.cell)
      finishCase(receiver, record, owner)
    }
    unlock(c)
    return receiver
  }
  if (read(c + Chan.closed) != 0) return HELD
  const capacity = read(c + Chan.capacity)
  const tail = read(c + Chan.tail)
  const count = tail - read(c + Chan.head)
  if (count == capacity || count == -capacity) {
    if (sudog != 0) {
      if (cell != sudog + Sudog.cell) copyCell(cell, sudog + Sudog.cell)
      enqueue(c + Chan.senders, sudog, c)
    }
    unlock(c)
    return BLOCKED
  }
  copyCell(cell, cellAt(c, tail, capacity))
  write(c + Chan.tail, after(tail, capacity))
  unlock(c)
  return DONE
}

export function recv(c: u32, cell: u32, sudog: u32, owner: i32): i32 {
  if (!tryLock(c, owner)) return CONTENDED
  const capacity = read(c + Chan.capacity)
  const sender = read(c + Chan.senders)
  if (sender != 0) {
    if (capacity != 0) return HELD
    const record = read(sender + Sudog.select)
    if (record == 0) {
      take(c + Chan.senders, sender, owner)
      copyCell(sender + Sudog.cell, cell)
      finishPlain(sender, owner)
    } else {
      if (!takeCase(sender, record, owner)) return HELD
      copyCell(sender + Sudog.cell, cell)
      finishCase(sender, record, owner)
    }
    write(sender + Sudog.cell, 0)
    unlock(c)
    return sender
  }
  const head = read(c + Chan.head)
  if (head == read(c + Chan.tail)) {
    if (read(c + Chan.closed) != 0) return HELD
    if (sudog != 0) enqueue(c + Chan.receivers, sudog, c)
    unlock(c)
    return BLOCKED
  }
  copyCell(cellAt(c, head, capacity), cell)
  write(c + Chan.head, after(head, capacity))
  unlock(c)
  return DONE
}

// @ts-ignore: decorator
@inline
function isEmpty(c: u32): bool {
  return (
    read(c + Chan.senders) == 0 && read(c + Chan.head) == read(c + Chan.tail) && read(c + Chan.closed) == 0
  )
}

// @ts-ignore: decorator
@inline
function wait(sudog: u32, c: u32, record: u32): void {
  write(sudog + Sudog.select, record)
  enqueue(c + Chan.receivers, sudog, c)
}

/** As `select`, of two cases that receive from different channels, if both have to wait for `record`: BLOCKED. */
export function selectTwo(one: u32, other: u32, record: u32, owner: i32): i32 {
  if (read(one + Sudog.info) != RECEIVE || read(other + Sudog.info) != RECEIVE) return CONTENDED
  const a: u32 = read(one + Sudog.on)
  const b: u32 = read(other + Sudog.on)
  // In the order of their addresses. A channel that stands there twice is found locked.
  const first = a < b ? a : b
  const second = a < b ? b : a
  if (!tryLock(first, owner)) return CONTENDED
  if (!tryLock(second, owner)) {
    unlock(first)
    return CONTENDED
  }
  const waits = isEmpty(a) && isEmpty(b)
  if (waits) {
    write(record + Sudog.status, PARKED)
    wait(one, a, record)
    wait(other, b, record)
  }
  unlock(first)
  unlock(second)
  return waits ? BLOCKED : CONTENDED
}

/** As `remove`: DONE or BLOCKED, for true and false. */
export function remove(sudog: u32, owner: i32): i32 {
  const on: u32 = read(sudog + Sudog.on)
  if (!tryLock(on, owner)) return CONTENDED
  const queued = read(sudog + Sudog.status) == PARKED
  if (queued) {
    write(sudog + Sudog.status, LOST)
    unlink(sudog)
  }
  unlock(on)
  return queued ? DONE : BLOCKED
}

/** As in mutex.ts. */
const MUTEX_WAITERS: i32 = 1
const MUTEX_WOKEN: i32 = 2
const HOLDER: i32 = 2
const MARKS: i32 = MUTEX_WAITERS | MUTEX_WOKEN

/** Takes the mutex if it is free, whoever waits for it: one look and one `cas`, where mutex.ts may need two of those. */
export function lockMutex(mutex: u32, m: i32): i32 {
  const at: u32 = (mutex + Mutex.state) << 2
  const state = atomic.load<i32>(at)
  if ((state & ~MARKS) != 0) return CONTENDED
  return atomic.cmpxchg<i32>(at, state, state | ((m + 1) << HOLDER)) == state ? DONE : CONTENDED
}

/** Frees the mutex if nobody is to be woken. */
export function unlockMutex(mutex: u32): i32 {
  const at: u32 = (mutex + Mutex.state) << 2
  const state = atomic.load<i32>(at)
  // Free, or DEAD, or the first who waits is to be told.
  if ((state & ~MARKS) <= 0 || (state & MARKS) == MUTEX_WAITERS) return CONTENDED
  return atomic.cmpxchg<i32>(at, state, state & MARKS) == state ? DONE : CONTENDED
}
