/** The sync types as goroutines use them: promises around mutex.ts, rwmutex.ts and sema.ts, with Go's words when they are misused. */
import { add, cas, exchange, HANDLE_CLASS, LINE, load, read, store, write } from '@goro/memory'
import { BLOCKED, Chan, DONE, resumeChan } from './chan.ts'
import { nameWaits } from './dump.ts'
import { SyncError, ThreadDiedError } from './errors.ts'
import {
  AGAIN,
  acquireSudog,
  goready,
  ownId,
  park,
  putOff,
  ready,
  readyAll,
  readyDone,
  releaseSudog,
  spareSudog,
  spend,
  unpark,
} from './gopark.ts'
import { addressOf, type Handle, KIND, release, retainIfAlive, share } from './handle.ts'
import {
  DIED,
  HOLDER_DIED,
  killMutex,
  lockMutex,
  MISUSE,
  Mutex,
  passMutex,
  RETRY,
  relockMutex,
  STARVING,
  trylock,
  unlockMutex,
} from './mutex.ts'
import { now } from './native.ts'
import { FULL, freeCounts, growRW, killRW, lockRW, passRW, RWMutex, rlockRW, runlockRW, unlockRW } from './rwmutex.ts'
import { self } from './sched.ts'
import {
  acquireSema,
  addCount,
  beginOnce,
  cancelSema,
  endOnce,
  killOnce,
  recheckSema,
  releaseSema,
  resumeCount,
  Sema,
  signal,
  waitCount,
  waitSignal,
  YOURS,
} from './sema.ts'
import { lockQueue, remove, Sudog, unlockQueue, Waitable } from './sudog.ts'

/** Makes a struct of `kind`, all zero. @throws OutOfMemoryError */
export function newWaitable(kind: number): number {
  const at = self.slab.allocClass(HANDLE_CLASS)
  for (let word = 1; word < WORDS; word++) write(at + word, 0)
  write(at + Waitable.refs, 1)
  store(at + Waitable.kind, kind)
  return at
}

/** Words in a block of its class. */
const WORDS = LINE

export function freeWaitable(at: number): void {
  store(at + Waitable.kind, 0)
  self.slab.freeClass(at, HANDLE_CLASS)
}

const diedError = () =>
  new ThreadDiedError('the thread that held this lock died: what it protects may be half changed; make both anew')

// --- Mutex

/** How long a waiter lets others pass, in milliseconds (Go's starvationThresholdNs). */
const STARVATION_MS = 1

interface Locking {
  readonly keep: Handle
  readonly mutex: number
  readonly since: number
  readonly value: unknown
}

/** Locks the mutex: a promise of `value`. @throws (rejects) ThreadDiedError, OutOfMemoryError */
export function mutexLock<T>(mutex: number, keep: Handle, value: T): Promise<T> {
  // Before it has the mutex, which it would hold while others have their turn.
  if (!spend()) return putOff(() => mutexLock(mutex, keep, value))
  return trylock(mutex, self.id) === DONE ? Promise.resolve(value) : lockSlow(mutex, keep, value)
}

function lockSlow<T>(mutex: number, keep: Handle, value: T): Promise<T> {
  let sudog: number
  try {
    sudog = spareSudog()
  } catch (error) {
    return Promise.reject(error)
  }
  write(sudog + Sudog.info, 0)
  const outcome = lockMutex(mutex, sudog, self.id, ownId())
  if (outcome === DIED) return Promise.reject(diedError())
  if (outcome === DONE) return Promise.resolve(value)
  const locking: Locking = { keep, mutex, since: now(), value }
  return park(sudog, settleLock, locking) as Promise<T>
}

function settleLock(sudog: number, locking: unknown): unknown {
  const info = read(sudog + Sudog.info)
  if (info === HOLDER_DIED) throw diedError()
  const { mutex, since, value } = locking as Locking
  if (info !== RETRY) return value
  write(sudog + Sudog.info, now() - since > STARVATION_MS ? STARVING : 0)
  const outcome = relockMutex(mutex, sudog, self.id, ownId())
  if (outcome === DIED) throw diedError()
  return outcome === BLOCKED ? AGAIN : value
}

