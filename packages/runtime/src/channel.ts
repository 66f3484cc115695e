/**
 * Channels and select as goroutines use them: promises around the algorithms of chan.ts and select.ts. What is ready is taken
 * without parking, and its promise is fulfilled already. What gives a promise never throws, it rejects: also when there is no shared memory for
 * a waiter, or for what a value is made of.
 */
import { alloc, cas, free, HANDLE_CLASS, load, OutOfMemoryError, read, store, WORD_BYTES, write } from '@goro/memory'
import { copyOf, dropCell, readCell, writeCell } from './cell.ts'
import {
  BLOCKED,
  BY_CLOSE,
  CELL_WORDS,
  Chan,
  CLOSED,
  chanClosed,
  chanrecv,
  chansend,
  closechan,
  closeReason,
  DONE,
  eachCell,
  makechan,
} from './chan.ts'
import { ChannelClosedError, type ThreadDiedError } from './errors.ts'
import {
  AGAIN,
  acquireCase,
  acquireSudog,
  goready,
  ownId,
  park,
  ready,
  readyAll,
  readyDone,
  releaseCase,
  releaseSudog,
  type Settle,
  spareSudog,
  unpark,
} from './gopark.ts'
import { Goroutine } from './goroutine.ts'
import { eachHandle, type Handle, KIND, release, retainIfAlive } from './handle.ts'
import { M } from './m.ts'
import { lockId, self } from './sched.ts'
import { chosen, RECEIVE, SEND, select, withdraw } from './select.ts'
import { remove, SUDOG_TAKEN, Sudog, stateOf, Waitable } from './sudog.ts'
import type { EncodeOptions } from './value.ts'

/** Makes a channel of `kind` for `capacity` values and returns its address. @throws OutOfMemoryError */
export function newChan(kind: number, capacity: number): number {
  return makechan(self.slab, kind, capacity)
}

/** Frees a channel that nobody refers to any more, with what is in it. */
export function freeChan(c: number): void {
  const ring = read(c + Chan.ring)
  eachCell(c, dropCell)
  if (ring !== 0) free(ring)
  const reason = read(c + Chan.reason)
  if (reason !== 0) {
    dropCell(reason)
    free(reason)
  }
  store(c + Waitable.kind, 0)
  self.slab.freeClass(c, HANDLE_CLASS)
}

const VALUE = { root: 'value' }

const closedError = () => new ChannelClosedError('send on closed channel')

/** Sends `value`. `keep` is the handle: it lives as long as the wait. */
export function send(c: number, value: unknown, keep: Handle): Promise<void> {
  const cell = self.m + M.cell
  let sudog: number
  try {
    sudog = spareFor(value, cell, VALUE)
  } catch (error) {
    return Promise.reject(error)
  }
  const outcome = chansend(c, cell, sudog, ownId())
  if (outcome === BLOCKED) return park(sudog, settleSend, keep) as Promise<void>
  if (outcome === CLOSED) {
    dropCell(cell)
    return Promise.reject(closedError())
  }
  if (outcome !== DONE) goready(outcome)
  return readyDone()
}

/**
 * Writes `value` into `cell` and gives a sudog for the wait. In that order: a getter of the value may wait itself, with that sudog.
 *
 * @throws DataCloneError, OutOfMemoryError
 */
function spareFor(value: unknown, cell: number, options: EncodeOptions): number {
  writeCell(value, cell, options)
  try {
    return spareSudog()
  } catch (error) {
    dropCell(cell)
    throw error
  }
}

function settleSend(sudog: number): void {
  if (read(sudog + Sudog.info) !== BY_CLOSE) return
  dropCell(sudog + Sudog.cell)
  throw closedError()
}

/**
 * As `send`, for the runtime's own use: nobody waits for it, and if the channel is closed the value is dropped. What `options` name is
 * moved.
 *
 * @throws DataCloneError, OutOfMemoryError
 */
