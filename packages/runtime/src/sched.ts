/**
 * The scheduler: where things stand, and the state that ties G, M and P together.
 *
 * What it is for: to share ready goroutines out over threads. As in Go: a G is a goroutine (g.ts), an M a thread (m.ts), a
 * P the right to run plus a run queue (p.ts). Each P's queue is worked by the one thread that has the P; threads that run
 * dry steal half of another's. So in the common case a goroutine is put in a queue and taken from it by the same thread,
 * with no lock, and none waits while another thread has nothing to do.
 *
 * Schemes rejected, for Go's reasons (`runtime/proc.go`) and JavaScript's: one central queue (a contended lock a
 * goroutine); direct handoff of each goroutine to an idle thread (a futex round trip, 60 to 160 µs on two cores, for work of
 * one); waking a thread for every goroutine (threads thrash).
 *
 * The largest departures from Go:
 * - A started goroutine cannot move. Isolates share no objects, so an async function resumes only where it started. What
 *   is stolen is what has not started yet.
 * - The main thread runs no goroutines. It is the program's own: it creates them, waits for them and keeps its event loop.
 *   Its queue is there to be stolen from.
 * - Nothing interrupts a running function. The others steal what is behind one that computes; and if that takes long, its
 *   processor, the right to run, goes to another thread (processors.ts, sysmon.ts), while the queue stays with its thread.
 * - Results cross isolates, so they are values (value.ts) that travel in the G to its creator's inbox.
 *
 * When a thread wakes and sleeps ("spinning") is Go's algorithm: see idle-set.ts for the argument that no work is lost, and
 * park.ts for its use. In short: after each new goroutine, if a processor is idle and nobody spins, one is woken as a
 * spinner; a spinner that finds work wakes the next before it runs it; a spinner that finds none sleeps, having looked at
 * every queue once more. In a burst threads wake one after another, each by the one before; in a trickle one thread spins
 * and nobody is woken at all.
 *
 * Where to read on, in the order of a goroutine's life: spawn.ts (go), schedule.ts (the loop), steal.ts (finding work),
 * park.ts (going to sleep), netpoll.ts (the event loops), deliver.ts (coming home); threads.ts (the Ms), panic.ts and
 * undertaker.ts (when it goes wrong).
 */
import {
  add,
  alignUp,
  array,
  attach,
  createRegion,
  GlobalQueue,
  GlobalQueueLayout,
  IdleSet,
  i32,
  idleSetLayout,
  initSlab,
  LINE,
  LocalQueue,
  line,
  load,
  Note,
  type Region,
  RunQueueStealer,
  read,
  regionBytes,
  SLAB_SHAPE,
  Slab,
  slabLayout,
  store,
  struct,
  useSlab,
  WORD_BYTES,
  wake,
  wakeDozer,
  wakeUnlessDozing,
  write,
} from '@goro/memory'
import { G, G_LINKS } from './g.ts'
import { M, MAIN_M, MAX_THREADS } from './m.ts'
import { P, RUNQ_CAPACITY } from './p.ts'
import { Processors, Procs } from './processors.ts'
import { hasRoom } from './procs.ts'

export const Sched = struct({
  /** Who has a processor, and how many there are (processors.ts). */
  procs: array(Procs.SIZE, LINE),
  /** CLOSING once the main thread starts nothing more, STOPPED once the threads are to end. The main thread. */
  stopping: i32,
  /** 1 while the main thread wants to be woken when no goroutine is left. The main thread sets it, an M clears it. */
  mainWaits: i32,
  /** How often SIGUSR2 has come to the main thread. The main thread; read by the monitor. */
  signals: i32,
  /** Next block of goroutine ids, in blocks of `GOID_BLOCK`; and how often that wrapped. Any thread, atomically. */
  goidBlocks: line(i32),
  /** Steps that were audited (audit.ts). Any thread, atomically. */
  audited: i32,
  /** Next parcel number (control.ts, shared.ts). Any thread, atomically. */
  parcels: i32,
  /** Objects that other threads than the main thread have announced (shared.ts). Any of them, atomically. */
  announced: i32,
  global: array(GlobalQueueLayout.SIZE, LINE),
  /** Goroutines that are to have threads of their own, which the main thread starts (pin.ts). */
  pinned: array(GlobalQueueLayout.SIZE, LINE),
  idle: array(idleSetLayout(MAX_THREADS).SIZE, LINE),
  slab: array(slabLayout(SLAB_SHAPE.classes.length).SIZE, LINE),
})

