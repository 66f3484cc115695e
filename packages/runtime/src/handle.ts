/**
 * Handles: objects that stand for a struct which all threads share: a channel, a mutex. Each thread has at most one for a struct,
 * so that the same handle arriving twice is the same object.
 *
 * A struct lives as long as somebody can reach it. `refs` counts the threads that have a handle of it and the messages in flight
 * that carry one. A thread's part is given back when its handle is garbage (`FinalizationRegistry`); a message's becomes the
 * thread's when the message is decoded, or is given back if that thread has a handle already. Nobody who holds no part ever
 * adds one, so a struct whose count has come to 0 is nobody's.
 *
 * Each part of a thread is written down in shared memory (`Ref`), where the undertaker finds those of a dead thread.
 */
import { add, cas, i32, load, REF_CLASS, read, store, struct, write } from '@goro/memory'
import { collectGarbage, imported, setImmediate } from './native.ts'
import { self } from './sched.ts'
import { Waitable } from './sudog.ts'
import { decodeHandle, handleAddress, handleKind, registerHandle, useRetain } from './value.ts'

/** The kinds of handle, as `Waitable.kind`: what they are is their users'. 0 is none. */
export const KIND = {
  chan: 1,
  waitGroup: 2,
  mutex: 3,
  rwMutex: 4,
  once: 5,
  cond: 6,
  semaphore: 7,
  atomicInt32: 8,
  atomicInt64: 9,
  atomicBool: 10,
  syncMap: 11,
  timer: 12,
  ticker: 13,
  context: 14,
  /** An object of Node's own (shared.ts). */
  shared: 15,
  /** The name of a goroutine (names.ts). */
  goroutineName: 16,
} as const

/** That thread `owner` has a handle of what is at `address`. */
const Ref = struct({
  /** One more than its number; 0 when the block is free. */
  owner: i32,
  /** The slab's. */
  link: i32,
  address: i32,
})

/** The module that defines the classes of handles: its URL. The runtime knows none of them. */
let definitions = ''
let learned = false

/** Called by the module that defines the classes of handles, with its URL: threads load it when the first handle comes. */
export function definedAt(url: string): void {
  definitions = url
  learned = true
}

/** Where the classes of handles are defined. */
export const handleDefinitions = (): string => definitions

/** On another thread: where they are defined. */
export function useDefinitions(url: string): void {
  if (!learned) definitions = url
}

/** Whether this thread has the classes of handles. */
export const knowsHandles = (): boolean => learned

/** Loads them. */
export async function learnHandles(): Promise<void> {
  await imported(() => import(definitions))
}

/** This thread's handles that may come back to it, by address. */
const known = new Map<number, WeakRef<object>>()
const destroyers = new Map<number, (address: number) => void>()

const collected = new FinalizationRegistry<number>((ref) => {
  const address = read(ref + Ref.address)
  // A younger handle of the same struct may have taken its place.
  if (known.get(address)?.deref() === undefined) known.delete(address)
  living--
  dropRef(ref)
  onDropped(address)
})

let onDropped: (address: number) => void = () => {}

/** Calls `callback` with the address of each struct in which this thread has just given back its part. It may be gone. */
export function whenDropped(callback: (address: number) => void): void {
  onDropped = callback
}

/** Handles of this thread that have not been found to be garbage, and at how many it looks for some. */
let living = 0
let collectAt = 1 << 16

/**
 * V8 collects garbage when its own heap has grown, of which a handle is a small part: what it stands for may be a thousand times as large,
 * and stay for long. So a thread collects when its handles have doubled, as Go does with its heap.
 */
function collectHandles(): void {
  collectAt = living * 2
  collectGarbage()
  // What has been found is given back in the turns of the event loop that follow.
  setImmediate(() =>
    setImmediate(() => {
      collectAt = Math.max(1 << 16, living * 2)
    }),
  )
}

