/**
 * The entry of the porter's thread: it holds what is moved to goroutines (moved.ts) until the thread that begins one asks for it. It is built as one
 * file that needs nothing else (.ci/build.mjs). It runs no code but this, so whoever asks is answered at once, whatever all other threads are at.
 */
import type { MessagePort } from 'node:worker_threads'
import { add, attach, notify, type Region } from '@goro/memory'
import { M } from './m.ts'
import { type Answer, movables, Parcels, type PorterLine, type Receiver, type Wish } from './porterage.ts'
import { mAt } from './sched.ts'

/** What the porter is told. */
export interface PorterTask {
  readonly buffer: Region
  /** Where the main thread brings the lines of the other threads; an empty message from here says that the porter is there. */
  readonly reception: MessagePort
}

const parcels = new Parcels()

export default function porter({ buffer, reception }: PorterTask): Promise<never> {
  attach(buffer)
  reception.on('message', serve)
  reception.postMessage(undefined)
  return new Promise(() => {})
}

function serve({ port, id }: PorterLine): void {
  const answers = mAt(id) + M.answers
  const answer: Receiver = (externals, parcel) => {
    const message: Answer = [parcel, externals]
    port.postMessage(message, movables(externals))
    // It may be blocked, and wait for this alone.
    add(answers, 1)
    notify(answers)
  }
  port.on('message', (wish: Wish) => {
    if (typeof wish !== 'number') parcels.deposit(...wish)
    else if (wish > 0) parcels.fetch(wish, answer)
    else parcels.drop(-wish)
  })
  port.on('close', () => parcels.forget(answer))
}
