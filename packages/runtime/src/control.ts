/**
 * The control line: what the threads have to tell each other that is no bytes and is not hot. Comlink speaks over one
 * `MessagePort` an M, between it and the main thread; it is loaded when the first message is sent.
 *
 * Parcels: a `SharedArrayBuffer` or a transferred `MessagePort` among a goroutine's values cannot stand in the region. The
 * sender deposits such things with the main thread under a number that the G carries; whoever decodes the values fetches
 * them by it, once.
 */
import { add } from '@goro/memory'
import type { Endpoint, Remote } from 'comlink'
import { createRequire } from 'node:module'
import type { MessagePort } from 'node:worker_threads'
import { MAIN_M } from './m.ts'
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

/** Everything in a parcel that is not shared is moved. */
function movables(externals: readonly unknown[]): Transferable[] {
  return externals.filter((external) => !(external instanceof SharedArrayBuffer)) as Transferable[]
}

/** Deposits what is no bytes and returns the number under which it can be fetched. */
export function sendParcel(externals: readonly unknown[]): number {
  const parcel = (add(SCHED + Sched.parcels, 1) + 1) | 0
  if (self.id === MAIN_M) {
    // Moved once, here and now: from this moment the sender's own is detached, wherever the receiver may be.
    const moved = new Set(movables(externals))
    main.deposit(
      parcel,
      externals.map((external) =>
        moved.has(external as Transferable)
          ? structuredClone(external, { transfer: [external as Transferable] })
          : external,
      ),
    )
  } else {
    void call((remote) => remote.deposit(parcel, comlink().transfer([...externals], movables(externals))))
  }
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
    line ??= comlink().wrap<MainControl>(endpoint(port))
    return await use(line)
  } finally {
    pending--
  }
}

/** Sets up an M's end of its line. */
export function connect(end: MessagePort): void {
  port = end
}

/** Sets up the main thread's end of an M's line. It does not hold the process open: goroutines in flight do. */
export function serve(end: MessagePort): void {
  const events = endpoint(end)
  end.once('message', () => {
    const { expose, transfer } = comlink()
    const offered: MainControl = {
      ...main,
      fetch: async (parcel) => {
        const externals = await main.fetch(parcel)
        return transfer([...externals], movables(externals))
      },
    }
    expose(offered, events)
  })
  end.unref()
}

/**
 * A port as Comlink wants it: an event target. What comes before Comlink listens is kept for it, since it is loaded only
 * when something comes.
 */
function endpoint(port: MessagePort): Endpoint {
  let listener: ((event: MessageEvent) => void) | undefined
  let early: unknown[] = []
  port.on('message', (data: unknown) => {
    if (listener === undefined) early.push(data)
    else listener({ data } as MessageEvent)
  })
  return {
    postMessage: (message, transfer) => port.postMessage(message, transfer as never),
    addEventListener: (_type, added) => {
      listener =
        typeof added === 'function' ? (added as (e: MessageEvent) => void) : (event) => added.handleEvent(event)
      const kept = early
      early = []
      for (const data of kept) listener({ data } as MessageEvent)
    },
    removeEventListener: () => {
      listener = undefined
    },
  }
}

type Transferable = ArrayBuffer | MessagePort