/** @throws ThreadDiedError */
export function mutexTryLock(mutex: number): boolean {
  const outcome = trylock(mutex, self.id)
  if (outcome === DIED) throw diedError()
  return outcome === DONE
}

/** @throws SyncError, ThreadDiedError */
export function mutexUnlock(mutex: number): void {
  const outcome = unlockMutex(mutex, self.id, ownId())
  if (outcome !== DONE) unlocked(outcome)
}

function unlocked(outcome: number): void {
  if (outcome === MISUSE) throw new SyncError('sync: unlock of unlocked mutex')
  if (outcome === DIED) throw diedError()
  goready(outcome)
}

// --- RWMutex

/** @throws OutOfMemoryError */
export function rwLock(rw: number, keep: Handle): Promise<void> {
  const sudog = spareSudog()
  return parkOn(lockRW(rw, sudog, self.id, ownId()), sudog, keep)
}

/** @throws OutOfMemoryError */
export function rwRLock(rw: number, keep: Handle): Promise<void> {
  const sudog = spareSudog()
  return parkOn(rlock(rw, sudog), sudog, keep)
}

/** @throws OutOfMemoryError */
function rlock(rw: number, sudog: number): number {
  for (;;) {
    const outcome = rlockRW(rw, sudog, self.id, ownId())
    if (outcome !== FULL) return outcome
    growRW(rw, self.id, ownId())
  }
}

export function freeRW(rw: number): void {
  freeCounts(rw)
  freeWaitable(rw)
}

function parkOn(outcome: number, sudog: number, keep: Handle): Promise<void> {
  if (outcome === BLOCKED) return park(sudog, settleGranted, keep) as Promise<void>
  return outcome === DIED ? Promise.reject(diedError()) : readyDone()
}

function settleGranted(sudog: number): void {
  if (read(sudog + Sudog.info) === HOLDER_DIED) throw diedError()
}

/** @throws ThreadDiedError, OutOfMemoryError */
export function rwTry(rw: number, write: boolean): boolean {
  const outcome = write ? lockRW(rw, 0, self.id, ownId()) : rlock(rw, 0)
  if (outcome === DIED) throw diedError()
  return outcome === DONE
}

/** @throws SyncError, ThreadDiedError */
export function rwUnlock(rw: number): void {
  const outcome = unlockRW(rw, ownId())
  if (outcome === MISUSE) throw new SyncError('sync: Unlock of unlocked RWMutex')
  if (outcome === DIED) throw diedError()
  if (outcome !== DONE) readyAll(outcome)
}

/** @throws SyncError */
export function rwRUnlock(rw: number): void {
  const outcome = runlockRW(rw, self.id, ownId())
  if (outcome === MISUSE) throw new SyncError('sync: RUnlock of unlocked RWMutex')
  if (outcome !== DONE) readyAll(outcome)
}

// --- WaitGroup

/** @throws SyncError */
export function groupAdd(group: number, n: number): void {
  const outcome = addCount(group, n, ownId())
  if (outcome === MISUSE) {
    throw new SyncError(n < 0 ? 'sync: negative WaitGroup counter' : 'sync: WaitGroup counter overflow')
  }
  if (outcome !== DONE) readyAll(outcome)
}

/** @throws OutOfMemoryError */
export function groupWait(group: number, keep: Handle): Promise<void> {
  const sudog = spareSudog()
  const outcome = waitCount(group, sudog, ownId())
  return outcome === BLOCKED ? (park(sudog, settleWait, keep) as Promise<void>) : readyDone()
}

function settleWait(_sudog: number, keep: unknown): void {
  if (load(addressOf(keep as Handle) + Sema.count) === 0) return
  throw new SyncError('sync: WaitGroup is reused before previous Wait has returned')
}