/** Where the static structs stand. The first line holds the null address. */
export const SCHED = LINE
const PROCS = SCHED + Sched.procs
const PS = SCHED + alignUp(Sched.SIZE, LINE)
const MS = PS + MAX_THREADS * P.SIZE
const HEAP = MS + MAX_THREADS * M.SIZE

/** The address of the P of M `m`. */
export const pAt = (m: number): number => PS + m * P.SIZE
/** The address of M number `m`. */
export const mAt = (m: number): number => MS + m * M.SIZE

/** What a thread keeps of the scheduler for itself. */
export interface Thread {
  /** Its M: number and address. */
  readonly id: number
  readonly m: number
  /** The address of its P. */
  readonly p: number
  readonly runq: LocalQueue
  readonly global: GlobalQueue
  readonly pinned: GlobalQueue
  readonly idle: IdleSet
  readonly procs: Processors
  readonly slab: Slab
  readonly note: Note
  /** By M, the queues it may steal from; the first is the main thread's. */
  readonly victims: RunQueueStealer[]
  /** Wakes this thread's own loop if it sleeps in its event loop right now (park.ts). */
  wakeSelf: () => void
  /** It has ended another thread's sleep since it last had nothing to do: an answer may come, but not before that thread is up. */
  hasWoken: boolean
}

/** This thread's part in the runtime; undefined until it has joined. */
export let self: Thread

/** Undoes `create`, when no thread could be started. */
export function leave(): void {
  self = undefined as unknown as Thread
}

export const isJoined = (): boolean => self !== undefined

/**
 * Makes the region and the runtime in it, and joins as the main thread. `exact`: the user asked for these bytes; `followsCPUs`: nobody has
 * said how many processors there are to be.
 */
export function create(bytes: number, exact: boolean, procs: number, followsCPUs: boolean, maxThreads: number): Region {
  const buffer = createRegion(bytes, exact, hasRoom())
  initSlab(SCHED + Sched.slab, HEAP, regionBytes() / WORD_BYTES)
  write(PROCS + Procs.maxThreads, maxThreads)
  const n = Math.min(procs, maxThreads)
  store(PROCS + Procs.gomaxprocs, n)
  store(PROCS + Procs.follows, followsCPUs ? 1 : 0)
  // Each is meant for one of the threads that are about to be started.
  store(PROCS + Procs.reserved, n)
  store(PROCS + Procs.toStart, n)
  store(PROCS + Procs.threads, 1)
  join(MAIN_M)
  return buffer
}

/** Joins the runtime in `buffer` as M `id`. */
export function joinRegion(buffer: Region, id: number): void {
  attach(buffer)
  join(id)
}

function join(id: number): void {
  const m = mAt(id)
  const p = pAt(id)
  const global = new GlobalQueue(SCHED + Sched.global, lockId(id), G_LINKS)
  const slab = new Slab(SCHED + Sched.slab, m + M.cache, lockId(id))
  useSlab(slab)
  const idle = new IdleSet(SCHED + Sched.idle, MAX_THREADS, id)
  self = {
    id,
    m,
    p,
    global,
    pinned: new GlobalQueue(SCHED + Sched.pinned, lockId(id), G_LINKS),
    slab,
    runq: new LocalQueue(p + P.runq, RUNQ_CAPACITY, G.schedlink, global),
    idle,
    procs: new Processors(PROCS, id, lockId(id), { idle, mAt, wake: wakeThread, isStopping }),
    note: new Note(m + M.note),
    victims: [],
    wakeSelf: () => {},
    hasWoken: false,
  }
}

/** Wakes thread `id` if it sleeps. After what it is to see has been made visible (note.ts). */
export function wakeThread(id: number): void {
  if (wake(mAt(id) + M.note)) self.hasWoken = true
}

/** As `wakeThread`, for what can wait until the thread looks by itself if it dozes (netpoll.ts). */
export function tellThread(id: number): void {
  if (wakeUnlessDozing(mAt(id) + M.note)) self.hasWoken = true
}

/** This thread has run out of work: the main thread is to look at what it has been told by now, if it dozes. */
export function wakeMainDozing(): void {
  if (wakeDozer(mAt(MAIN_M) + M.note)) self.hasWoken = true
}

/** The id by which M `id` stamps locks: 0 means free there, and is the main thread's number here. */
export const lockId = (id: number): number => id + 1

export const gomaxprocs = (): number => load(PROCS + Procs.gomaxprocs)

