/**
 * Lines: what Comlink speaks over between a pinned value and those who use it (pin.ts). A line is two channels, of which each end sends
 * on one and receives from the other. They take the place of a `MessagePort`, so that what Comlink's messages carry crosses as everything
 * does here (handles are shared, errors keep their class and properties), and who waits for an answer is known to wait: a port would
 * hold the process open, or hide a deadlock, without a word of why.
 *
 *   packet = the values in a message, then its head: the message without them
 *
 * Comlink makes a port of its own for each `proxy` in a message, before it shows us the message; it is closed again, and a further line
 * goes in its place. All lines that come of one belong to its family, and end with it.
 *
 *   open ── released by the end that uses, or all of it garbage there ──> over        (the others: when their family ends)
 */
import type { Endpoint } from 'comlink'
import { close, newChan, post, recv } from './channel.ts'
import { comlink, fetchParcel, sendParcel } from './control.ts'
import { expectResult } from './deliver.ts'
import { RuntimeClosedError } from './errors.ts'
import { noteAwaited } from './goroutine.ts'
import { addressOf, type Handle, handleAt, KIND, release } from './handle.ts'
import { hold, isClosed, unhold } from './sched.ts'
import { decode, type EncodeOptions, encode, wholeOf } from './value.ts'

/** A value in a message of Comlink. */
interface Wire {
  readonly type: string
  readonly name?: string
  readonly value?: unknown
}

/** A message of Comlink: a request by its `type`; an answer is a Wire with an id. */
interface Message extends Wire {
  readonly id: string
  readonly argumentList?: readonly Wire[]
}

/** A message without its values: of each of those, by what handler of Comlink's it came to be one. */
interface Head {
  readonly message: object
  readonly names: readonly (string | undefined)[]
}

/** How a line goes to the other end: what that receives from, and what it sends on. */
export type LineEnd = readonly [incoming: Handle, outgoing: Handle]

/** The lines that come of one, and so end with it. */
interface Family {
  readonly lines: Set<Line>
  /** What whoever uses one of them is told once it has ended. */
  reason: unknown
}

const REQUESTS = new Set(['GET', 'SET', 'APPLY', 'CONSTRUCT', 'ENDPOINT', 'RELEASE'])

export class Line implements Endpoint {
  readonly #incoming: Handle
  readonly #outgoing: Handle
  readonly #family: Family
  #listener: ((event: { data: unknown }) => void) | undefined
  /** Requests of this end that are not answered. */
  readonly #pending = new Set<string>()
  #releasing = ''
  #isOver = false
  #onOver!: () => void
  #onBroken!: (error: unknown) => void

  constructor([incoming, outgoing]: LineEnd, family: Family = { lines: new Set(), reason: undefined }) {
    this.#incoming = incoming
    this.#outgoing = outgoing
    this.#family = family
    family.lines.add(this)
    this.over = new Promise((resolve, reject) => {
      this.#onOver = resolve
      this.#onBroken = reject
    })
    this.over.catch(() => {})
    adorn()
  }

  /** A new line: one end of it, and what makes the other. */
  static pair(family?: Family): [Line, LineEnd] {
    const [there, back] = [newLineChan(), newLineChan()]
    return [new Line([back, there], family), [there, back]]
  }

  /** Resolves when the line is over; rejects if it broke. */
  readonly over: Promise<void>

