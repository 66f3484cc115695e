/**
 * A state of an execution: memory, where each thread stands in its tree, who sleeps on what, and the clocks of the race
 * check. `step` lets one thread take one step: it makes the atomic call that it stands before, and the plain ones that
 * follow it up to the next atomic one. That plain accesses are no scheduling points loses nothing: either no other thread
 * can tell when they happen, or there is a race, and the race check reports it.
 *
 * States are kept by depth and overwritten (`copyFrom`), because typed arrays are dear to make.
 */
import type { Key } from './key.ts'
import type { Call, Node, Op, Program, Value } from './program.ts'
import { Clocks, Fault, type Speculative, type Touched } from './race.ts'

/** What all states of an exploration have in common. */
export interface World {
  readonly words: number
  readonly threads: number
  readonly program: Program
  readonly touched: Touched
  readonly speculative: readonly Speculative[]
  readonly racy: (address: number) => boolean
  readonly mortal: readonly number[]
  readonly early: number
  readonly nameOf: (address: number) => string
}

/** Told of everything that happens, when a schedule is run for a person to read. */
export interface Tracer {
  step(thread: number, time: number): void
  call(op: Op, value: Value): void
  event(what: string): void
}

/** A thread that waits, in the order in which they came. */
interface Waiter {
  readonly address: number
  readonly thread: number
  /** The `waitAsync` call that it stems from; -1 for a `wait`. */
  readonly id: number
}

/** When an operation ran. */
interface Span {
  /** By thread, how many of its operations had ended before this one began. */
  readonly endedBefore: readonly number[]
  /** Its first and last step in this execution. */
  readonly from: number
  readonly to: number
}

/** An operation of a structure in an execution, as a thread recorded it with `operation`. */
export interface Operation extends Call, Span {
  readonly thread: number
  /** Which of its thread's operations it is. */
  readonly index: number
}

const RUNNING = 0
/** In `wait`, on the list of waiters. */
const ASLEEP = 1
/** In `wait`, notified: its next step is to return. */
const WOKEN = 2
const DEAD = 3

/** More looks than any bounded spin loop takes before it gives up. */
const MAX_SPINS = 100

/** More plain calls than any code makes between two atomic ones, and than `setup` or `after` make. */
const MAX_PLAIN = 2000
const MAX_DIRECT = 100_000

const ATOMIC: ReadonlySet<string> = new Set([
  'load',
  'store',
  'cas',
  'exchange',
  'add',
  'and',
  'or',
  'wait',
  'waitAsync',
  'notify',
  'sleep',
  'turn',
  'outlive',
])
const NEEDS_THREAD: ReadonlySet<string> = new Set(['waitAsync', 'sleep', 'turn', 'outlive'])
const PLAIN_ACCESS: ReadonlySet<string> = new Set(['read', 'write', 'readF64', 'writeF64', 'bytes', 'writeBytes'])

export class State {
  readonly #world: World
  readonly #i32: Int32Array
  readonly #f64: Float64Array
  readonly #u8: Uint8Array
  readonly #clocks: Clocks
  readonly #status: Uint8Array
  /** 1: the thread's last round of a spin loop has seen nothing new, and neither would another, until somebody writes. */
  readonly #spinning: Uint8Array
  /** 1: somebody else has written since the thread's last `pause`. */
  readonly #news: Uint8Array
  #nodes: Node[] = []
  #waiters: readonly Waiter[] = []
  /** By thread: its `waitAsync` calls that were notified and whose callbacks have not run. */
  #notified: (readonly number[])[]
  #spans: (readonly Span[])[]
  /** Early returns from `wait` that are still allowed in this execution. */
  #early: number
  /** Steps so far. */
  #time = 0
  /** Calls of `setup` or `after`. */
  #performed = 0
  tracer: Tracer | undefined

  constructor(world: World) {
    const { words, threads } = world
    const buffer = new ArrayBuffer(words * 4)
    this.#world = world
    this.#i32 = new Int32Array(buffer)
    this.#f64 = new Float64Array(buffer, 0, words >>> 1)
    this.#u8 = new Uint8Array(buffer)
    this.#clocks = new Clocks(threads, world.touched, world.speculative, world.racy, world.nameOf)
    this.#status = new Uint8Array(threads)
    this.#spinning = new Uint8Array(threads)
    this.#news = new Uint8Array(threads).fill(1)
    this.#notified = new Array<readonly number[]>(threads).fill([])
    this.#spans = new Array<readonly Span[]>(threads).fill([])
    this.#early = world.early
  }

