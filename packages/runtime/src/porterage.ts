/** What passes between a thread and the porter, and how parcels are held, by the porter or the main thread (control.ts). */
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

/** Gets a parcel that it has asked for. */
export type Receiver = (externals: readonly unknown[], parcel: number) => void

/** Parcels, until they are asked for. What threads send may come in any order: a wish before its parcel, or that it is to be dropped. */
export class Parcels {
  readonly #held = new Map<number, readonly unknown[]>()
  /** Who has asked for what is still on its way. */
  readonly #awaited = new Map<number, Receiver>()
  /** To be thrown away when they come. */
  readonly #dropped = new Set<number>()

  deposit(parcel: number, externals: readonly unknown[]): void {
    const receiver = this.#awaited.get(parcel)
    if (receiver !== undefined) {
      this.#awaited.delete(parcel)
      receiver(externals, parcel)
    } else if (!this.#dropped.delete(parcel)) this.#held.set(parcel, externals)
  }

  /** Gives the parcel to `receiver`, once: now, or when it comes. */
  fetch(parcel: number, receiver: Receiver): void {
    const externals = this.#held.get(parcel)
    if (externals === undefined) {
      this.#awaited.set(parcel, receiver)
      return
    }
    this.#held.delete(parcel)
    receiver(externals, parcel)
  }

  drop(parcel: number): void {
    if (!this.#held.delete(parcel)) this.#dropped.add(parcel)
  }

  /** `receiver` is gone: what it has asked for stays here. */
  forget(receiver: Receiver): void {
    for (const [parcel, by] of this.#awaited) if (by === receiver) this.#awaited.delete(parcel)
  }
}