export function post(c: number, value: unknown, keep: Handle, options: EncodeOptions): void {
  const cell = self.m + M.cell
  const sudog = spareFor(value, cell, options)
  const outcome = chansend(c, cell, sudog, ownId())
  if (outcome === BLOCKED) void park(sudog, settlePost, keep, true)
  else if (outcome === CLOSED) dropCell(cell)
  else if (outcome !== DONE) goready(outcome)
}

function settlePost(sudog: number): void {
  if (read(sudog + Sudog.info) === BY_CLOSE) dropCell(sudog + Sudog.cell)
}

/** Receives a value: undefined once the channel is closed and drained. */
export function recv(c: number, keep: Handle, own = false): Promise<unknown> {
  try {
    const sudog = spareSudog()
    const cell = self.m + M.cell
    const outcome = chanrecv(c, cell, sudog, ownId())
    if (outcome === BLOCKED) return park(sudog, settleRecv, keep, own)
    if (outcome === CLOSED) return readyDone()
    if (outcome !== DONE) goready(outcome)
    return ready(readCell(cell))
  } catch (error) {
    return Promise.reject(error)
  }
}

function settleRecv(sudog: number): unknown {
  return read(sudog + Sudog.info) === BY_CLOSE ? undefined : readCell(sudog + Sudog.cell)
}

/**
 * Calls `callback` when the channel is closed: for the runtime's own use, on channels that are never sent to. Nobody counts on it.
 * Returns what takes it back.
 */
export function whenClosed(c: number, keep: Handle, callback: () => void): () => void {
  const sudog = acquireSudog()
  if (chanrecv(c, self.m + M.cell, sudog, ownId()) !== BLOCKED) {
    releaseSudog(sudog)
    callback()
    return () => {}
  }
  let waits = true
  const onClosed = () => {
    if (!waits) return
    waits = false
    callback()
  }
  void park(sudog, onClosed, keep, true)
  return () => {
    if (waits && remove(sudog, ownId())) unpark(sudog)
    waits = false
  }
}

/** As `recv`, with whether there was a value. */
export function next(c: number, keep: Handle): Promise<IteratorResult<unknown, undefined>> {
  try {
    const sudog = spareSudog()
    const cell = self.m + M.cell
    const outcome = chanrecv(c, cell, sudog, ownId())
    if (outcome === BLOCKED) return park(sudog, settleNext, keep) as Promise<IteratorResult<unknown, undefined>>
    if (outcome === CLOSED) return ready({ value: undefined, done: true as const })
    if (outcome !== DONE) goready(outcome)
    return ready({ value: readCell(cell), done: false as const })
  } catch (error) {
    return Promise.reject(error)
  }
}

function settleNext(sudog: number): unknown {
  return read(sudog + Sudog.info) === BY_CLOSE
    ? { value: undefined, done: true }
    : { value: readCell(sudog + Sudog.cell), done: false }
}

/** Sends `value` if that needs no waiting. @throws ChannelClosedError, DataCloneError */
export function trySend(c: number, value: unknown): boolean {
  const cell = self.m + M.cell
  writeCell(value, cell, VALUE)
  const outcome = chansend(c, cell, 0, ownId())
  if (outcome === BLOCKED || outcome === CLOSED) {
    dropCell(cell)
    if (outcome === CLOSED) throw closedError()
    return false
  }
  if (outcome !== DONE) goready(outcome)
  return true
}

/** Receives if that needs no waiting; else undefined. */
export function tryRecv(c: number): IteratorResult<unknown, undefined> | undefined {
  const cell = self.m + M.cell
  const outcome = chanrecv(c, cell, 0, ownId())
  if (outcome === BLOCKED) return undefined
  if (outcome === CLOSED) return { value: undefined, done: true }
  if (outcome !== DONE) goready(outcome)
  return { value: readCell(cell), done: false }
}

/**
 * Closes the channel; with a reason, which `reasonOf` then gives, unless there is no shared memory for it. False if it was closed before.
 */
export function close(c: number, reason?: unknown): boolean {
  const cell = reason === undefined ? 0 : newReason(reason)
  const outcome = closechan(c, cell, ownId())
  if (outcome === CLOSED) {
    if (cell !== 0) {
      dropCell(cell)
      free(cell)
    }
    return false
  }
  if (outcome !== DONE) readyAll(outcome)
  return true
}

