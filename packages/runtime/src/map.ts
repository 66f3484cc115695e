/**
 * Shared maps as goroutines use them: keys and values around the tables of syncmap.ts.
 *
 * Keys are compared by value, as `Map` compares primitives (SameValueZero), and handles by what they stand for. Other objects are
 * refused as keys: two threads never have the same object. Values are copied, by the rules of structured clone.
 */
import { add, alloc, bytes, free, HANDLE_CLASS, read, store, WORD_BYTES, write } from '@goro/memory'
import { BLOCK } from './g.ts'
import { ownId } from './gopark.ts'
import { KIND } from './handle.ts'
import { M } from './m.ts'
import { self } from './sched.ts'
import { Waitable } from './sudog.ts'
import {
  addEntry,
  chainsWanted,
  copyEntries,
  ENTRY_CELLS,
  Entry,
  entriesOf,
  exchangeEntry,
  growSegment,
  initSegments,
  lookUp,
  MISSING,
  mendSegment,
  Part,
  type Probe,
  putEntry,
  SEGMENTS,
  Segment,
  SyncMap,
  segmentOf,
  takeEntry,
} from './syncmap.ts'
import {
  copied,
  decode,
  encode,
  HANDLE,
  handleAddress,
  handleKind,
  isHandle,
  packCell,
  unpackCell,
  wholeOf,
  writeMessage,
} from './value.ts'

/** @throws OutOfMemoryError */
export function newMap(): number {
  const segments = alloc(SEGMENTS * Segment.SIZE * WORD_BYTES)
  let map: number
  try {
    map = self.slab.allocClass(HANDLE_CLASS)
  } catch (error) {
    free(segments)
    throw error
  }
  initSegments(segments)
  write(map + Waitable.lock, 0)
  write(map + Waitable.refs, 1)
  write(map + SyncMap.segments, segments)
  write(map + SyncMap.seed, (Math.random() * 2 ** 32) | 0)
  store(map + Waitable.kind, KIND.syncMap)
  return map
}

/** Frees a map that nobody refers to any more, with what is in it. */
export function freeMap(map: number): void {
  for (const segment of mapSegments(map)) {
    const { table, mask } = Segment
    for (let chain = read(segment + table); chain <= read(segment + table) + read(segment + mask); chain++) {
      for (let entry = read(chain); entry !== 0; ) {
        const next = read(entry + Entry.next)
        dropEntry(entry, true)
        entry = next
      }
    }
    if (read(segment + table) !== segment + Segment.chains) free(read(segment + table))
  }
  free(read(map + SyncMap.segments))
  store(map + Waitable.kind, 0)
  self.slab.freeClass(map, HANDLE_CLASS)
}

/** The addresses of the segments of a map. */
export function mapSegments(map: number): number[] {
  const segments = read(map + SyncMap.segments)
  return Array.from({ length: SEGMENTS }, (_, i) => segments + i * Segment.SIZE)
}

/** For the undertaker: makes whole what the thread that locked by `dead` may have left half changed. */
export function mendMap(map: number, dead: number): void {
  for (const segment of mapSegments(map)) mendSegment(segment, dead)
}

// --- keys

/** The tags of value.ts below this one are all that there is to a value; this one has one word. */
const INT = 5

const probe: Probe = { hash: 0, tag: 0, low: 0, high: 0, words: new Int32Array(16) }
/** A not-a-number: there are many, and as a key they are one. */
const NAN_HIGH = 0x7ff80000

/** Makes `probe` look for `key`. @throws TypeError */
function lookFor(map: number, key: unknown): void {
  const cell = self.m + M.cell
  if (typeof key === 'object' && key !== null) {
    if (!isHandle(key)) throw refusal(key)
    probe.tag = HANDLE
    probe.low = key[handleKind]
    probe.high = key[handleAddress]
  } else {
    // Minus zero is zero.
    const tag = packCell(key === 0 ? 0 : key, cell + 2)
    if (tag === 0) return lookForBlock(map, key)
    probe.tag = tag
    probe.low = tag < INT ? 0 : read(cell + 2)
    probe.high = tag <= INT ? 0 : read(cell + 3)
    if (Number.isNaN(key)) {
      probe.low = 0
      probe.high = NAN_HIGH
    }
  }
  probe.hash = finish(mix(mix(mix(read(map + SyncMap.seed), probe.tag), probe.low), probe.high))
}