// --- Semaphore

export function newSemaphore(limit: number): number {
  const sema = newWaitable(KIND.semaphore)
  write(sema + Sema.limit, limit)
  return sema
}

/** `onPark` is given what takes the wait back: it rejects with the reason, unless it has been served. @throws OutOfMemoryError */
export function semaAcquire(
  sema: number,
  n: number,
  keep: Handle,
  onPark?: (cancel: (reason: unknown) => void) => void,
): Promise<void> {
  const sudog = acquireSudog()
  write(sudog + Sudog.info, 0)
  if (acquireSema(sema, n, sudog, ownId()) !== BLOCKED) {
    releaseSudog(sudog)
    return readyDone()
  }
  let waits = true
  const served = () => {
    waits = false
  }
  const promise = park(sudog, served, keep) as Promise<void>
  const cancel = (reason: unknown) => {
    const outcome = waits ? cancelSema(sema, sudog, ownId()) : 0
    if (outcome === 0) return
    waits = false
    unpark(sudog)(Promise.reject(reason))
    if (outcome !== DONE) readyAll(outcome)
  }
  try {
    onPark?.(cancel)
  } catch (error) {
    cancel(error)
  }
  return promise
}

export function semaTryAcquire(sema: number, n: number): boolean {
  return acquireSema(sema, n, 0, ownId()) === DONE
}

/** @throws SyncError */
export function semaRelease(sema: number, n: number): void {
  const outcome = releaseSema(sema, n, ownId())
  if (outcome === MISUSE) throw new SyncError('semaphore: released more than held')
  if (outcome !== DONE) readyAll(outcome)
}

// --- Once

/** True to the one that has to do it, and then to say `onceEnd`; false when it is done. @throws OutOfMemoryError */
export function onceBegin(once: number, keep: Handle): Promise<boolean> {
  const sudog = spareSudog()
  write(sudog + Sudog.info, 0)
  const outcome = beginOnce(once, sudog, self.id, ownId())
  return outcome === BLOCKED ? (park(sudog, () => false, keep) as Promise<boolean>) : ready(outcome === YOURS)
}

export function onceEnd(once: number): void {
  readyAll(endOnce(once, ownId()))
}

// --- Cond

/** A cond keeps a part in its mutex. */
export function newCond(mutex: Handle): number {
  const cond = newWaitable(KIND.cond)
  share(mutex)
  write(cond + Sema.mutex, addressOf(mutex))
  return cond
}

/** The mutex of a cond: its address. */
export const condMutex = (cond: number): number => read(cond + Sema.mutex)

export function freeCond(cond: number): void {
  release(condMutex(cond))
  freeWaitable(cond)
}

/** Unlocks the mutex, waits for a signal, and locks it again. @throws OutOfMemoryError; SyncError (rejects) if the mutex is not locked */
export function condWait(cond: number, keep: Handle, mutexKeep: Handle): Promise<void> {
  const mutex = condMutex(cond)
  const sudog = acquireSudog()
  write(sudog + Sudog.info, 0)
  // In the queue before the mutex is free: a signal that follows is not missed.
  waitSignal(cond, sudog, ownId())
  let isMisused = false
  const settle = () => {
    if (!isMisused) return mutexLock(mutex, mutexKeep, undefined)
    // The signal that has come for it is another's.
    condSignal(cond, false)
    return undefined
  }
  const promise = park(sudog, settle, keep) as Promise<void>
  try {
    mutexUnlock(mutex)
  } catch (error) {
    if (remove(sudog, ownId())) unpark(sudog)
    else isMisused = true
    return Promise.reject(error)
  }
  return promise
}

export function condSignal(cond: number, all: boolean): void {
  readyAll(signal(cond, all, ownId()))
}

// --- atomics

/** Where the value of an atomic stands: one word, or two. */
const VALUE = Waitable.SIZE + 1