/** A cell with `reason`; 0 if there is no room for one. */
function newReason(reason: unknown): number {
  let cell = 0
  try {
    cell = alloc(CELL_WORDS * WORD_BYTES)
    writeCell(reason, cell, { root: 'reason', lossy: true })
    return cell
  } catch (error) {
    if (cell !== 0) free(cell)
    // Whoever waits for the channel is not to wait for ever for that.
    if (error instanceof OutOfMemoryError) return 0
    throw error
  }
}

/** Only this thread will close the channel, which holds nothing: if it dies, the channel is closed with a ThreadDiedError as its reason. */
export function closeWithThread(c: number): void {
  write(c + Chan.keeper, ownId())
}

/** Whether the thread with the lock id `keeper` is to close the channel, and has not. */
const isClosedBy = (c: number, keeper: number): boolean =>
  load(c + Waitable.kind) === KIND.chan &&
  read(c + Chan.keeper) === keeper &&
  read(c + Chan.ring) === 0 &&
  !chanClosed(c)

/** Whether this thread has a channel that others may wait for and that only it will close. */
export function closesWithThread(): boolean {
  let found = false
  eachHandle((address) => {
    found ||= isClosedBy(address, ownId())
  })
  return found
}

/** Closes, with `reason`, what the dead thread `dead` was to close. */
export function closeChansOf(dead: number, reason: ThreadDiedError): void {
  self.slab.walk(HANDLE_CLASS, (at) => {
    if (!isClosedBy(at, lockId(dead)) || !retainIfAlive(at)) return
    close(at, reason)
    release(at)
  })
}

/** What the channel was closed with. */
export function reasonOf(c: number): unknown {
  const cell = closeReason(c)
  return cell === 0 ? undefined : copyOf(cell)
}

// --- select ----------------------------------------------------------------------------------------------------------------

/** A case of a select: to receive from a channel, to send to one, or a promise. */
export type Case =
  | { readonly name: string; readonly op: 'recv'; readonly channel: Handle; readonly address: number }
  | {
      readonly name: string
      readonly op: 'send'
      readonly channel: Handle
      readonly address: number
      readonly value: unknown
    }
  | { readonly name: string; readonly op: 'promise'; readonly promise: PromiseLike<unknown> }

/** What happened: which case, what came, and whether a receive found its channel closed and drained. */
export interface Hit {
  readonly case: string
  readonly value: unknown
  readonly done: boolean
}

/** A select that waits for one of its cases. */
interface Waiting {
  readonly cases: readonly Case[]
  /** The sudogs of its channel cases, each with the index of its case as its `slot`. */
  readonly sudogs: number[]
}

/**
 * Waits until one of `cases` can happen, and does it. Rejects with ChannelClosedError for a send on a closed channel, with the
 * reason of a promise that rejects, and with DataCloneError for a value that can't be sent: then nothing has happened.
 */
export function selectCase(cases: readonly Case[]): Promise<Hit> {
  try {
    const hit = receiveReady(cases)
    if (hit !== undefined) return ready(hit)
    const waiting = prepare(cases)
    if (waiting.sudogs.length === cases.length) return start(waiting)
    const promises = cases.filter((each) => each.op === 'promise')
    return startWithPromises(waiting, promises)
  } catch (error) {
    return Promise.reject(error)
  }
}

/** The order in which `receiveReady` looks: as many of it as there are cases. */
const order: number[] = []

/**
 * For a select that only receives, the short way: takes what is ready from one channel after another, in a random order. Each is asked
 * under its own lock, and what is ready when it is asked may be chosen, whatever happens to the others; of those that stay ready, each is as
 * likely to be asked first. That none was ready when it was asked says nothing of one moment: then undefined, and all are locked.
 */