/** A long string, or a bigint. */
function lookForBlock(map: number, key: unknown): void {
  if (typeof key !== 'string' && typeof key !== 'bigint') throw refusal(key)
  const encoded = wholeOf(encode(key, KEY))
  const count = wordsOf(encoded.length)
  if (count > probe.words.length) probe.words = new Int32Array(count * 2)
  probe.words[count - 1] = 0
  new Uint8Array(probe.words.buffer).set(encoded)
  probe.tag = BLOCK
  probe.low = 0
  probe.high = encoded.length
  let hash = mix(read(map + SyncMap.seed), BLOCK)
  for (let i = 0; i < count; i++) hash = mix(hash, probe.words[i] as number)
  probe.hash = finish(hash)
}

const KEY = { root: 'key' }

const KIND_OF: Partial<Record<string, string>> = {
  object: 'another object',
  function: 'a function',
  symbol: 'a symbol',
}

function refusal(key: unknown): TypeError {
  return new TypeError(
    `SyncMap: a key is a string, number, bigint, boolean, null, undefined, or a handle such as a channel, not ${KIND_OF[typeof key] ?? 'this'}: ` +
      'no two threads have the same one; use a field that tells it from others, or JSON.stringify(key)',
  )
}

/** MurmurHash3's steps (Austin Appleby), word by word. */
function mix(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51)
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593)
  const h = hash ^ k
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0
}

