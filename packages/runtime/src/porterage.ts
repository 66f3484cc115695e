/** What passes between a thread and the porter. */
import { types } from 'node:util'
import type { MessagePort } from 'node:worker_threads'

/** What can be moved: the sender has it no more. */
export type Transferable = ArrayBuffer | MessagePort

/** The porter's end of the line of M `id`. */
export interface PorterLine {
  readonly port: MessagePort
  readonly id: number
}

/** To the porter: a parcel and what is in it; the number of one that is wanted; that of one that nobody will want, below 0. */
export type Wish = number | Answer

/** From the porter: a parcel and what is in it. */
export type Answer = readonly [parcel: number, externals: readonly unknown[]]

/** What in a parcel is moved; the rest is shared, or copied as Node copies it. */
export const movables = (externals: readonly unknown[]): Transferable[] =>
  externals.filter(
    (external): external is Transferable => types.isArrayBuffer(external) || external instanceof globalThis.MessagePort,
  )
