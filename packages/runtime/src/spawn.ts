/**
 * go: making a goroutine. Go's `newproc`: fill in a G, put it in the local run queue, wake a processor if one should run.
 */
import { types } from 'node:util'
import { alloc, cas, G_CLASS, write, writeF64 } from '@goro/memory'
import { sendParcel } from './control.ts'
import { addHandle, dropValues, expectResult, onSettled } from './deliver.ts'
import { RuntimeClosedError } from './errors.ts'
import {
  BLOCK,
  CANCELLED,
  F_ABORTABLE,
  F_AHEAD,
  F_CONTEXT,
  F_EXTERNALS,
  F_HANDLES,
  F_PINNED,
  G,
  NOBODY,
  RUNNABLE,
  tagsOf,
} from './g.ts'

import { Goroutine } from './goroutine.ts'
import type { LineEnd } from './line.ts'
import { callSite, original, show } from './location.ts'
import { MAIN_M } from './m.ts'
import { depositMoved, movedFrom } from './moved.ts'
import { noteName } from './names.ts'
import type { Transferable } from './porterage.ts'
import { countCreated, isClosed, isJoined, isMaking, newGoid, noteMade, noteMaking, self, wakeThread } from './sched.ts'
import { captured, codeOf, nameOfCaptured } from './shipment.ts'
import { encode, HANDLE, packCell, unpackCell, writeMessage } from './value.ts'
import { wakep } from './wake.ts'

/** What `go.with` takes. */
export interface GoOptions {
  /** Name of the goroutine, for dumps and reports. Default: the function's. */
  readonly name?: string
  /** Aborts it: before its start it never runs; after its start its context is cancelled. */
  readonly signal?: AbortSignal
  /** Objects in the arguments to move instead of copy: `ArrayBuffer`s, `MessagePort`s. The sender's are detached. */
  readonly transfer?: readonly Transferable[]
}

/** What the runtime's own callers of `newproc` may add. */
export interface SpawnOptions extends GoOptions {
  /** Called on this thread when the goroutine has come home, whatever became of it. */
  readonly onSettled?: () => void
  /** It owns what it returns until nobody uses it any more over this line (pin.ts). */
  readonly line?: LineEnd
}

export type { Transferable }

let contextOf: ((signal: AbortSignal) => object) | undefined

/** Tells `go` how a goroutine's context is made of its signal. */
export function useContexts(make: (signal: AbortSignal) => object): void {
  contextOf = make
}

let onPinned: () => void = () => {}

/** On the main thread: calls `callback` when there is a goroutine that is to have a thread of its own. */
export function whenPinned(callback: () => void): void {
  onPinned = callback
}

let start: () => void
let watch: () => void

/** Tells `go` how the runtime is started, at the first use, and then its monitor. */
export function startWith(boot: () => void, startMonitor: () => void): void {
  start = boot
  watch = startMonitor
}

/** Starts the runtime if it has not started. */
export function ensureJoined(): void {
  if (isJoined()) return
  start()
  watch()
}

/**
 * The first use is a goroutine: it is there for the first thread before the monitor is made, which takes that thread's start some of its
 * processors; but before the caller goes on, who may block.
 */
function startWithGoroutine(...call: Parameters<typeof newproc>): Goroutine<unknown> {
  start()
  try {
    return newproc(...call)
  } finally {
    watch()
  }
}

/**
 * Starts a goroutine that calls `fn(...args)`. `api` is what the user called, for messages.
 *
 * @throws CaptureError, DataCloneError, OutOfMemoryError, RuntimeClosedError: then nothing was started or detached.
 */
export function newproc(
  fn: (...args: never[]) => unknown,
  args: readonly unknown[],
  api: string,
  options?: SpawnOptions,
): Goroutine<unknown> {
  if (!isJoined()) return startWithGoroutine(fn, args, api, options)
  if (isClosed()) {
    throw new RuntimeClosedError(`${api}: the runtime was shut down; start goroutines before runtime.shutdown()`)
  }
  // Before `codeOf`: a getter may start another one, and leave what that captures.
  const signal = options?.signal
  const name = options?.name
  const code = codeOf(fn, api)
  const goroutine = new Goroutine<unknown>(newGoid(), code, name)
  if (signal?.aborted) {
    Goroutine.reject(goroutine, signal.reason)
    return goroutine
  }
  const g = self.slab.allocClass(G_CLASS)
  write(g + G.tags, 0)
  write(g + G.creator, self.id)
  noteMaking(g)
  let unname: (() => void) | undefined
  try {
    if (name !== undefined) unname = noteName(goroutine.id, name)
    writeValues(g, fn, args, api, options)
  } catch (error) {
    unname?.()
    noteMade()
    self.slab.freeClass(g, G_CLASS)
    throw error
  }
  // A getter in a value may have made another one.
  if (!isMaking(g)) noteMaking(g)
  write(g + G.code, code)
  writeF64(g + G.goid, goroutine.id)
  write(g + G.m, NOBODY)
  write(g + G.handle, addHandle(goroutine))
  write(g + G.status, RUNNABLE)
  if (signal !== undefined) abortWith(signal, g, goroutine)
  if (unname !== undefined) onSettled(g, unname)
  if (options?.onSettled !== undefined) onSettled(g, options.onSettled)
  countCreated()
  expectResult()
  if (options?.line !== undefined) {
    self.pinned.put(g, 1)
    noteMade()
    if (self.id === MAIN_M) onPinned()
    else wakeThread(MAIN_M)
    return goroutine
  }
  // As in Go, a goroutine's newest child runs next; the main thread runs none, so its queue is plainly first in, first out.
  if (self.id === MAIN_M) {
    self.runq.put(g)
  } else {
    self.runq.putNext(g)
  }
  noteMade()
  wakep()
  return goroutine
}

