/**
 * The control line: what the threads have to tell each other that is no bytes and is not hot. Comlink speaks over one
 * `MessagePort` an M, between it and the main thread; it is loaded when the first message is sent.
 *
 * What all threads are told goes over the lines too, ahead of whatever refers to it (shared.ts).
 *
 * Parcels: a transferred `MessagePort` among a goroutine's arguments cannot stand in the region. The
 * sender deposits such things with the main thread under a number that the G carries; whoever decodes the values fetches
 * them by it, once. If there are long buffers with it that are moved, they all go by the porter (moved.ts): ports alone are too rare to start a thread for.
 */

import { createRequire } from 'node:module'
import type { MessagePort } from 'node:worker_threads'
import { add } from '@goro/memory'
import type { Endpoint, Remote } from 'comlink'
import { dataCloneError } from './errors.ts'
import { MAIN_M } from './m.ts'
import { movables, Parcels, type Transferable } from './porterage.ts'
import { SCHED, Sched, self } from './sched.ts'

/** What the main thread offers to the others. */
export interface MainControl {
  deposit(parcel: number, externals: readonly unknown[]): void
  fetch(parcel: number): Promise<readonly unknown[]>
  drop(parcel: number): void
  announced(): readonly unknown[]
  startPorter(): void
}

/** On the main thread: what was deposited. */
const parcels = new Parcels()

const main: MainControl = {
  deposit: (parcel, externals) => parcels.deposit(parcel, externals),
  fetch: (parcel) => new Promise((resolve) => parcels.fetch(parcel, resolve)),
  drop: (parcel) => parcels.drop(parcel),
  announced() {
    return announced()
  },
  startPorter() {
    onPorterWanted()
  },
}

let onPorterWanted: () => void = () => {}

/** On the main thread: calls `callback` when a thread wants the porter (moved.ts). */
export function whenPorterWanted(callback: () => void): void {
  onPorterWanted = callback
}

/** Lets the main thread start the porter, unless it has. */
export function wantPorter(): void {
  if (self.id === MAIN_M) main.startPorter()
  else void call((remote) => remote.startPorter())
}

/** On another thread: the line to the main thread, once it was needed. */
let port: MessagePort
let line: Remote<MainControl> | undefined
/** Calls under way over the line. */
let pending = 0

/** Whether a message to or from the main thread or the porter is under way: then this thread must not block. */
export const controlPending = (): boolean => pending > 0

/** This thread waits for an answer from its event loop, until `endCall`. */
export function beginCall(): void {
  pending++
}

/** Ends a `beginCall`. */
export function endCall(): void {
  pending--
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

/** Parcel numbers begin anew after so many, when the first are long gone. */
const NUMBERS = (1 << 30) - 1

/** A number for a parcel, above 0. */
export const newParcel = (): number => (add(SCHED + Sched.parcels, 1) & NUMBERS) + 1

/**
 * Deposits what is no bytes and returns the number under which it can be fetched.
 *
 * @throws DataCloneError if a port among it was transferred before.
 */
export function sendParcel(externals: readonly unknown[]): number {
  const parcel = newParcel()
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
export function comlink(): Comlink {
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

// --- what all threads are told (shared.ts) ---------------------------------------------------------------------------------

/** On the main thread: the lines to tell. */
const lines = new Set<MessagePort>()
/** What a new thread is to be told first. */
let announced: () => readonly unknown[] = () => []
let onTold: (message: unknown) => void = () => {}
/** On another thread: the next message that has come over its line, if any. */
let receive: () => unknown

/** Says what a new thread is to be told first. */
export function useAnnounced(messages: () => readonly unknown[]): void {
  announced = messages
}

/** Calls `callback` with each message of the main thread to all. They have a `number`, which Comlink's have not. */
export function whenTold(callback: (message: unknown) => void): void {
  onTold = callback
}

/** On the main thread: tells all others. */
export function tellLines(message: object): void {
  for (const end of lines) end.postMessage(message)
}

/** On another thread: what the main thread knows by now of what was announced. */
export function fetchAnnounced(): Promise<readonly unknown[]> {
  return call((remote) => remote.announced())
}

/** On another thread: takes in what has come over the line without waiting for the event loop. */
export function receiveLine(): void {
  for (let message = receive(); message !== undefined; message = receive()) onMessage(message)
}

/** What Comlink listens with, on another thread, once it does. */
let onControl: (message: unknown) => void = () => {}

let onPorter: (line: MessagePort | undefined) => void = () => {}

/** Calls `callback` with this thread's line to the porter, when it comes, and without one when the porter is gone. */
export function whenPorter(callback: (line: MessagePort | undefined) => void): void {
  onPorter = callback
}

/** On the main thread: gives the thread at the other end its line to the porter, or says that the porter is gone. */
export function tellPorter(end: MessagePort, line: MessagePort | undefined): void {
  end.postMessage({ porter: line ?? null }, line === undefined ? [] : [line])
}

function onMessage(message: unknown): void {
  const { number, porter } = message as { number?: number; porter?: MessagePort | null }
  if (porter !== undefined) onPorter(porter ?? undefined)
  else if (number === undefined) onControl(message)
  else onTold(message)
}

// --- the lines -------------------------------------------------------------------------------------------------------------

/** Sets up an M's end of its line; `receiveOne` gives the next message that has come, if any. */
export function connect(end: MessagePort, receiveOne: () => unknown): void {
  port = end
  receive = receiveOne
  end.on('message', onMessage)
}

/** Sets up the main thread's end of the line of an M. It does not hold the process open: goroutines in flight do. */
export function serve(end: MessagePort): void {
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
  for (const message of announced()) end.postMessage(message)
  lines.add(end)
  end.on('close', () => lines.delete(end))
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