/** The queue of M `id`, to steal from. */
export function victim(id: number): RunQueueStealer {
  const { victims } = self
  for (let i = victims.length; i <= id; i++) victims.push(new RunQueueStealer(pAt(i) + P.runq, RUNQ_CAPACITY))
  return victims[id] as RunQueueStealer
}

export const CLOSING = 1
export const STOPPED = 2

/** Whether this thread's loop is to end. */
export const isStopping = (): boolean => load(SCHED + Sched.stopping) === STOPPED

/** Whether this thread may not start goroutines any more. A hint without an atomic: `go` asks it each time. */
export const isClosed = (): boolean => read(SCHED + Sched.stopping) >= (self.id === MAIN_M ? CLOSING : STOPPED)

/** Goroutine ids are handed out to threads in blocks, so that a new goroutine costs no shared write (Go's goidcache). */
const GOID_BLOCK = 256
/** Id 1 is the main program's, as in Go. */
let goid = 1
let goidEnd = 1

/** A new goroutine id: a positive integer, unique in the process. */
export function newGoid(): number {
  if (goid === goidEnd) {
    // The count of blocks is taken unsigned: 2^32 blocks of 256 ids.
    goid = (add(SCHED + Sched.goidBlocks, 1) >>> 0) * GOID_BLOCK
    goidEnd = goid + GOID_BLOCK
    if (goid === 0) goid = 2
  }
  return goid++
}

/** This thread is making goroutine `g`: if it dies before that is in a queue, this is where it is found. */
export function noteMaking(g: number): void {
  // In this order: what was made before is counted, and must not be taken for one that is not.
  write(self.m + M.making, g)
  write(self.m + M.makingAs, (read(self.m + M.created) + 1) | 0)
}

export const isMaking = (g: number): boolean => read(self.m + M.making) === g

/** What it was making is in a queue, or is given up. */
export function noteMade(): void {
  write(self.m + M.making, 0)
}

/** Counts one more goroutine made by this thread. */
export function countCreated(): void {
  count(M.created)
}

/** Keeps the process open for something that this thread has under way, as a goroutine on its way home does, until `unhold`. */
export function hold(): void {
  count(M.held)
}

/** Ends a `hold`. */
export function unhold(): void {
  count(M.unheld)
  self.wakeSelf()
}

/** Counts one goroutine that has ended on this thread. */
export function countFinished(): void {
  count(M.finished)
}

/** Counts one goroutine of which nothing is on its way any more. */
export function countSettled(): void {
  count(M.settled)
}

function count(counter: number): void {
  write(self.m + counter, (read(self.m + counter) + 1) | 0)
}

/** How many goroutines there are: made and not ended. */
export function liveGoroutines(): number {
  return difference([M.created], [M.finished])
}

/** How many goroutines have not ended, or not come home, and what else keeps the process open: while there are any, it stays. */
export function unsettledGoroutines(): number {
  return difference([M.created, M.held, M.reported], [M.settled, M.unheld])
}

/**
 * Whether nothing is left for which the process stays; once the runtime is being shut down pinned values that nobody waits for are
 * nothing (pin.ts).
 */
export function isOver(): boolean {
  const unsettled = unsettledGoroutines()
  const stopping = read(SCHED + Sched.stopping)
  return unsettled === 0 || stopping === STOPPED || (stopping === CLOSING && onlyPinsLeft())
}

/**
 * The threads that own a pinned value are the same before and after the goroutines are counted, and so they were in between: the sum
 * below is no smaller than it was at some moment then.
 */
function onlyPinsLeft(): boolean {
  const before = pinning()
  return unsettledGoroutines() === before.length && pinning().join() === before.join()
}

function pinning(): number[] {
  const found: number[] = []
  for (let id = 1; id < load(PROCS + Procs.threads); id++) if (load(mAt(id) + M.pins) === 1) found.push(id)
  return found
}

/**
 * Each thread counts for itself, so this is a sum that is read while it changes; but 0 is exact: all of the one counter are
 * read before all of the other, both only grow, and no goroutine is counted as gone before it is counted as made; so equal
 * sums mean that at the moment between the two readings there was none (Mattern, "Algorithms for distributed termination
 * detection", the four-counter method).
 */
function difference(made: readonly number[], gone: readonly number[]): number {
  const before = sum(gone)
  return (sum(made) - before) | 0
}

function sum(counters: readonly number[]): number {
  let total = 0
  for (let i = 0; i < load(PROCS + Procs.threads); i++) {
    for (const counter of counters) total = (total + load(mAt(i) + counter)) | 0
  }
  return total
}