function finish(hash: number): number {
  let h = hash ^ (hash >>> 16)
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/** Writes the key that `probe` looks for into an entry. */
function writeKey(entry: number, key: unknown): void {
  const cell = entry + Entry.key
  if (probe.tag === HANDLE) packCell(key, cell + 2)
  if (probe.tag === BLOCK) {
    const count = wordsOf(probe.high)
    const block = alloc((Part.bytes + count) * WORD_BYTES)
    write(block + Part.parts, 1)
    write(block + Part.handles, 0)
    for (let i = 0; i < count; i++) write(block + Part.bytes + i, probe.words[i] as number)
    write(cell + 2, block)
  } else {
    write(cell + 2, probe.low)
  }
  write(cell + 3, probe.high)
  write(cell, probe.tag)
  write(entry + Entry.hash, probe.hash)
}

// --- values

/** Writes `value` into the cell at `at`. @throws DataCloneError, OutOfMemoryError: then nothing is held. */
function writeValue(value: unknown, at: number): void {
  const tag = packCell(value, at + 2)
  write(at, tag)
  if (tag !== 0) return widen(tag, at)
  const encoded = encode(value, VALUE, partFor)
  const { block, length } = encoded
  const words = wordsOf(length)
  write(block + Part.parts, 1)
  write(block + Part.handles, encoded.counted ? 1 : 0)
  if (words > 0) write(block + Part.bytes + words - 1, 0)
  writeMessage(encoded, block + Part.bytes)
  write(at + 2, block)
  write(at + 3, length)
  write(at, BLOCK)
}

const VALUE = { root: 'value' }

const wordsOf = (bytes: number): number => (bytes + 3) >> 2

/** A block for a value of so many bytes. */
const partFor = (bytes: number): number => alloc((Part.bytes + wordsOf(bytes)) * WORD_BYTES)

/** What of a cell its tag does not use is zero: cells are compared word by word. */
function widen(tag: number, at: number): void {
  if (tag < INT) write(at + 2, 0)
  if (tag <= INT) write(at + 3, 0)
}

/** Takes the value out of a cell in which the caller has a part, which it gives up. */
function takeValue(at: number): unknown {
  if (read(at) !== BLOCK) return unpackCell(read(at), at + 2)
  const block = read(at + 2)
  const length = read(at + 3)
  try {
    return copied(() => decode(bytes(block + Part.bytes, length)))
  } finally {
    dropBlock(block, length)
  }
}

/** Gives up a part in what a cell refers to. */
function dropValue(at: number): void {
  if (read(at) === BLOCK) dropBlock(read(at + 2), read(at + 3))
  else if (read(at) === HANDLE) unpackCell(HANDLE, at + 2)
}

function dropBlock(block: number, length: number): void {
  if (add(block + Part.parts, -1) !== 1) return
  // What is decoded is let go of again at once: the parts that the block had in its handles with it.
  if (read(block + Part.handles) !== 0) decode(bytes(block + Part.bytes, length))
  free(block)
}

function newEntry(value: unknown): number {
  const entry = alloc(Entry.SIZE * WORD_BYTES)
  try {
    writeValue(value, entry + Entry.value)
  } catch (error) {
    free(entry)
    throw error
  }
  return entry
}

/** Gives an entry back that stands in no chain, with its value; and with its key, unless another one has taken that over. */
function dropEntry(entry: number, withKey: boolean): void {
  dropValue(entry + Entry.value)
  if (withKey) dropValue(entry + Entry.key)
  free(entry)
}

// --- operations

function segmentFor(map: number): number {
  return segmentOf(read(map + SyncMap.segments), probe.hash)
}

/** The value of `key`; undefined if it is not there. @throws TypeError */
export function mapGet(map: number, key: unknown): unknown {
  lookFor(map, key)
  const cell = self.m + M.cell
  return lookUp(segmentFor(map), probe, cell, ownId()) ? takeValue(cell) : undefined
}

/** @throws TypeError */
export function mapHas(map: number, key: unknown): boolean {
  lookFor(map, key)
  return lookUp(segmentFor(map), probe, 0, ownId())
}

/** Makes room for one more. @throws OutOfMemoryError */
function grow(segment: number): void {
  const chains = chainsWanted(segment)
  if (chains === 0) return
  const table = alloc(chains * WORD_BYTES)
  for (let chain = table; chain < table + chains; chain++) write(chain, 0)
  const unused = growSegment(segment, table, chains, ownId())
  if (unused !== 0) free(unused)
}

/** @throws TypeError, DataCloneError, OutOfMemoryError: then nothing is changed. */
export function mapSet(map: number, key: unknown, value: unknown): void {
  // First, since it may run code of the user's, which may use a map.
  const entry = newEntry(value)
  let old: number
  try {
    lookFor(map, key)
    const segment = segmentFor(map)
    old = putEntry(segment, probe, entry, false, ownId())
    if (old === MISSING) {
      grow(segment)
      writeKey(entry, key)
      old = putEntry(segment, probe, entry, true, ownId())
      if (old !== 0) dropEntry(old, true)
      return
    }
  } catch (error) {
    dropEntry(entry, false)
    throw error
  }
  dropEntry(old, false)
}

/** The value of `key`; if it is not there, it gets `value`. @throws as `mapSet` */
export function mapGetOrSet(map: number, key: unknown, value: unknown): unknown {
  lookFor(map, key)
  const cell = self.m + M.cell
  if (lookUp(segmentFor(map), probe, cell, ownId())) return takeValue(cell)
  const entry = newEntry(value)
  let isNew: boolean
  try {
    lookFor(map, key)
    grow(segmentFor(map))
    writeKey(entry, key)
    isNew = addEntry(segmentFor(map), probe, entry, cell, ownId())
  } catch (error) {
    dropEntry(entry, false)
    throw error
  }
  if (isNew) return value
  dropEntry(entry, true)
  return takeValue(cell)
}

/** Sets `key` to `value` if it is there and has `expected`: whether it was. @throws as `mapSet` */
export function mapCompareAndSwap(map: number, key: unknown, expected: unknown, value: unknown): boolean {
  const wanted = newEntry(expected)
  try {
    const entry = newEntry(value)
    let old = MISSING
    try {
      lookFor(map, key)
      old = exchangeEntry(segmentFor(map), probe, wanted + Entry.value, entry, ownId())
    } finally {
      if (old === MISSING) dropEntry(entry, false)
    }
    if (old === MISSING) return false
    dropEntry(old, false)
    return true
  } finally {
    dropEntry(wanted, false)
  }
}

/** Whether `key` was there, and is not now. @throws TypeError */
export function mapDelete(map: number, key: unknown): boolean {
  lookFor(map, key)
  const entry = takeEntry(segmentFor(map), probe, ownId())
  if (entry === 0) return false
  dropEntry(entry, true)
  return true
}

/** How many keys it has. */
export function mapSize(map: number): number {
  const segments = read(map + SyncMap.segments)
  let size = 0
  for (let i = 0; i < SEGMENTS; i++) size += entriesOf(segments + i * Segment.SIZE)
  return size
}

/** Its keys and values, segment by segment: each segment's as they are when the iteration comes to it. */
export function* mapEntries(map: number): Generator<[unknown, unknown], undefined> {
  for (const segment of mapSegments(map)) yield* snapshot(segment)
}

function snapshot(segment: number): [unknown, unknown][] {
  let block = 0
  let count = 0
  for (let most = entriesOf(segment); most !== 0; most = 2 * entriesOf(segment)) {
    block = alloc(most * ENTRY_CELLS * WORD_BYTES)
    count = copyEntries(segment, block, most, ownId())
    if (count >= 0) break
    free(block)
    block = 0
  }
  const entries: [unknown, unknown][] = []
  try {
    while (entries.length < count) {
      const at = block + entries.length * ENTRY_CELLS
      entries.push([takeValue(at), takeValue(at + ENTRY_CELLS / 2)])
    }
  } finally {
    if (block !== 0) free(block)
  }
  return entries
}
