/**
 * The control line: what the threads have to tell each other that is no bytes and is not hot. Comlink speaks over one
 * `MessagePort` an M, between it and the main thread; it is loaded when the first message is sent.
 *
 * Shared memory: a `SharedArrayBuffer` of the main thread is announced to all threads, once, under a number, when the first
 * goroutine that carries it is made; from then on the number is enough.
 *
 * Parcels, for all else: a transferred `MessagePort` among a goroutine's values cannot stand in the region. The
 * sender deposits such things with the main thread under a number that the G carries; whoever decodes the values fetches
 * them by it, once.
 */

import { createRequire } from 'node:module'
import type { MessagePort } from 'node:worker_threads'
import { add, alloc, free, read, WORD_BYTES, write } from '@goro/memory'
import type { Endpoint, Remote } from 'comlink'
import { dataCloneError } from './errors.ts'
import { MAIN_M } from './m.ts'
import { collectGarbage } from './native.ts'
import { SCHED, Sched, self } from './sched.ts'

/** What the main thread offers to the others. */
export interface MainControl {
  deposit(parcel: number, externals: readonly unknown[]): void
  fetch(parcel: number): Promise<readonly unknown[]>
  drop(parcel: number): void
  /** GOMAXPROCS has changed: only the main thread can start threads. */
  fitThreads(): void
}

/** On the main thread: what was deposited, and who waits for what is still on its way. */
const parcels = new Map<number, readonly unknown[]>()
const awaited = new Map<number, (externals: readonly unknown[]) => void>()
/** Parcels to be thrown away when they come. */
const dropped = new Set<number>()

const main: MainControl = {
  deposit(parcel, externals) {
    const receiver = awaited.get(parcel)
    if (receiver !== undefined) {
      awaited.delete(parcel)
      receiver(externals)
    } else if (!dropped.delete(parcel)) {
      parcels.set(parcel, externals)
    }
  },
  fetch(parcel) {
    const externals = parcels.get(parcel)
    if (externals === undefined) return new Promise((resolve) => awaited.set(parcel, resolve))
    parcels.delete(parcel)
    return Promise.resolve(externals)
  },
  drop(parcel) {
    if (!parcels.delete(parcel)) dropped.add(parcel)
  },
  fitThreads() {
    onThreadsRequested()
  },
}

let onThreadsRequested: () => void = () => {}

/** On the main thread: calls `callback` when another thread has changed GOMAXPROCS. */
export function whenThreadsRequested(callback: () => void): void {
  onThreadsRequested = callback
}

/** On another thread: asks the main thread to start or stop threads as GOMAXPROCS now says. */
export function requestThreads(): void {
  void call((remote) => remote.fitThreads())
}

/** On another thread: the line to the main thread, once it was needed. */
let port: MessagePort
let line: Remote<MainControl> | undefined
/** Calls under way over the line. */
let pending = 0

/** Whether a message to or from the main thread is under way: then this thread must not block. */
export const controlPending = (): boolean => pending > 0

/** What in a parcel is moved; the rest is shared, or copied as Node copies it. */
function movables(externals: readonly unknown[]): Transferable[] {
  return externals.filter((external) => external instanceof globalThis.MessagePort) as unknown as Transferable[]
}

/**
 * Moves what is to be moved here and now: from this moment the sender's own is detached, wherever the receiver may be, and
 * one that had been moved before is refused to the sender.
 */
function move(externals: readonly unknown[]): unknown[] {
  const ports = movables(externals)
  if (ports.length === 0) return [...externals]
  try {
    const moved = new Map(ports.map((port, i) => [port, i]))
    const arrived = structuredClone(ports, { transfer: ports })
    return externals.map((external) => {
      const i = moved.get(external as Transferable)
      return i === undefined ? external : arrived[i]
    })
  } catch (error) {
    throw dataCloneError(`a MessagePort can't be transferred: ${(error as Error).message}`)
  }
}

/**
 * Deposits what is no bytes and returns the number under which it can be fetched.
 *
 * @throws DataCloneError if a port among it was transferred before.
 */
export function sendParcel(externals: readonly unknown[]): number {
  const parcel = (add(SCHED + Sched.parcels, 1) + 1) | 0
  const moved = move(externals)
  if (self.id === MAIN_M) main.deposit(parcel, moved)
  else void call((remote) => remote.deposit(parcel, comlink().transfer(moved, movables(moved))))
  return parcel
}

/** Fetches a parcel: it is gone from where it was. */
export function fetchParcel(parcel: number): Promise<readonly unknown[]> {
  return self.id === MAIN_M ? main.fetch(parcel) : call((remote) => remote.fetch(parcel))
}

/** Throws a parcel away that nobody will fetch. */
export function dropParcel(parcel: number): void {
  if (self.id === MAIN_M) main.drop(parcel)
  else void call((remote) => remote.drop(parcel))
}

type Comlink = typeof import('comlink')

/** Loaded at the first use; synchronously, so that what is deposited is on its way before the goroutine that carries it. */
function comlink(): Comlink {
  return createRequire(import.meta.url)('comlink') as Comlink
}

async function call<T>(use: (remote: Remote<MainControl>) => PromiseLike<T>): Promise<T> {
  pending++
  try {
    line ??= comlink().wrap<MainControl>(
      endpoint(port, (deliver) => {
        onControl = deliver
      }),
    )
    return await use(line)
  } finally {
    pending--
  }
}