/** Writes into `g` what the goroutine gets: its context, what `codeOf` has just found that `fn` captures, and `args`. */
function writeValues(
  g: number,
  fn: (...args: never[]) => unknown,
  args: readonly unknown[],
  api: string,
  options: SpawnOptions | undefined,
): void {
  const ahead = captured.length
  const values = ahead === 0 ? args : args.length === 0 ? captured : [...captured, ...args]
  const signal = options?.signal
  if (options?.line !== undefined) {
    write(g + G.cell1, 0)
    return writeArguments(g, [options.line, ...values], F_PINNED, fn, ahead, api, options.transfer)
  }
  const context = signal === undefined || contextOf === undefined ? undefined : contextOf(signal)
  if (context === undefined) return writeArguments(g, values, 0, fn, ahead, api, options?.transfer)
  const flags = F_ABORTABLE | F_CONTEXT
  return writeArguments(g, [context, ...values], flags, fn, ahead, api, options?.transfer)
}

/** Writes `args` into `g`, of which the first `ahead`, behind the context or the line, are captured values of `fn`. */
function writeArguments(
  g: number,
  args: readonly unknown[],
  flags: number,
  fn: (...args: never[]) => unknown,
  ahead: number,
  api: string,
  transfer: readonly Transferable[] | undefined,
): void {
  const count = args.length
  const moves = transfer !== undefined && transfer.length > 0
  if (count === 0 && !moves) {
    write(g + G.tags, tagsOf(0, 0, 0, flags))
    return
  }
  if (count <= 2 && !moves && (flags & F_AHEAD) === 0) {
    const tag0 = packCell(args[0], g + G.cell0)
    const tag1 = tag0 === 0 || count === 1 ? 0 : packSecond(args[1], g, tag0)
    if (tag0 !== 0 && (count === 1 || tag1 !== 0)) {
      const handles = tag0 === HANDLE || tag1 === HANDLE ? F_HANDLES : 0
      write(g + G.tags, tagsOf(count, tag0, tag1, flags | handles))
      return
    }
    // A handle that stands there travels in the block after all.
    if (tag0 !== 0) unpackCell(tag0, g + G.cell0)
  }
  // One block for all of them: two arguments may share an object, and copies share what the originals share.
  let suffix = ''
  const root = (index: number) => {
    const i = (flags & F_AHEAD) === 0 ? index : index - 1
    if (i >= ahead) return `argument ${i - ahead + 1}`
    suffix = ` (${api} at ${show(original(callSite()))})`
    return nameOfCaptured(fn, i, api)
  }
  const options = { root, suffix: () => suffix, transfer, movedFrom: moves ? movedFrom(transfer) : undefined }
  const encoded = encode(args, options, alloc)
  const { block, externals, length } = encoded
  const allFlags = encoded.handles ? flags | F_HANDLES : flags
  writeMessage(encoded)
  write(g + G.cell0, block)
  write(g + G.cell0 + 1, length)
  write(g + G.tags, tagsOf(0, BLOCK, 0, externals === undefined ? allFlags : allFlags | F_EXTERNALS))
  if (externals === undefined) return
  try {
    write(g + G.parcel, externals.some(types.isArrayBuffer) ? -depositMoved(externals) : sendParcel(externals))
  } catch (error) {
    write(g + G.parcel, 0)
    dropValues(g)
    throw error
  }
}

/** The second of two arguments that stand in `g` itself. If it can't be sent, nor is the first, which is there. */
function packSecond(value: unknown, g: number, tag0: number): number {
  try {
    return packCell(value, g + G.cell1)
  } catch (error) {
    unpackCell(tag0, g + G.cell0)
    throw error
  }
}

/** By signal, what is to happen when it aborts: one listener does for all, and Node warns of more than ten. */
const aborts = new WeakMap<AbortSignal, Set<() => void>>()

/** Lets `signal` take the goroutine back while it has not started. */
function abortWith(signal: AbortSignal, g: number, goroutine: Goroutine<unknown>): void {
  const callbacks = aborts.get(signal) ?? new Set()
  if (!aborts.has(signal)) {
    aborts.set(signal, callbacks)
    const abort = () => {
      for (const callback of callbacks) callback()
    }
    signal.addEventListener('abort', abort, { once: true })
  }
  const takeBack = () => {
    // The thread that takes it from its queue sends it home, where the struct is freed; its handle is settled now.
    if (cas(g + G.status, RUNNABLE, CANCELLED) === RUNNABLE) Goroutine.reject(goroutine, signal.reason)
  }
  callbacks.add(takeBack)
  onSettled(g, () => callbacks.delete(takeBack))
}
