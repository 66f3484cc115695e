/**
 * The entry of the porter's thread: it holds what is moved to goroutines (moved.ts) until the thread that begins one asks for it. It is built as one
 * file that needs nothing else (.ci/build.mjs). It runs no code but this, so whoever asks is answered at once, whatever all other threads are at.
 */
import type { MessagePort } from 'node:worker_threads'
import { add, attach, notify, type Region } from '@goro/memory'
import { M } from './m.ts'
import { type Answer, movables, type PorterLine, type Wish } from './porterage.ts'
import { mAt } from './sched.ts'

/** What the porter is told. */
export interface PorterTask {
  readonly buffer: Region
  /** Where the main thread brings the lines of the other threads; an empty message from here says that the porter is there. */
  readonly reception: MessagePort
}

const parcels = new Map<number, readonly unknown[]>()
/** Who has asked for what is still on its way: what two threads send may come in any order. */
const awaited = new Map<number, PorterLine>()
/** Parcels to be thrown away when they come. */
const dropped = new Set<number>()

export default function porter({ buffer, reception }: PorterTask): Promise<never> {
  attach(buffer)
  reception.on('message', serve)
  reception.postMessage(undefined)
  return new Promise(() => {})
}

function serve(line: PorterLine): void {
  const { port } = line
  port.on('message', (wish: Wish) => {
    if (typeof wish !== 'number') deposit(...wish)
    else if (wish > 0) fetch(wish, line)
    else if (!parcels.delete(-wish)) dropped.add(-wish)
  })
  port.on('close', () => {
    for (const [parcel, by] of awaited) if (by === line) awaited.delete(parcel)
  })
}

function deposit(parcel: number, externals: readonly unknown[]): void {
  const line = awaited.get(parcel)
  if (line !== undefined) {
    awaited.delete(parcel)
    answer(line, parcel, externals)
  } else if (!dropped.delete(parcel)) parcels.set(parcel, externals)
}

function fetch(parcel: number, line: PorterLine): void {
  const externals = parcels.get(parcel)
  if (externals === undefined) {
    awaited.set(parcel, line)
    return
  }
  parcels.delete(parcel)
  answer(line, parcel, externals)
}

function answer({ port, id }: PorterLine, parcel: number, externals: readonly unknown[]): void {
  const message: Answer = [parcel, externals]
  port.postMessage(message, movables(externals))
  // It may be blocked, and wait for this alone.
  const answers = mAt(id) + M.answers
  add(answers, 1)
  notify(answers)
}
