/**
 * What is moved to a goroutine without being copied: long `ArrayBuffer`s, and what else is no bytes in the same call. Node can give the pages of a
 * buffer to another thread only by a `MessagePort`, which leads to one thread; and which one will begin the goroutine is not known when it is made.
 * To settle that then would let it wait for whatever that thread computes, or for ever if that waits for the goroutine. So such a parcel goes to a
 * thread that does nothing but hold it, the porter (porter.ts), and the thread that takes the goroutine from a queue asks for it.
 *
 *   go.with ── deposit ──> the porter ── fetch, answer ──> the thread that begins it
 *                            ^  └── drop: aborted before it began
 *                            └── deposit, by a thread that has fetched it and is not to begin it after all
 *
 * A goroutine has begun only when its parcel is here. Until then it can go to another thread, and its parcel with it: a thread that is about
 * to block waits for the answer, which the porter, that never computes, has ready at once, and gives it back (`giveBack`).
 *
 * The porter is started once so much was copied that it pays. Until its line is here, and if it has died, buffers are copied.
 */
import type { MessagePort } from 'node:worker_threads'
import { load, wait } from '@goro/memory'
import { beginCall, endCall, newParcel, receiveLine, wantPorter } from './control.ts'
import { dataCloneError, ThreadDiedError } from './errors.ts'
import { M } from './m.ts'
import { type Answer, movables, type Wish } from './porterage.ts'
import { self } from './sched.ts'

/** From this size on, in bytes, a buffer is moved: a short one is copied in less time than it takes to ask for it. */
const MOVED_FROM = 1 << 16
/** The porter is wanted when a thread has copied so many bytes that it would have moved: to start it takes 20 ms of a core. */
const COPIED_MOST = 1 << 20

/** This thread's end of its line to the porter, while there is one; and what gives the next answer that has come, if any. */
let line: MessagePort | undefined
let receiveOne: () => unknown = () => undefined
let isLost = false
let copied = 0
/** Who waits for which parcel. */
const awaited = new Map<number, (externals: readonly unknown[] | undefined) => void>()
/** Wishes from before the line was here. */
let early: number[] = []

/** From which size on buffers are moved by what is sent now, in which `transfer` is to be moved. */
export function movedFrom(transfer: readonly unknown[]): number {
  if (line !== undefined) return MOVED_FROM
  if (!isLost && copied < COPIED_MOST) {
    for (const each of transfer) {
      const { byteLength = 0 } = each as Partial<ArrayBuffer>
      if (byteLength >= MOVED_FROM) copied += byteLength
    }
    if (copied >= COPIED_MOST) wantPorter()
  }
  return Number.POSITIVE_INFINITY
}

/** This thread's line to the porter is here, on which `receiveNext` gives the next message; or the porter is gone. */
export function usePorter(its: MessagePort | undefined, receiveNext: () => unknown = receiveOne): void {
  line = its
  receiveOne = receiveNext
  if (its === undefined) {
    isLost = true
    for (const arrived of [...awaited.values()]) arrived(undefined)
    return
  }
  its.on('message', receive)
  // What waits for an answer says so itself (`beginCall`).
  its.unref()
  for (const wish of early) send(wish)
  early = []
}

function send(wish: Wish, moved: (ArrayBuffer | MessagePort)[] = []): void {
  ;(line as MessagePort).postMessage(wish, moved)
}

/**
 * Moves what `movedFrom` has let pass to the porter, and returns its number.
 *
 * @throws DataCloneError if something in it can't be moved: then nothing was.
 */
export function depositMoved(externals: readonly unknown[]): number {
  const parcel = newParcel()
  try {
    send([parcel, externals], movables(externals))
  } catch (error) {
    throw dataCloneError(`transfer: ${(error as Error).message}`)
  }
  return parcel
}

/** Asks for a parcel: it is gone from the porter then. `arrived` gets what is in it, or undefined if it is lost with the porter. */
export function fetchMoved(parcel: number, arrived: (externals: readonly unknown[] | undefined) => void): void {
  beginCall()
  awaited.set(parcel, (externals) => {
    awaited.delete(parcel)
    endCall()
    arrived(externals)
  })
  // The line may have come already, over another one.
  if (line === undefined) receiveLine()
  if (line !== undefined) send(parcel)
  else if (isLost) awaited.get(parcel)?.(undefined)
  else early.push(parcel)
}

function receive([parcel, externals]: Answer): void {
  awaited.get(parcel)?.(externals)
}

/** Throws away a parcel that nobody will fetch. */
export function dropMoved(parcel: number): void {
  if (line !== undefined) send(-parcel)
  else if (!isLost) early.push(-parcel)
}

/** Undoes `fetchMoved`: the parcel is the porter's again when this returns, or lost with it. Blocks until its answer is here. */
export function giveBack(parcel: number, fetched: readonly unknown[] | undefined): void {
  let externals = fetched
  const arrived = awaited.get(parcel)
  if (arrived !== undefined) {
    awaited.set(parcel, (answer) => {
      externals = answer
      arrived(answer)
    })
    if (early.includes(parcel)) {
      early = early.filter((wish) => wish !== parcel)
      // It has not been sent for, and nobody is to wait for it here any more.
      return arrived([])
    }
    while (awaited.has(parcel) && receiveNow()) {}
  }
  if (externals !== undefined && line !== undefined) send([parcel, externals], movables(externals))
}

/** Waits for the porter's next answer, and takes it in; false if there will be none. */
function receiveNow(): boolean {
  for (;;) {
    const count = load(self.m + M.answers)
    const answer = receiveOne() as Answer | undefined
    if (answer !== undefined) {
      receive(answer)
      return true
    }
    if (count < 0) return false
    wait(self.m + M.answers, count)
  }
}

/** What fails a goroutine whose parcel is lost. */
export const lostParcel = (): ThreadDiedError =>
  new ThreadDiedError('the thread that held what was transferred to this goroutine died; start it again')
