/**
 * The race check: vector clocks over the accesses of one execution. Two accesses to a word race if they come from two
 * threads, at least one of them writes, at least one is plain, and no chain of atomics orders them.
 *
 * What orders, after ECMAScript's memory model: a thread's own accesses in their order; and an atomic write before the
 * atomic read (or read-modify-write) that reads it. There are no release sequences: a plain atomic store starts anew, and
 * only a read-modify-write carries on what was published by the write it read. A `notify` orders nothing here: who is
 * woken has to look at the word again.
 *
 * Time: each thread counts its steps. `now[t][u]` is the last time of `u` that `t` has seen. For each word and thread
 * there is the time of the last plain write, plain read, atomic write and atomic read, and what the word's last atomic
 * write published (`sync`). An access of `u` at time n is before what `t` does now if n <= now[t][u].
 *
 * Speculation: some structures read plainly what another thread may be writing, and throw the value away if a later `cas`
 * fails. Such a read, of a word that is declared `speculative`, is held back until its thread's next `cas` on the word that
 * validates it. If that fails the read never happened. If it succeeds the read counts, and if anything had raced with it,
 * that is the race: a torn or stale value was used.
 */

import type { Key } from './key.ts'

/** Plain reads of the words `from` up to `to` are validated by the reader's next `cas` on the word `by`. */
export interface Speculative {
  readonly from: number
  readonly to: number
  readonly by: number
}

interface Held {
  readonly address: number
  readonly by: number
  readonly time: number
  /** What raced with it, if anything has. */
  readonly race: string | undefined
}

const NONE: readonly Held[] = []

/** Something that must not happen has happened in an execution. */
export class Fault extends Error {}

const PLAIN_WRITE = 0
const PLAIN_READ = 1
const ATOMIC_WRITE = 2
const ATOMIC_READ = 3
const SYNC = 4
const ROWS = 5
const ACCESS = ['plain write', 'plain read', 'atomic write', 'atomic read'] as const

const AGAINST_PLAIN_READ = [PLAIN_WRITE, ATOMIC_WRITE]
const AGAINST_PLAIN_WRITE = [PLAIN_WRITE, PLAIN_READ, ATOMIC_WRITE, ATOMIC_READ]
const AGAINST_ATOMIC_READ = [PLAIN_WRITE]
const AGAINST_ATOMIC_WRITE = [PLAIN_WRITE, PLAIN_READ]

/**
 * The words that an exploration has touched, in the order of their first touch: state is kept of these only. A word that
 * is not yet among them has its first value in every state, so states may be compared by those that are.
 */
export class Touched {
  readonly addresses: number[] = []
  readonly #slots: Int32Array

  constructor(words: number) {
    this.#slots = new Int32Array(words).fill(-1)
  }

  get capacity(): number {
    return this.#slots.length
  }

  slot(address: number): number {
    const slot = this.#slots[address] as number
    if (slot >= 0) return slot
    if (!(address > 0 && address < this.#slots.length)) {
      throw new Fault(`address ${address} is outside the memory of ${this.#slots.length} words`)
    }
    this.#slots[address] = this.addresses.length
    return this.addresses.push(address) - 1
  }
}

/** What a state of an execution knows of the order of accesses. */
export class Clocks {
  readonly #threads: number
  readonly #touched: Touched
  readonly #speculative: readonly Speculative[]
  readonly #racy: (address: number) => boolean
  readonly #nameOf: (address: number) => string
  /** `now[t * threads + u]`. */
  readonly #now: Uint16Array
  /** By slot, row and thread. */
  readonly #times: Uint16Array
  #held: (readonly Held[])[]

  constructor(
    threads: number,
    touched: Touched,
    speculative: readonly Speculative[],
    racy: (address: number) => boolean,
    nameOf: (address: number) => string,
  ) {
    this.#threads = threads
    this.#touched = touched
    this.#speculative = speculative
    this.#racy = racy
    this.#nameOf = nameOf
    this.#now = new Uint16Array(threads * threads)
    for (let t = 0; t < threads; t++) this.#now[t * threads + t] = 1
    this.#times = new Uint16Array(touched.capacity * ROWS * threads)
    this.#held = new Array<readonly Held[]>(threads).fill(NONE)
  }

  copyFrom(other: Clocks): void {
    this.#now.set(other.#now)
    // Slots are given out for ever, so what is beyond them here has never been written.
    this.#times.set(other.#times.subarray(0, this.#touched.addresses.length * ROWS * this.#threads))
    this.#held = other.#held.slice()
  }

