/**
 * Coming home: writing a goroutine's result, sending it to its creator's inbox, and settling its handle there.
 */
import { alloc, bytes, free, G_CLASS, inbox, OutOfMemoryError, read, readF64, write, writeF64 } from '@goro/memory'
import { dropParcel } from './control.ts'
import {
  BLOCK,
  DONE,
  end,
  F_EXTERNALS,
  F_FAILED,
  F_LOST,
  F_REPORT,
  F_UNRUN,
  flagsOf,
  G,
  IDLE,
  isEndedBy,
  NO_HANDLE,
  NOBODY,
  tag0Of,
  tag1Of,
  tagsOf,
} from './g.ts'
import { dropSudog, isSudog, settle as settleSudog, whenErrand } from './gopark.ts'
import { Goroutine } from './goroutine.ts'
import { M, MAIN_M } from './m.ts'
import { dropMoved } from './moved.ts'
import { isGoexit, noteEnd } from './osthread.ts'
import { holdForOutput } from './output.ts'
import { countSettled, mAt, self, tellThread, wakeThread } from './sched.ts'
import { decode, encode, HANDLE, packCell, unpackCell, writeMessage } from './value.ts'

/** The handles of the goroutines that this thread has made and that are not home yet, by their index; in a free place, the next free one. */
const handles: (Goroutine<unknown> | number)[] = []
/** The first free place, or NO_HANDLE. */
let freeHandle = NO_HANDLE
let expected = 0
/** What to do when a goroutine comes home, by its G. */
const cleanups = new Map<number, () => void>()

/** Goroutines that this thread has made and that are not home yet. */
export const outstanding = (): number => expected

let onExpect: () => void = () => {}

/** Calls `callback` at each new goroutine of this thread: the main thread's driver wakes by it. */
export function whenExpecting(callback: () => void): void {
  onExpect = callback
}

/** Calls `callback` as well, after those before it. */
export function alsoWhenExpecting(callback: () => void): void {
  const before = onExpect
  onExpect = () => {
    before()
    callback()
  }
}

export function expectResult(): void {
  onExpect()
}

export function addHandle(goroutine: Goroutine<unknown>): number {
  expected++
  const index = freeHandle
  if (index === NO_HANDLE) return handles.push(goroutine) - 1
  freeHandle = handles[index] as number
  handles[index] = goroutine
  return index
}

export function onSettled(g: number, cleanup: () => void): void {
  const before = cleanups.get(g)
  cleanups.set(
    g,
    before === undefined
      ? cleanup
      : () => {
          before()
          cleanup()
        },
  )
}

/** Writes what goroutine `g` returned, or what it threw, into its struct. Throws if it can't be sent. */
function writeOutcome(g: number, value: unknown, failed: boolean): void {
  const flags = failed ? F_FAILED : 0
  let tag = packCell(value, g + G.cell0)
  if (tag === 0) {
    const encoded = encode(value, failed ? THROWN : RESULT, alloc)
    writeMessage(encoded)
    write(g + G.cell0, encoded.block)
    write(g + G.cell0 + 1, encoded.length)
    tag = BLOCK
  }
  write(g + G.tags, tagsOf(1, tag, 0, flags))
}

const RESULT = { root: 'result' }
/** An error always gets home, if need be without the properties that can't be sent. */
const THROWN = { root: 'error', lossy: true }

/** The goroutine has returned `value`: sends it home. */
export function finish(g: number, value: unknown): void {
  try {
    writeOutcome(g, value, false)
  } catch (error) {
    writeFailure(g, error)
  }
  sendHome(g)
}

/** The goroutine has thrown `error`: sends it home. */
export function fail(g: number, error: unknown): void {
  if (isGoexit(error)) return finish(g, undefined)
  writeFailure(g, error)
  sendHome(g)
}

function writeFailure(g: number, error: unknown): void {
  try {
    writeOutcome(g, error, true)
  } catch (second) {
    // What is no bytes in it can't be moved: that error has nothing of the kind.
    if (!(second instanceof OutOfMemoryError)) return writeFailure(g, second)
    // It has to get home even when there is no shared memory for it: as the bare fact.
    write(g + G.tags, tagsOf(1, packCell(null, g + G.cell0), 0, F_FAILED | F_LOST))
  }
}

function sendHome(g: number): void {
  holdForOutput()
  noteEnd(g)
  end(g, self.m + M.finished)
  push(g)
}

/** Sends home a goroutine that was aborted before it started. */
export function sendHomeUnrun(g: number): void {
  write(g + G.tags, read(g + G.tags) | (F_UNRUN << 24))
  end(g, self.m + M.finished)
  push(g)
}

/** Puts `g` into its creator's inbox and wakes the creator if it sleeps; if that is this thread, it is home. */
function push(g: number): void {
  const creator = read(g + G.creator)
  if (creator === NOBODY) return bury(g)
  if (creator === self.id) {
    deliverOne(g)
    // A thread may sleep in its event loop while goroutines on it go on and end.
    return self.wakeSelf()
  }
  if (!inbox.push(mAt(creator) + M.inbox, g, G.schedlink)) return bury(g)
  tellThread(creator)
}

/** Takes what has come to this thread's inbox, oldest first, as a chain. */
export function takeInbox(): number {
  return inbox.takeAll(self.m + M.inbox, G.schedlink)
}

/**
 * A goroutine that the dead thread `dead` has ended and not sent home is home now. What it did send came before this errand; so what is
 * still in its hands never will be. And what this thread has sent to the dead one, which had not taken it in, is nobody's: what it finds
 * no creator for at once, it buries at once.
 */