function dropRef(ref: number): void {
  const address = read(ref + Ref.address)
  store(ref + Ref.owner, 0)
  self.slab.freeClass(ref, REF_CLASS)
  release(address)
}

/** Gives back a part in what is at `address`. Whoever gives back the last one frees it. */
export function release(address: number): void {
  if (add(address + Waitable.refs, -1) === 1) destroyers.get(read(address + Waitable.kind))?.(address)
}

/** Adds a part: for a message that carries the handle, or for what the runtime itself still does with it. */
export function retain(address: number): void {
  add(address + Waitable.refs, 1)
}

/** As `retain`, for one who has no part: false if nobody has one any more. For the undertaker, which finds structs by walking. */
export function retainIfAlive(address: number): boolean {
  for (;;) {
    const refs = load(address + Waitable.refs)
    if (load(address + Waitable.kind) === 0 || refs <= 0) return false
    if (cas(address + Waitable.refs, refs, refs + 1) === refs) return true
  }
}

/** What is a handle. Its address is the runtime's own business. */
export abstract class Handle {
  /** @internal */
  readonly [handleAddress]: number
  /** @internal */
  abstract readonly [handleKind]: number

  /** Of a new struct, or of one whose part the caller gives up to it. @internal */
  constructor(address: number) {
    this[handleAddress] = address
    own(this, address)
    forbidCopies(this)
  }
}

let forbidCopies: (object: object) => void = () => {}

/** Makes `structuredClone` and `postMessage` refuse handles, where Node has the means: a copy would be none, but an empty object. */
export function forbidCopiesBy(markAsUncloneable: ((object: object) => void) | undefined): void {
  forbidCopies = markAsUncloneable ?? forbidCopies
}

/** This thread's part in what is at `address` lasts as long as `object`. */
function own(object: object, address: number): void {
  const ref = self.slab.allocClass(REF_CLASS)
  write(ref + Ref.address, address)
  store(ref + Ref.owner, self.id + 1)
  collected.register(object, ref)
  if (++living >= collectAt) collectHandles()
}

/** Makes `object` what comes back to this thread for what is at `address`, and gives it the caller's part. */
export function adopt(object: object, address: number): void {
  own(object, address)
  known.set(address, new WeakRef(object))
}

/** The address of what `handle` stands for. */
export const addressOf = (handle: Handle): number => handle[handleAddress]

/** A handle goes where other threads get it from, a message or another struct: its part is counted, and this thread will know it again. */
export function share(handle: Handle): void {
  const address = handle[handleAddress]
  retain(address)
  if (!known.has(address)) known.set(address, new WeakRef(handle))
}
useRetain((handle) => share(handle as Handle), retain)

/** Says how handles of `kind` are made of an address, and what frees the struct when nobody has one any more. */
export function defineHandle(
  kind: number,
  make: (address: number) => object,
  destroy: (address: number) => void,
): void {
  destroyers.set(kind, destroy)
  registerHandle(kind, (address) => {
    const mine = known.get(address)?.deref()
    if (mine !== undefined) {
      release(address)
      return mine
    }
    const handle = make(address)
    known.set(address, new WeakRef(handle))
    return handle
  })
}

/** This thread's handle of `kind` of what is at `address`, in which the caller has a part, and keeps it. */
export function handleAt(kind: number, address: number): object {
  retain(address)
  return decodeHandle(kind, address)
}

/** Calls `visit` with the address of each struct in which this thread has a part. */
export function eachHandle(visit: (address: number) => void): void {
  self.slab.walk(REF_CLASS, (ref) => {
    if (load(ref + Ref.owner) === self.id + 1) visit(read(ref + Ref.address))
  })
}

/** Gives back what the dead thread `owner` had. */
export function releaseHandlesOf(owner: number): void {
  self.slab.walk(REF_CLASS, (ref) => {
    if (load(ref + Ref.owner) === owner + 1) dropRef(ref)
  })
}