  /** A step of `t` is over: what it does from now on was not published by it. */
  tick(t: number): void {
    ;(this.#now[t * this.#threads + t] as number)++
  }

  /** `t` has learned that `other` is over, and by that all that it did. */
  outlive(t: number, other: number): void {
    this.#learn(t, this.#now, other * this.#threads)
  }

  plainRead(t: number, address: number): void {
    if (this.#racy(address)) return
    const row = this.#row(address, PLAIN_READ)
    const race = this.#racing(t, address, AGAINST_PLAIN_READ)
    const time = this.#now[t * this.#threads + t] as number
    const by = this.#speculative.find((range) => address >= range.from && address < range.to)?.by
    if (by !== undefined) {
      this.#hold(t, { address, by, time, race: race === undefined ? undefined : this.#describe(t, PLAIN_READ, race) })
    } else {
      if (race !== undefined)
        throw new Fault(`data race on ${this.#nameOf(address)}: ${this.#describe(t, PLAIN_READ, race)}`)
      this.#times[row + t] = time
    }
  }

  plainWrite(t: number, address: number): void {
    this.#write(t, address, PLAIN_WRITE, AGAINST_PLAIN_WRITE)
  }

  atomicRead(t: number, address: number): void {
    this.#access(t, address, ATOMIC_READ, AGAINST_ATOMIC_READ)
    this.#learn(t, this.#times, this.#row(address, SYNC))
  }

  atomicWrite(t: number, address: number): void {
    this.#write(t, address, ATOMIC_WRITE, AGAINST_ATOMIC_WRITE)
    const now = t * this.#threads
    const sync = this.#row(address, SYNC)
    for (let u = 0; u < this.#threads; u++) this.#times[sync + u] = this.#now[now + u] as number
  }

  /** A `cas` of `t` on `address` has come out: what it validates is now a read, or never was one. */
  validate(t: number, address: number, succeeded: boolean): void {
    const held = this.#held[t] as readonly Held[]
    if (held.length === 0) return
    this.#held[t] = held.filter(({ by }) => by !== address)
    if (!succeeded) return
    for (const read of held) {
      if (read.by !== address) continue
      if (read.race !== undefined) {
        throw new Fault(
          `data race on ${this.#nameOf(read.address)}: ${read.race}, and T${t}'s cas of ${this.#nameOf(address)} succeeded`,
        )
      }
      this.#times[this.#row(read.address, PLAIN_READ) + t] = read.time
    }
  }

  /** `t` has ended: a value that nothing has validated counts as used. */
  end(t: number): void {
    for (const { address, by, race } of this.#held[t] as readonly Held[]) {
      if (race !== undefined) {
        throw new Fault(
          `data race on ${this.#nameOf(address)}: ${race}, and no cas of ${this.#nameOf(by)} validated it`,
        )
      }
    }
    this.#held[t] = NONE
  }

  /** `t` died: what it held back is lost with it. */
  drop(t: number): void {
    this.#held[t] = NONE
  }

  /**
   * Appends to `key` all that can still make a difference: times that every live thread has seen cannot. `live` tells which
   * threads go on.
   */
  encode(key: Key, live: (thread: number) => boolean): void {
    const threads = this.#threads
    const floor: number[] = []
    for (let u = 0; u < threads; u++) {
      let least = 0xffff
      for (let t = 0; t < threads; t++) {
        if (t !== u && live(t)) least = Math.min(least, this.#now[t * threads + u] as number)
      }
      floor.push(least)
    }
    for (let t = 0; t < threads; t++) {
      if (!live(t)) continue
      for (let u = 0; u < threads; u++) if (u !== t) key.add(this.#now[t * threads + u] as number)
      for (const { address, time, race } of this.#held[t] as readonly Held[]) {
        key.add(address)
        key.add(race === undefined ? time : -time)
      }
      key.add(0)
    }
    const times = this.#times
    const end = this.#touched.addresses.length * ROWS * threads
    for (let i = 0, t = 0; i < end; i++, t++) {
      if (t === threads) t = 0
      if ((times[i] as number) > (floor[t] as number)) {
        key.add(i)
        key.add(times[i] as number)
      }
    }
  }

  /** From here on `t` has seen what the clock at `from` of `times` has. */
  #learn(t: number, times: Uint16Array, from: number): void {
    const now = t * this.#threads
    for (let u = 0; u < this.#threads; u++) {
      this.#now[now + u] = Math.max(this.#now[now + u] as number, times[from + u] as number)
    }
  }

  #hold(t: number, read: Held): void {
    const held = (this.#held[t] as readonly Held[]).filter(
      ({ address, race }) => address !== read.address || race !== undefined,
    )
    this.#held[t] = [...held, read]
  }

  #write(t: number, address: number, kind: number, against: readonly number[]): void {
    this.#access(t, address, kind, against)
    for (let u = 0; u < this.#threads; u++) {
      const held = this.#held[u] as readonly Held[]
      if (u === t || held.length === 0) continue
      this.#held[u] = held.map((read) =>
        read.address !== address || read.race !== undefined || read.time <= (this.#now[t * this.#threads + u] as number)
          ? read
          : { ...read, race: this.#describe(t, kind, { kind: PLAIN_READ, thread: u }) },
      )
    }
  }

  #access(t: number, address: number, kind: number, against: readonly number[]): void {
    if (this.#racy(address)) return
    const row = this.#row(address, kind)
    const race = this.#racing(t, address, against)
    if (race !== undefined) throw new Fault(`data race on ${this.#nameOf(address)}: ${this.#describe(t, kind, race)}`)
    this.#times[row + t] = this.#now[t * this.#threads + t] as number
  }

  /** An access to the word by another thread that is not ordered before what `t` does now. */
  #racing(t: number, address: number, against: readonly number[]): { kind: number; thread: number } | undefined {
    const now = t * this.#threads
    for (const kind of against) {
      const row = this.#row(address, kind)
      for (let u = 0; u < this.#threads; u++) {
        if (u !== t && (this.#times[row + u] as number) > (this.#now[now + u] as number)) return { kind, thread: u }
      }
    }
    return undefined
  }

  #describe(t: number, kind: number, other: { kind: number; thread: number }): string {
    return `nothing orders T${t}'s ${ACCESS[kind]} after T${other.thread}'s ${ACCESS[other.kind]}`
  }

  #row(address: number, row: number): number {
    return (this.#touched.slot(address) * ROWS + row) * this.#threads
  }
}