function receiveReady(cases: readonly Case[]): Hit | undefined {
  const count = cases.length
  for (let i = 0; i < count; i++) {
    if ((cases[i] as Case).op !== 'recv') return undefined
    const at = (Math.random() * (i + 1)) | 0
    order[i] = order[at] as number
    order[at] = i
  }
  const cell = self.m + M.cell
  for (let i = 0; i < count; i++) {
    const { name, address } = cases[order[i] as number] as Extract<Case, { op: 'recv' }>
    const outcome = chanrecv(address, cell, 0, ownId())
    if (outcome === BLOCKED) continue
    if (outcome === CLOSED) return { case: name, value: undefined, done: true }
    if (outcome !== DONE) goready(outcome)
    return { case: name, value: readCell(cell), done: false }
  }
  return undefined
}

/** As `selectCase`, for what is ready at this moment: else undefined. Of promises it sees those that it has seen settle. */
export function tryCase(cases: readonly Case[]): Hit | undefined {
  const waiting = prepare(cases)
  const early: Settled[] = []
  for (const each of cases) {
    if (each.op !== 'promise') continue
    const outcome = watch(each.promise)
    if (outcome !== undefined) early.push({ of: each, ...outcome })
  }
  const at = choose(waiting, early, 0)
  if (at === undefined) {
    end(waiting, 0)
    return undefined
  }
  return at() as Hit
}

function prepare(cases: readonly Case[]): Waiting {
  const sudogs: number[] = []
  const waiting = { cases, sudogs }
  try {
    for (let i = 0; i < cases.length; i++) {
      const each = cases[i] as Case
      if (each.op === 'promise') continue
      const sudog = acquireCase()
      sudogs.push(sudog)
      write(sudog + Sudog.slot, i)
      write(sudog + Sudog.on, each.address)
      write(sudog + Sudog.info, each.op === 'send' ? SEND : RECEIVE)
      if (each.op === 'send') writeCell(each.value, sudog + Sudog.cell, { root: `case ${each.name}` })
    }
  } catch (error) {
    end(waiting, 0)
    throw error
  }
  return waiting
}

/** The case of one of its sudogs. */
const caseOf = ({ cases }: Waiting, sudog: number): Case => cases[read(sudog + Sudog.slot)] as Case

/** A promise case that has settled. */
interface Settled extends Outcome {
  readonly of: Case
}

interface Outcome {
  readonly failed: boolean
  readonly value: unknown
}

/** Does what is ready, channel or settled promise, each as likely as the other; returns what gives the hit, or throws. */
function choose(waiting: Waiting, early: readonly Settled[], record: number): (() => unknown) | undefined {
  const { sudogs } = waiting
  const all = early.length === 0 ? sudogs : [...sudogs, ...early.map((_, i) => -1 - i)]
  if (!select(all, record, ownId(), Math.random)) return undefined
  const { sudog, outcome } = chosen
  if (sudog < 0) {
    const settled = early[-1 - sudog]!
    return () => {
      end(waiting, 0)
      return hitOf(settled)
    }
  }
  if (outcome !== DONE && outcome !== CLOSED) goready(outcome)
  return () => finish(waiting, sudog, outcome === CLOSED)
}

function hitOf({ of, failed, value }: Settled): Hit {
  if (failed) throw value
  return { case: of.name, value, done: false }
}

function start(waiting: Waiting): Promise<Hit> {
  const record = recordFor(waiting, spareSudog)
  // As that of a record.
  write(record + Sudog.on, 0)
  const hit = choose(waiting, NONE, record)
  if (hit === undefined) return park(record, settleSelect, waiting) as Promise<Hit>
  return ready(hit()) as Promise<Hit>
}

/** What `acquire` gives. If there is no memory for it, that was it. @throws OutOfMemoryError */
function recordFor(waiting: Waiting, acquire: () => number): number {
  try {
    return acquire()
  } catch (error) {
    end(waiting, 0)
    throw error
  }
}

const NONE: readonly Settled[] = []

function settleSelect(record: number, waiting: unknown): unknown {
  const winner = read(record + Sudog.select)
  withdraw((waiting as Waiting).sudogs, winner, ownId())
  if (stateOf(read(winner + Sudog.status)) === SUDOG_TAKEN) return selectAgain(record, waiting as Waiting)
  return finish(waiting as Waiting, winner, read(winner + Sudog.info) === BY_CLOSE)
}