// --- shared memory that all threads know -----------------------------------------------------------------------------------

/** What the main thread tells the others of its `SharedArrayBuffer`s, ahead of any goroutine that carries one. */
type Announcement = { readonly number: number; readonly memory?: SharedArrayBuffer }

/** On the main thread: the numbers of its own, who they are, and the lines to tell. */
const numbers = new WeakMap<SharedArrayBuffer, number>()
const announced = new Map<number, WeakRef<SharedArrayBuffer>>()
const lines = new Map<MessagePort, () => void>()
const collected = new FinalizationRegistry<number>((number) => {
  announced.delete(number)
  for (const [end, wake] of lines) {
    end.postMessage({ number } satisfies Announcement)
    // A thread asleep since before the announcement has not read it: the message holds the memory.
    wake()
  }
})

/** On another thread: what it was told of. */
const memories = new Map<number, SharedArrayBuffer>()
/** On another thread: the next message that has come over its line, if any. */
let receive: () => unknown

/**
 * If all of `externals` are shared memory of the main thread, which this must be: their numbers, in a block. The other threads
 * have been told of them before, so that a goroutine needs nothing but the block to start. Undefined otherwise. Whoever calls
 * this keeps `externals` alive until the goroutine has come home.
 */
export function shareAll(externals: readonly unknown[]): number | undefined {
  if (self.id !== MAIN_M || !externals.every((external) => external instanceof SharedArrayBuffer)) return undefined
  const block = alloc((externals.length + 1) * WORD_BYTES)
  write(block, externals.length)
  for (const [i, memory] of externals.entries()) write(block + 1 + i, announce(memory as SharedArrayBuffer))
  return block
}

function announce(memory: SharedArrayBuffer): number {
  let number = numbers.get(memory)
  if (number === undefined) {
    number = add(SCHED + Sched.parcels, 1) + 1
    numbers.set(memory, number)
    announced.set(number, new WeakRef(memory))
    collected.register(memory, number)
    for (const end of lines.keys()) end.postMessage({ number, memory } satisfies Announcement)
  }
  return number
}

/** The shared memory that `shareAll` has put in `block`, which is freed. */
export function takeShared(block: number): SharedArrayBuffer[] {
  const found = Array.from({ length: read(block) }, (_, i) => memoryOf(read(block + 1 + i)))
  free(block)
  return found
}

function memoryOf(number: number): SharedArrayBuffer {
  if (!memories.has(number)) receiveAll()
  const memory = memories.get(number)
  if (memory === undefined) throw new Error(`goro: shared memory ${number} was not announced; please report this`)
  return memory
}

/** Takes in what has come over the line without waiting for the event loop. */
function receiveAll(): void {
  for (let message = receive(); message !== undefined; message = receive()) onMessage(message)
}

/** What Comlink listens with, on another thread, once it does. */
let onControl: (message: unknown) => void = () => {}

function onMessage(message: unknown): void {
  const { number, memory } = message as Announcement
  if (number === undefined) onControl(message)
  else if (memory === undefined) forget(number)
  else memories.set(number, memory)
}

/** Bytes of forgotten memory after which this thread collects its garbage. */
const COLLECT_AFTER_BYTES = 256 << 20
let forgotten = 0

/**
 * The main thread has no use for memory `number` any more. What holds it now is an object of this thread that nobody refers
 * to; and a thread that does little may not collect garbage for hours, since V8 does not count shared memory as its own.
 */
function forget(number: number): void {
  forgotten += memories.get(number)?.byteLength ?? 0
  memories.delete(number)
  if (forgotten < COLLECT_AFTER_BYTES) return
  forgotten = 0
  collectGarbage()
}

// --- the lines -------------------------------------------------------------------------------------------------------------

/** Sets up an M's end of its line; `receiveOne` gives the next message that has come, if any. */
export function connect(end: MessagePort, receiveOne: () => unknown): void {
  port = end
  receive = receiveOne
  end.on('message', onMessage)
}

/** Sets up the main thread's end of the line of an M, which `wake` wakes. It does not hold the process open: goroutines in flight do. */
export function serve(end: MessagePort, wake: () => void): void {
  let deliverTo: ((message: unknown) => void) | undefined
  end.on('message', (message: unknown) => {
    if (deliverTo === undefined) {
      const { expose, transfer } = comlink()
      const offered: MainControl = {
        ...main,
        fetch: async (parcel) => {
          const externals = await main.fetch(parcel)
          return transfer([...externals], movables(externals))
        },
      }
      expose(
        offered,
        endpoint(end, (listen) => {
          deliverTo = listen
        }),
      )
    }
    deliverTo?.(message)
  })
  end.unref()
  lines.set(end, wake)
  end.on('close', () => lines.delete(end))
  for (const [number, ref] of announced) {
    const memory = ref.deref()
    if (memory !== undefined) end.postMessage({ number, memory } satisfies Announcement)
  }
}

/** A port as Comlink wants it: an event target. `listens` is told where to send what comes. */
function endpoint(end: MessagePort, listens: (deliver: (message: unknown) => void) => void): Endpoint {
  return {
    postMessage: (message, transfer) => end.postMessage(message, transfer as never),
    addEventListener: (_type, listener) =>
      listens((data) => {
        const event = { data } as MessageEvent
        if (typeof listener === 'function') listener(event)
        else listener.handleEvent(event)
      }),
    removeEventListener: () => listens(() => {}),
  }
}

type Transferable = ArrayBuffer | MessagePort