  copyFrom(other: State): void {
    this.#performed = 0
    this.#i32.set(other.#i32)
    this.#clocks.copyFrom(other.#clocks)
    this.#status.set(other.#status)
    this.#spinning.set(other.#spinning)
    this.#news.set(other.#news)
    this.#nodes = other.#nodes.slice()
    this.#waiters = other.#waiters
    this.#notified = other.#notified.slice()
    this.#spans = other.#spans.slice()
    this.#early = other.#early
    this.#time = other.#time
    this.tracer = other.tracer
  }

  /** Back to empty memory, with no thread started. */
  reset(): void {
    const fresh = new State(this.#world)
    fresh.tracer = this.tracer
    this.copyFrom(fresh)
  }

  /** Brings every thread to its first scheduling point. */
  begin(): void {
    for (let t = 0; t < this.#world.threads; t++) {
      this.#nodes.push(this.#world.program.root(t))
      this.tracer?.step(t, this.#time)
      this.#settle(t)
    }
  }

  /** Carries out a call of `setup` or `after`, where no thread runs. */
  perform(op: Op): Value {
    if (++this.#performed > MAX_DIRECT)
      throw new Error(`setup or after goes round for ever, at ${op.kind} ${op.address}`)
    if (op.kind === 'wait' && this.#i32[op.address] === (op.a | 0))
      throw new Error('wait in setup or after would never end')
    if (NEEDS_THREAD.has(op.kind)) throw new Error(`${op.kind} is for threads: setup and after have no event loop`)
    if (op.kind === 'bytes') return this.#u8.subarray(op.address * 4, op.address * 4 + op.a)
    return this.#execute(-1, op)
  }

  // What may happen next.

  /** The thread has ended or died. */
  isOver(t: number): boolean {
    return this.#status[t] === DEAD || this.#node(t).op === undefined
  }

  /** The thread can take a step that is not an early return. */
  canStep(t: number): boolean {
    if (this.isOver(t) || this.#status[t] === ASLEEP) return false
    const op = this.#node(t).op as Op
    if (op.kind === 'sleep') return (this.#notified[t] as readonly number[]).length > 0
    return op.kind !== 'outlive' || this.isOver(op.address)
  }

  /** The thread is in a `wait` that may return now though nobody has notified it. */
  canReturnEarly(t: number): boolean {
    return this.#status[t] === ASLEEP && this.#early > 0
  }

  /** The thread is in a `wait` whose time will be up one day. */
  canTimeOut(t: number): boolean {
    return this.#status[t] === ASLEEP && (this.#node(t).op as Op).b !== Infinity
  }

  canDie(t: number): boolean {
    return this.#world.mortal.includes(t) && !this.isOver(t)
  }

  /** The thread is mortal and stands before a plain access: it may die here, but to let others go on would be no use. */
  isWithinStep(t: number): boolean {
    const { op } = this.#node(t)
    return op !== undefined && this.#status[t] !== DEAD && PLAIN_ACCESS.has(op.kind) && !this.#world.racy(op.address)
  }

  /** The thread waits in a spin loop and would not mind if others went on. */
  isSpinning(t: number): boolean {
    return this.#spinning[t] === 1
  }

  // What happens.

  /** One step of `t`. False if it cannot take it: it spins until another thread writes. */
  step(t: number): boolean {
    this.#time++
    this.tracer?.step(t, this.#time)
    if (this.#spinning[t] === 1) return this.#spinOut(t)
    const node = this.#node(t)
    const op = node.op as Op
    for (let k = (this.#spans[t] as readonly Span[]).length; k < node.started; k++) this.#beginSpan(t)
    let value: Value
    if (this.#status[t] === ASLEEP) {
      this.#status[t] = RUNNING
      this.#waiters = this.#waiters.filter(({ thread, id }) => thread !== t || id >= 0)
      if (this.#early > 0) this.#early--
      this.tracer?.event(
        `${op.b === Infinity ? 'wakes spuriously from' : 'times out in'} wait ${this.#world.nameOf(op.address)}`,
      )
    } else if (this.#status[t] === WOKEN) {
      this.#status[t] = RUNNING
      this.tracer?.event(`wakes from wait ${this.#world.nameOf(op.address)}`)
    } else {
      value = this.#call(t, op)
      if (this.#status[t] === ASLEEP) return true
    }
    this.#clocks.tick(t)
    this.#nodes[t] = this.#world.program.next(t, node, value)
    this.#settle(t)
    return true
  }

  /** `t` dies where it stands: between any two of its calls. */
  die(t: number): void {
    this.#time++
    this.tracer?.step(t, this.#time)
    this.tracer?.event('dies')
    this.#status[t] = DEAD
    this.#waiters = this.#waiters.filter(({ thread }) => thread !== t)
    this.#notified[t] = []
    this.#clocks.drop(t)
  }

  // What a person or a test wants to know.

  result(t: number): unknown {
    const outcome = this.#node(t).outcome
    return outcome !== undefined && 'value' in outcome ? outcome.value : undefined
  }

  /** Where a thread that is not over stands, in words. */
  whereabouts(t: number): string {
    const op = this.#node(t).op as Op
    if (op.kind === 'wait') return `wait ${this.#world.nameOf(op.address)} while ${op.a}`
    if (op.kind === 'outlive') return `outlive T${op.address}`
    return op.kind === 'sleep' ? 'its event loop' : `${op.kind} ${this.#world.nameOf(op.address)}`
  }

  /** The operations of `thread` that have begun. */
  operations(thread: number): Operation[] {
    const { calls } = this.#node(thread)
    return (this.#spans[thread] as readonly Span[]).map((span, index) => ({
      ...(calls[index] as Call),
      ...span,
      thread,
      index,
    }))
  }

  /** Adds to `key` all that the future depends on. */
  encode(key: Key): void {
    const { threads, touched } = this.#world
    key.add(this.#early)
    for (let t = 0; t < threads; t++) {
      key.add(this.#node(t).id)
      key.add((this.#status[t] as number) | ((this.#spinning[t] as number) << 2) | ((this.#news[t] as number) << 3))
      for (const id of this.#notified[t] as readonly number[]) key.add(id)
      key.add(-1)
      for (const { endedBefore } of this.#spans[t] as readonly Span[]) for (const ended of endedBefore) key.add(ended)
    }
    for (const { address, thread, id } of this.#waiters) {
      key.add(address)
      key.add(thread)
      key.add(id)
    }
    key.add(-1)
    for (const address of touched.addresses) key.add(this.#i32[address] as number)
    this.#clocks.encode(key, (t) => !this.isOver(t))
  }

  #node(t: number): Node {
    return this.#nodes[t] as Node
  }

  /** Whether making this call is a step of its own. */
  #isStep(t: number, op: Op): boolean {
    if (ATOMIC.has(op.kind)) return true
    return PLAIN_ACCESS.has(op.kind) && (this.#world.mortal.includes(t) || this.#world.racy(op.address))
  }

  /** Makes the calls of `t` up to its next scheduling point. */
  #settle(t: number): void {
    const { program } = this.#world
    let node = this.#node(t)
    const { depth } = node
    while (node.op !== undefined && !this.#isStep(t, node.op)) {
      if (node.depth - depth > MAX_PLAIN) throw new Fault(`T${t} goes round for ever, at ${this.whereabouts(t)}`)
      node = program.next(t, node, this.#call(t, node.op))
    }
    this.#nodes[t] = node
    this.#endSpans(t, node)
    if (node.op !== undefined) return
    if (node.outcome !== undefined && 'error' in node.outcome) throw node.outcome.error
    this.#clocks.end(t)
  }

  /**
   * `t` has paused in a spin loop that saw nothing new, and nobody has written since: looking again would show the same, so
   * either somebody writes first, or the loop gives up by itself. Takes `t` straight to its last `pause`, if there is one.
   */
  #spinOut(t: number): boolean {
    const { program } = this.#world
    let last = this.#node(t)
    let node = last
    for (let spins = 0; spins < MAX_SPINS; ) {
      const { op } = node
      if (op === undefined || (op.kind !== 'pause' && op.kind !== 'load' && op.kind !== 'read')) {
        this.#nodes[t] = last
        this.#spinning[t] = 0
        this.tracer?.event('spins in vain until its loop gives up')
        this.#settle(t)
        return true
      }
      node = program.next(t, node, op.kind === 'pause' ? undefined : this.#i32[op.address])
      if (op.kind === 'pause') {
        last = node
        spins++
      }
    }
    return false
  }

  #beginSpan(t: number): void {
    const endedBefore = this.#spans.map((spans) => spans.filter(({ to }) => to !== Infinity).length)
    this.#spans[t] = [...(this.#spans[t] as readonly Span[]), { endedBefore, from: this.#time, to: Infinity }]
  }

  #endSpans(t: number, node: Node): void {
    if (node.ended === 0) return
    for (let k = (this.#spans[t] as readonly Span[]).length; k < node.ended; k++) this.#beginSpan(t)
    this.#spans[t] = (this.#spans[t] as readonly Span[]).map((span, k) =>
      k < node.ended && span.to === Infinity ? { ...span, to: this.#time } : span,
    )
  }

  #call(t: number, op: Op): Value {
    try {
      const value = this.#execute(t, op)
      this.tracer?.call(op, value)
      return value
    } catch (fault) {
      this.tracer?.event(`${op.kind} ${this.#world.nameOf(op.address)}: fails`)
      throw fault
    }
  }

  #execute(t: number, op: Op): Value {
    const { kind, address, a, b } = op
    const i32 = this.#i32
    switch (kind) {
      case 'load':
        this.#atomicRead(t, address)
        return i32[address]
      case 'store':
        this.#atomicWrite(t, address)
        i32[address] = a
        return undefined
      case 'cas': {
        this.#atomicRead(t, address)
        const seen = i32[address] as number
        if (seen === (a | 0)) {
          this.#atomicWrite(t, address)
          i32[address] = b
        }
        if (t >= 0) this.#clocks.validate(t, address, seen === (a | 0))
        return seen
      }
      case 'exchange':
        return this.#modify(t, address, () => a)
      case 'add':
        return this.#modify(t, address, (seen) => seen + a)
      case 'and':
        return this.#modify(t, address, (seen) => seen & a)
      case 'or':
        return this.#modify(t, address, (seen) => seen | a)
      case 'wait':
        this.#atomicRead(t, address)
        if (i32[address] !== (a | 0)) return undefined
        this.#status[t] = ASLEEP
        this.#waiters = [...this.#waiters, { address, thread: t, id: -1 }]
        return undefined
      case 'waitAsync':
        this.#atomicRead(t, address)
        if (i32[address] !== (a | 0)) return 0
        this.#waiters = [...this.#waiters, { address, thread: t, id: this.#node(t).depth }]
        return 1
      case 'notify':
        this.#notify(address, a)
        return undefined
      case 'sleep':
      case 'turn': {
        const ids = this.#notified[t] as readonly number[]
        this.#notified[t] = []
        return ids
      }
      case 'outlive':
        this.#clocks.outlive(t, address)
        return this.#status[address] === DEAD ? 1 : 0
      case 'pause':
        if (t < 0) return undefined
        this.#spinning[t] = 1 - (this.#news[t] as number)
        this.#news[t] = 0
        return undefined
      case 'read':
        this.#plainRead(t, address, 1)
        return i32[address]
      case 'write':
        this.#plainWrite(t, address, 1)
        i32[address] = a
        return undefined
      case 'readF64':
        this.#evenOnly(address)
        this.#plainRead(t, address, 2)
        return this.#f64[address >>> 1]
      case 'writeF64':
        this.#evenOnly(address)
        this.#plainWrite(t, address, 2)
        this.#f64[address >>> 1] = a
        return undefined
      case 'bytes':
        this.#plainRead(t, address, (a + 3) >>> 2)
        return this.#u8.slice(address * 4, address * 4 + a)
      case 'writeBytes': {
        const data = op.data as Uint8Array
        this.#plainWrite(t, address, (data.length + 3) >>> 2)
        this.#u8.set(data, address * 4)
        return undefined
      }
      case 'words':
        return i32.length
    }
  }

  #modify(t: number, address: number, change: (seen: number) => number): number {
    this.#atomicRead(t, address)
    this.#atomicWrite(t, address)
    const seen = this.#i32[address] as number
    this.#i32[address] = change(seen)
    return seen
  }

  #notify(address: number, count: number): void {
    const woken = this.#waiters.filter((waiter) => waiter.address === address).slice(0, count)
    this.#waiters = this.#waiters.filter((waiter) => !woken.includes(waiter))
    for (const { thread, id } of woken) {
      if (id < 0) this.#status[thread] = WOKEN
      else this.#notified[thread] = [...(this.#notified[thread] as readonly number[]), id]
    }
  }

  #atomicRead(t: number, address: number): void {
    this.#check(address, 1)
    if (t >= 0) this.#clocks.atomicRead(t, address)
  }

  #atomicWrite(t: number, address: number): void {
    this.#check(address, 1)
    if (t >= 0) this.#clocks.atomicWrite(t, address)
    this.#tellSpinners(t)
  }

  #plainRead(t: number, address: number, count: number): void {
    this.#check(address, count)
    if (t >= 0) for (let i = 0; i < count; i++) this.#clocks.plainRead(t, address + i)
  }

  #plainWrite(t: number, address: number, count: number): void {
    this.#check(address, count)
    if (t >= 0) for (let i = 0; i < count; i++) this.#clocks.plainWrite(t, address + i)
    this.#tellSpinners(t)
  }

  #check(address: number, count: number): void {
    for (let i = 0; i < count; i++) this.#world.touched.slot(address + i)
  }

  #evenOnly(address: number): void {
    if (address & 1) throw new Fault(`a double at the odd address ${this.#world.nameOf(address)}`)
  }

  #tellSpinners(t: number): void {
    for (let u = 0; u < this.#world.threads; u++) {
      if (u === t) continue
      if (this.#spinning[u] === 1) this.#spinning[u] = 0
      else this.#news[u] = 1
    }
  }
}