/** Who had chosen a case died before it had done it. */
function selectAgain(record: number, waiting: Waiting): unknown {
  for (const sudog of waiting.sudogs) {
    write(sudog + Sudog.info, caseOf(waiting, sudog).op === 'send' ? SEND : RECEIVE)
    write(sudog + Sudog.select, 0)
  }
  store(record + Sudog.select, 0)
  const hit = choose(waiting, NONE, record)
  return hit === undefined ? AGAIN : hit()
}

/** The hit of the case whose sudog is `winner`. All its sudogs are given back. */
function finish(waiting: Waiting, winner: number, closed: boolean): unknown {
  const { name, op } = caseOf(waiting, winner)
  if (op === 'send') {
    end(waiting, closed ? 0 : winner)
    if (closed) throw closedError()
    return { case: name, value: undefined, done: false }
  }
  const value = closed ? undefined : readCell(winner + Sudog.cell)
  end(waiting, winner)
  return { case: name, value, done: closed }
}

/** Gives the sudogs back. What was not sent is dropped; the value of `winner` has gone. */
function end(waiting: Waiting, winner: number): void {
  for (const sudog of waiting.sudogs) {
    if (sudog !== winner && caseOf(waiting, sudog).op === 'send') dropCell(sudog + Sudog.cell)
    releaseCase(sudog)
  }
}

/** With promises among the cases: those that have settled already count as ready, which takes a microtask to see. */
async function startWithPromises(waiting: Waiting, promises: readonly Case[]): Promise<Hit> {
  const early: Settled[] = []
  let record = 0
  // From the moment of the choice: until whoever has called this hears of it, others may settle, and the record be somebody else's.
  let over = false
  const settled = (hit: Settled) => {
    if (over) return
    if (record === 0) {
      early.push(hit)
    } else if (cas(record + Sudog.select, 0, record) === 0) {
      over = true
      withdraw(waiting.sudogs, 0, ownId())
      end(waiting, 0)
      unpark(record)(hit.failed ? Promise.reject(hit.value) : hitOf(hit))
    }
  }
  for (const each of promises) {
    if (each.op !== 'promise') continue
    // A goroutine is asked itself: it is to know when it has lost.
    const { promise } = each
    const asked = promise instanceof Goroutine ? promise : Promise.resolve(promise)
    asked.then(
      (value) => settled({ of: each, failed: false, value }),
      (value: unknown) => settled({ of: each, failed: true, value }),
    )
  }
  await undefined
  try {
    record = recordFor(waiting, acquireSudog)
    const hit = choose(waiting, early, record)
    if (hit === undefined) {
      const settle: Settle = (home, keep) => {
        over = true
        const outcome = settleSelect(home, keep)
        over = outcome !== AGAIN
        return outcome
      }
      return (await park(record, settle, waiting)) as Hit
    }
    over = true
    releaseSudog(record)
    return (await hit()) as Hit
  } finally {
    over = true
    for (const each of promises) {
      if (each.op === 'promise' && each.promise instanceof Goroutine) Goroutine.leave(each.promise)
    }
  }
}

/** What promises that a `select.try` was given have come to: `undefined` as long as it is not known. */
const outcomes = new WeakMap<PromiseLike<unknown>, { outcome: Outcome | undefined }>()

function watch(promise: PromiseLike<unknown>): Outcome | undefined {
  if (promise instanceof Goroutine) return Goroutine.outcomeOf(promise)
  let watched = outcomes.get(promise)
  if (watched === undefined) {
    const entry: { outcome: Outcome | undefined } = { outcome: undefined }
    outcomes.set(promise, entry)
    watched = entry
    Promise.resolve(promise).then(
      (value) => {
        entry.outcome = { failed: false, value }
      },
      (value: unknown) => {
        entry.outcome = { failed: true, value }
      },
    )
  }
  return watched.outcome
}