  /** Says that this end is ready, to an other end that waits for it. */
  greet(): void {
    post(addressOf(this.#outgoing), GREETING, this.#outgoing, { root: 'greeting' })
  }

  /** Ends the line, and its family with it: whoever waits for an answer, or asks from now on, is told `reason`. */
  end(reason: unknown): void {
    this.#family.reason = reason
    for (const line of this.#family.lines) line.#end()
  }

  #end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#family.lines.delete(this)
    for (const id of this.#pending) this.#answer(id, this.#family.reason)
    close(addressOf(this.#incoming))
    this.#onOver()
  }

  // --- what Comlink calls

  addEventListener(_type: string, listener: unknown): void {
    this.#listener = listener as (event: { data: unknown }) => void
    void this.#receive()
  }

  /** Comlink has answered the request to release what it exposes here. */
  removeEventListener(): void {
    this.#end()
  }

  postMessage(message: Message, transfer: readonly unknown[] = []): void {
    if (!REQUESTS.has(message.type)) return this.#reply(message, transfer)
    const { id } = message
    const isRelease = message.type === 'RELEASE'
    if (this.#isOver || (isClosed() && !isRelease)) {
      const reason = this.#isOver ? this.#family.reason : new RuntimeClosedError(CLOSED)
      return isRelease ? this.#listener?.({ data: { id, type: 'RAW' } }) : this.#throw(id, reason)
    }
    this.#send(message, transfer, (index) => (message.type === 'SET' ? 'value' : `argument ${index + 1}`))
    if (isRelease) {
      this.#releasing = id
    } else {
      this.#pending.add(id)
      noteAwaited(1)
      hold()
    }
    expectResult()
  }

  // --- sending

  #reply(message: Message, transfer: readonly unknown[]): void {
    if (this.#isOver) return
    try {
      this.#send(message, transfer, () => 'result')
    } catch (error) {
      this.#send(throwing(message.id, error), [], () => 'error')
    }
  }

  #send(message: Message, transfer: readonly unknown[], root: (index: number) => string): void {
    const wires = wiresOf(message)
    const nested: Line[] = []
    const moved = new Set(transfer)
    try {
      const values = wires.map((wire) => {
        if (wire.name === 'throw') return thrown.get(wire.value as object)
        const exposed = wire.name === 'proxy' ? proxied.get(wire.value as object) : undefined
        if (exposed === undefined) return wire.value
        moved.delete(wire.value)
        ;(wire.value as import('node:worker_threads').MessagePort).close()
        const [line, other] = Line.pair(this.#family)
        nested.push(line)
        comlink().expose(exposed, line)
        return other
      })
      const head: Head = { message: without(message), names: wires.map(({ name }) => name) }
      const lossy = wires[0]?.name === 'throw'
      this.#post([...values, head], { root: (i) => root(i), transfer: [...moved], lossy })
    } catch (error) {
      for (const line of nested) line.#end()
      throw error
    }
  }

  #post(packet: readonly unknown[], options: EncodeOptions): void {
    const outgoing = addressOf(this.#outgoing)
    const hasPorts = options.transfer?.some((each) => each instanceof globalThis.MessagePort)
    if (hasPorts !== true) return post(outgoing, packet, this.#outgoing, options)
    // What only one thread can have goes by way of the main thread (control.ts).
    const encoded = encode(packet, options)
    const { externals = [] } = encoded
    // A copy: the packet that it is put into is encoded in its turn.
    const bytes = wholeOf(encoded).slice()
    post(outgoing, { parcel: sendParcel(externals), bytes }, this.#outgoing, options)
  }

  // --- receiving

  async #receive(): Promise<void> {
    while (!this.#isOver) {
      try {
        const packet = await recv(addressOf(this.#incoming), this.#incoming, true)
        if (packet === undefined) return this.#end()
        if (packet === GREETING) this.#onGreeting()
        else this.#take(Array.isArray(packet) ? packet : await unpack(packet as Parcel))
      } catch (error) {
        // It could be written and can't be read: one nested so deep that this thread's stack is too small for it.
        this.#onBroken(error)
        return this.end(error)
      }
    }
  }

  #onGreeting: () => void = () => {}

  /** Resolves when the other end has said that it is ready. */
  get greeting(): Promise<void> {
    return new Promise((resolve) => (this.#onGreeting = resolve))
  }

  #take(packet: unknown[]): void {
    if (this.#isOver) return
    const { message, names } = packet.pop() as Head
    const data = withWires(
      message as Message,
      packet.map((value, i) => this.#wire(names[i], value)),
    )
    if (data.id === this.#releasing) {
      this.#listener?.({ data })
      this.#end()
    } else if (REQUESTS.has(data.type)) {
      this.#listener?.({ data })
    } else if (this.#pending.has(data.id)) {
      this.#settled(data.id)
      this.#listener?.({ data })
    }
  }

  #wire(name: string | undefined, value: unknown): Wire {
    if (name === undefined) return { type: 'RAW', value }
    if (name === 'throw') return { type: 'HANDLER', name, value: { isError: false, value } }
    return {
      type: 'HANDLER',
      name,
      value: name === 'proxy' && Array.isArray(value) ? new Line(value as unknown as LineEnd, this.#family) : value,
    }
  }

  #answer(id: string, reason: unknown): void {
    this.#settled(id)
    this.#throw(id, reason)
  }

  #settled(id: string): void {
    this.#pending.delete(id)
    noteAwaited(-1)
    unhold()
  }

  #throw(id: string, reason: unknown): void {
    this.#listener?.({ data: { id, ...this.#wire('throw', reason) } })
  }
}

const CLOSED = 'the runtime was shut down: what was pinned is gone; use it before runtime.shutdown()'

const GREETING = 'hello'

/** A channel of which this thread has a handle. */
function newLineChan(): Handle {
  const address = newChan(KIND.chan, 0)
  const handle = handleAt(KIND.chan, address) as Handle
  release(address)
  return handle
}

interface Parcel {
  readonly parcel: number
  readonly bytes: Uint8Array
}

async function unpack({ parcel, bytes }: Parcel): Promise<unknown[]> {
  return decode(bytes, await fetchParcel(parcel)) as unknown[]
}

// --- the values in Comlink's messages

/** The values in a message. */
function wiresOf(message: Message): readonly Wire[] {
  if (message.argumentList !== undefined) return message.argumentList
  if (message.type === 'SET') return [message.value as Wire]
  return message.type === 'RAW' || message.type === 'HANDLER' ? [message] : []
}

function without(message: Message): object {
  const { argumentList: _arguments, value: _value, ...rest } = message
  return rest
}

function withWires(message: Message, wires: readonly Wire[]): Message {
  if (message.type === 'APPLY' || message.type === 'CONSTRUCT') return { ...message, argumentList: wires }
  if (message.type === 'SET') return { ...message, value: wires[0] }
  return wires.length === 0 ? message : { ...message, ...wires[0] }
}

// --- what Comlink's own handlers do not tell

/** What was thrown, by what Comlink makes of it. */
const thrown = new WeakMap<object, unknown>()
/** What a proxy is to be of, by the port that Comlink has made for it. */
const proxied = new WeakMap<object, object>()

/** The message that request `id` has failed with `error`. */
function throwing(id: string, error: unknown): Message {
  const value = {}
  thrown.set(value, error)
  return { id, type: 'HANDLER', name: 'throw', value }
}

let isAdorned = false

/**
 * Lets Comlink's handlers note what they are given; and what they are asked to make a remote of can be released by `using`. For all else
 * that uses Comlink on this thread nothing is changed.
 */
function adorn(): void {
  if (isAdorned) return
  isAdorned = true
  const { transferHandlers, wrap } = comlink()
  const noted = (name: string, note: (value: never, serialized: never) => void) => {
    const own = transferHandlers.get(name)!
    transferHandlers.set(name, {
      canHandle: own.canHandle as (value: unknown) => value is unknown,
      serialize(value) {
        const result = own.serialize(value)
        note(value as never, result[0] as never)
        return result
      },
      deserialize: (value) =>
        value instanceof Line ? disposable(wrap(value) as object, value) : own.deserialize(value),
    })
  }
  noted('throw', ({ value }: { value: unknown }, serialized: object) => thrown.set(serialized, value))
  noted('proxy', (value: object, port: object) => proxied.set(port, value))
}

/** `remote`, which goes over `line`, for `using` and `await using`; `ended` is what the latter waits for. */
export function disposable<T extends object>(remote: T, line: Line, ended?: () => Promise<unknown>): T {
  const { releaseProxy } = comlink()
  let isReleased = false
  const dispose = () => {
    if (isReleased) return
    isReleased = true
    ;(remote as Record<symbol, () => void>)[releaseProxy]!()
  }
  const disposeAsync = async () => {
    const over = ended?.() ?? line.over
    dispose()
    noteAwaited(1)
    try {
      await over
    } finally {
      noteAwaited(-1)
    }
  }
  return new Proxy(remote, {
    get(target, key) {
      if (key === Symbol.dispose) return dispose
      if (key === Symbol.asyncDispose) return disposeAsync
      return Reflect.get(target, key)
    },
  })
}
