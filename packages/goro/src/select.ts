import { addressOf, type Case, ensureStarted, type Hit, selectCase, tryCase } from '@goro/runtime'
import { Chan, type RecvChan, type SendChan } from './chan.ts'

declare const received: unique symbol

/** A case that receives: `recv(ch)`. */
export class RecvCase<T> {
  /** @internal */
  readonly channel: Chan<T>
  declare readonly [received]: T

  /** @internal */
  constructor(channel: Chan<T>) {
    this.channel = channel
  }
}

/** A case that sends: `send(ch, value)`. */
export class SendCase<T> {
  /** @internal */
  readonly channel: Chan<T>
  /** @internal */
  readonly value: T

  /** @internal */
  constructor(channel: Chan<T>, value: T) {
    this.channel = channel
    this.value = value
  }
}

/** What a case may be; `null` and `undefined` never happen, as a nil channel in Go. */
export type SelectCase =
  | RecvCase<unknown>
  | SendCase<unknown>
  | RecvChan<unknown>
  | PromiseLike<unknown>
  | null
  | undefined

/** The cases of a select, by name. */
export type SelectCases = Readonly<Record<string, unknown>>

type HitOf<K, C> = C extends RecvCase<infer T> | RecvChan<infer T>
  ?
      | { readonly case: K; readonly value: T; readonly done: false }
      | { readonly case: K; readonly value: undefined; readonly done: true }
  : C extends SendCase<infer _>
    ? { readonly case: K; readonly value: undefined; readonly done: false }
    : C extends PromiseLike<infer T>
      ? { readonly case: K; readonly value: Awaited<T>; readonly done: false }
      : never

/** What happened, told apart by `case`. */
export type SelectHit<C extends SelectCases> = { [K in keyof C]: HitOf<K, NonNullable<C[K]>> }[keyof C]

/** The type of `select`: callable, with `select.try`. */
export interface Select {
  /**
   * Waits until one of the cases can happen, and does exactly that one; if several can, each is as likely. A case is `recv(ch)` or a
   * channel, `send(ch, value)`, or a promise; `null` and `undefined` never happen; without any it waits for ever.
   *
   * @returns a promise of `{ case, value, done }`: the name of the case, what was received or what the promise gave, and
   * whether the channel was closed and drained.
   * @throws (rejects) ChannelClosedError for a send on a closed channel; the reason of a promise that rejects; DataCloneError for
   * a value that can't be sent; TypeError for a case that is none of these.
   *
   * @example
   * const hit = await select({ job: recv(jobs), timeout: after(1000) })
   * if (hit.case === 'job' && !hit.done) work(hit.value)
   */
  <C extends Readonly<Record<string, SelectCase>>>(cases: C): Promise<SelectHit<C>>

  /**
   * Go's `default`: does one of the cases if one is ready now.
   *
   * @returns as what `select` resolves to; undefined if nothing is ready. Whether a promise has settled is known from the turn after it was
   * first given to `select.try`; whether a goroutine has ended, at once.
   */
  try<C extends Readonly<Record<string, SelectCase>>>(cases: C): SelectHit<C> | undefined
}

function normalize(cases: SelectCases, api: string): Case[] {
  if (typeof cases !== 'object' || cases === null) {
    throw new TypeError(`${api}: takes an object of cases, as in ${api}({ job: recv(jobs) }), not ${String(cases)}`)
  }
  // Without a channel among its cases it may be the first use of the runtime.
  ensureStarted()
  const list: Case[] = []
  for (const name of Object.keys(cases)) {
    const each = cases[name]
    if (each === null || each === undefined) continue
    if (each instanceof Chan) list.push({ name, op: 'recv', channel: each, address: addressOf(each) })
    else if (each instanceof RecvCase) {
      list.push({ name, op: 'recv', channel: each.channel, address: addressOf(each.channel) })
    } else if (each instanceof SendCase) {
      list.push({ name, op: 'send', channel: each.channel, address: addressOf(each.channel), value: each.value })
    } else if (typeof (each as PromiseLike<unknown>).then === 'function') {
      list.push({ name, op: 'promise', promise: each as PromiseLike<unknown> })
    } else {
      throw new TypeError(`${api}: case ${name} is no channel, recv(ch), send(ch, value) or promise`)
    }
  }
  return list
}

async function refuse(error: unknown): Promise<never> {
  throw error
}

function selectAny(cases: SelectCases): Promise<Hit> {
  let list: Case[]
  try {
    list = normalize(cases, 'select')
  } catch (error) {
    return refuse(error)
  }
  return selectCase(list)
}

/** Waits on several channels and promises at once: see `Select`. */
export const select: Select = Object.assign(selectAny, {
  try: (cases: SelectCases): Hit | undefined => tryCase(normalize(cases, 'select.try')),
}) as unknown as Select

/**
 * A case of `select` that receives from `channel`. `null` and `undefined` give a case that never happens.
 *
 * @throws TypeError for what is no channel.
 */
export function recv<T>(channel: RecvChan<T>): RecvCase<T>
export function recv<T>(channel: RecvChan<T> | null | undefined): RecvCase<T> | undefined
export function recv<T>(channel: RecvChan<T> | null | undefined): RecvCase<T> | undefined {
  if (channel === null || channel === undefined) return undefined
  if (!(channel instanceof Chan)) throw new TypeError('recv: takes a channel')
  return new RecvCase<T>(channel)
}

/**
 * A case of `select` that sends `value` to `channel`. `null` and `undefined` give a case that never happens.
 *
 * @throws TypeError for what is no channel.
 */
export function send<T>(channel: SendChan<T>, value: T): SendCase<T>
export function send<T>(channel: SendChan<T> | null | undefined, value: T): SendCase<T> | undefined
export function send<T>(channel: SendChan<T> | null | undefined, value: T): SendCase<T> | undefined {
  if (channel === null || channel === undefined) return undefined
  if (!(channel instanceof Chan)) throw new TypeError('send: takes a channel')
  return new SendCase<T>(channel, value)
}