export const atomicLoad = (at: number): number => load(at + VALUE)
export const atomicStore = (at: number, value: number): void => store(at + VALUE, value)
export const atomicAdd = (at: number, n: number): number => (add(at + VALUE, n) + n) | 0
export const atomicSwap = (at: number, value: number): number => exchange(at + VALUE, value)
export const atomicCas = (at: number, old: number, value: number): boolean => cas(at + VALUE, old, value) === old

/** Changes a 64-bit value under the struct's lock: `change` gives the new one. Returns the old one. */
export function atomic64(at: number, change: (old: bigint) => bigint): bigint {
  lockQueue(at, ownId())
  const old = (BigInt(read(at + VALUE + 1)) << 32n) | BigInt(read(at + VALUE) >>> 0)
  const value = BigInt.asIntN(64, change(old))
  if (value !== old) {
    write(at + VALUE, Number(BigInt.asIntN(32, value)))
    write(at + VALUE + 1, Number(value >> 32n))
  }
  unlockQueue(at)
  return old
}

// --- when a thread dies

/** The thread `m` has ended by itself: what its goroutines have locked and left to others to unlock counts as this thread's. */
export function adoptLocksOf(m: number): void {
  self.slab.walk(HANDLE_CLASS, (at) => {
    if (!retainIfAlive(at)) return
    const kind = load(at + Waitable.kind)
    if (kind === KIND.mutex) passMutex(at, m, self.id)
    else if (kind === KIND.rwMutex) passRW(at, m, self.id, ownId())
    release(at)
  })
}

/** What the dead thread `m` held can be had no more: those who wait for it are told, and those who come. */
export function failLocksOf(m: number): void {
  self.slab.walk(HANDLE_CLASS, (at) => {
    if (!retainIfAlive(at)) return
    const kind = load(at + Waitable.kind)
    if (kind === KIND.mutex) readyAll(killMutex(at, m, ownId()))
    else if (kind === KIND.rwMutex) readyAll(killRW(at, m, ownId()))
    else if (kind === KIND.once) readyAll(killOnce(at, m, ownId()))
    else if (kind === KIND.semaphore) readyAll(recheckSema(at, ownId()))
    release(at)
  })
}

/** A thread died while it held the lock of what is at `at`: does what it may have left undone there. */
export function resume(at: number): void {
  if (!retainIfAlive(at)) return
  const kind = load(at + Waitable.kind)
  if (kind === KIND.chan) readyAll(resumeChan(at, ownId()))
  else if (kind === KIND.waitGroup) readyAll(resumeCount(at, ownId()))
  // It may have been waking them all; and who waits for a signal looks whether it was meant.
  else if (kind === KIND.cond) readyAll(signal(at, true, ownId()))
  release(at)
}

/** The queues of what is at `at`, by its kind. */
export function queuesOf(at: number): number[] {
  switch (load(at + Waitable.kind)) {
    case KIND.chan:
      return [at + Chan.receivers, at + Chan.senders]
    case KIND.mutex:
      return [at + Mutex.waiters]
    case KIND.rwMutex:
      return [at + RWMutex.readersWaiting, at + RWMutex.writersWaiting]
    case KIND.semaphore:
      return [at + Sema.waiters, at + Sema.vain]
    case KIND.waitGroup:
    case KIND.once:
    case KIND.cond:
      return [at + Sema.waiters]
    default:
      return []
  }
}

nameWaits(KIND.mutex, () => 'sync.Mutex.Lock')
nameWaits(KIND.rwMutex, (on, list) =>
  list === on + RWMutex.readersWaiting ? 'sync.RWMutex.RLock' : 'sync.RWMutex.Lock',
)
nameWaits(KIND.waitGroup, () => 'sync.WaitGroup.Wait')
nameWaits(KIND.semaphore, () => 'semacquire')
nameWaits(KIND.once, () => 'sync.Once.Do')
nameWaits(KIND.cond, () => 'sync.Cond.Wait')