function deliverLeftBy(dead: number): void {
  const found: number[] = []
  const orphans: number[] = []
  self.slab.walk(G_CLASS, (g) => {
    if (isEndedBy(g, dead) && read(g + G.creator) === self.id) found.push(g)
    else if (isEndedBy(g, self.id) && read(g + G.creator) === NOBODY) orphans.push(g)
  })
  for (const g of found) deliverOne(g)
  for (const g of orphans) bury(g)
}
whenErrand(deliverLeftBy)

/** Settles the handles of a chain of goroutines that are home, at most `limit` of them; returns the rest of the chain. */
export function deliver(chain: number, limit: number): number {
  let g = chain
  for (let n = 0; g !== 0 && n < limit; n++) {
    const next = read(g + G.schedlink)
    if (isSudog(g)) settleSudog(g)
    else deliverOne(g)
    g = next
  }
  return g
}

function deliverOne(g: number): void {
  const index = read(g + G.handle)
  const flags = flagsOf(read(g + G.tags))
  if ((flags & F_UNRUN) !== 0) {
    dropValues(g)
    release(g, index)
    countSettled()
    return
  }
  let failed = (flags & F_FAILED) !== 0
  let value: unknown
  try {
    value = (flags & F_LOST) !== 0 ? new OutOfMemoryError(LOST) : takeOutcome(g)
  } catch (error) {
    // It could be written and can't be read: one nested so deep that this thread's stack is too small for it.
    value = error
    failed = true
  }
  settle(release(g, index), value, failed)
}

const LOST =
  'out of shared memory: there was none left for what the goroutine returned or threw; ' +
  'raise it with runtime.configure({ memory: BYTES }) before the first go()'

function settle(goroutine: Goroutine<unknown>, value: unknown, failed: boolean): void {
  if (failed) Goroutine.reject(goroutine, value)
  else Goroutine.fulfill(goroutine, value)
  // Only now: whoever waits for it has its turn before the process may end.
  countSettled()
}

/** Frees the struct of a goroutine that is home, and gives its handle. */
function release(g: number, index: number): Goroutine<unknown> {
  const orphan = index === NO_HANDLE ? new Goroutine(readF64(g + G.goid), read(g + G.code)) : undefined
  if (cleanups.size > 0) {
    const cleanup = cleanups.get(g)
    cleanups.delete(g)
    cleanup?.()
  }
  write(g + G.status, IDLE)
  self.slab.freeClass(g, G_CLASS)
  if (orphan !== undefined) return orphan
  const goroutine = handles[index] as Goroutine<unknown>
  handles[index] = freeHandle
  freeHandle = index
  expected--
  return goroutine
}

function takeOutcome(g: number): unknown {
  const tag = tag0Of(read(g + G.tags))
  // Once: if this thread dies in it, whoever buries it must not take it again.
  if (tag === BLOCK || tag === HANDLE) write(g + G.tags, 0)
  return tag === BLOCK ? decodeBlock(g) : unpackCell(tag, g + G.cell0)
}

function decodeBlock(g: number): unknown {
  const block = read(g + G.cell0)
  try {
    return decode(bytes(block, read(g + G.cell0 + 1)))
  } finally {
    free(block)
  }
}

/** Throws away what the cells of `g` hold: handles among it are let go of. */
export function dropValues(g: number): void {
  const tags = read(g + G.tags)
  write(g + G.tags, 0)
  if (tag0Of(tags) === BLOCK) decodeBlock(g)
  else if (tag0Of(tags) !== 0) unpackCell(tag0Of(tags), g + G.cell0)
  if (tag1Of(tags) !== 0) unpackCell(tag1Of(tags), g + G.cell1)
  if ((flagsOf(tags) & F_EXTERNALS) === 0) return
  const parcel = read(g + G.parcel)
  if (parcel < 0) dropMoved(-parcel)
  else if (parcel > 0) dropParcel(parcel)
}

/** For a goroutine whose creator is gone: it comes home to the main thread, which reports its error and drops its result. */
export function bury(g: number): void {
  if (isSudog(g)) return dropSudog(g)
  if (self.id !== MAIN_M || (flagsOf(read(g + G.tags)) & F_FAILED) !== 0) return sendOrphan(g)
  dropValues(g)
  discard(g)
}

/** On the main thread: frees the struct of a goroutine that nobody waits for. */
export function discard(g: number): void {
  write(g + G.status, IDLE)
  self.slab.freeClass(g, G_CLASS)
  countSettled()
  // It may have been the last one, for which the process stays.
  self.wakeSelf()
}

/** Reports to the main thread that goroutine `goid` failed with `error` and that nobody on this thread awaits it. */
export function reportUnawaited(error: unknown, goid: number, code: number): void {
  const g = self.slab.allocClass(G_CLASS)
  writeF64(g + G.goid, goid)
  write(g + G.code, code)
  write(g + G.m, self.id)
  write(g + G.creator, NOBODY)
  writeFailure(g, error)
  write(g + G.tags, read(g + G.tags) | (F_REPORT << 24))
  const reported = (read(self.m + M.reported) + 1) | 0
  write(g + G.batchLink, reported)
  write(g + G.status, DONE)
  // The process does not end before the main thread has it.
  write(self.m + M.reported, reported)
  sendOrphan(g)
}

/** Sends what has ended, and has no handle, to the main thread. */
function sendOrphan(g: number): void {
  // Before it has a creator again, to whom a dead one might seem to have owed it.
  write(g + G.m, self.id)
  write(g + G.handle, NO_HANDLE)
  write(g + G.creator, MAIN_M)
  inbox.push(mAt(MAIN_M) + M.inbox, g, G.schedlink)
  if (self.id === MAIN_M) onExpect()
  else wakeThread(MAIN_M)
}
