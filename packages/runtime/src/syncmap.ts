/**
 * A hash map that all threads share: sixteen segments, each a small table of chains under a lock of its own, so that threads that
 * work on different keys seldom meet. A key's hash says which segment, and which chain in it.
 *
 * An entry never changes while it stands in a chain: another value is another entry in its place, put there by the one write of the link
 * before it. So a thread that dies in the middle leaves every chain whole. Growing moves entries to a new table; which table that is, and
 * which entry is under way, stands in the segment, so that `mendSegment` finds all of them.
 *
 * No value is decoded, and no memory allocated, under a lock: whoever reads takes a part in what it found (`borrow`), and decodes it
 * afterwards.
 *
 * Linearization points: the write of the link, for what changes an entry; for what reads, any moment under the lock.
 */
import {
  add,
  array,
  i32,
  line,
  load,
  lock,
  ownerOf,
  RANK,
  read,
  releaseDead,
  store,
  struct,
  unlock,
  write,
} from '@goro/memory'
import { copyCell } from './chan.ts'
import { BLOCK } from './g.ts'
import { Waitable } from './sudog.ts'
import { HANDLE } from './value.ts'

/** Chains of a segment that is new. */
const OWN_CHAINS = 8

export const SyncMap = struct({
  /** As everything that a handle refers to; nobody waits on it. */
  base: array(Waitable.SIZE),
  /** Its segments: an address. Written once. */
  segments: i32,
  /** What the hashes of its keys begin with: nobody can choose keys that all meet. Written once. */
  seed: i32,
})

export const SEGMENTS = 16

export const Segment = struct({
  /** Owner-stamped. */
  lock: line(i32),
  /** How many entries it has. Under lock; read without. */
  count: i32,
  /** Where its chains begin: an address, and how many there are, a power of two, less one. Under lock. */
  table: i32,
  mask: i32,
  /** While it grows: the new table, and how large that is, and the entry that is under way. Under lock. */
  growing: i32,
  growingMask: i32,
  moving: i32,
  /** Its first table. */
  chains: array(OWN_CHAINS),
})

export const Entry = struct({
  /** Next in its chain, or 0. */
  next: i32,
  hash: i32,
  /** Cells, as in cell.ts; but the blocks of these begin with a count of those who have a part in them. */
  key: array(4, 2),
  value: array(4, 2),
})

/** The block of a cell: its parts, 1 if there are handles in it, then the bytes, filled up with zeros to a whole word. */
export const Part = struct({ parts: i32, handles: i32, bytes: array(0) })

/** A key that is looked for: what its cell would hold, and the words of its block if it would have one. */
export interface Probe {
  hash: number
  tag: number
  low: number
  high: number
  words: Int32Array
}

/** What `putEntry` found: nothing, where it had no key to make it. */
export const MISSING = -1

export function initSegments(segments: number): void {
  for (let i = 0; i < SEGMENTS; i++) {
    const segment = segments + i * Segment.SIZE
    for (let word = 0; word < Segment.SIZE; word++) write(segment + word, 0)
    write(segment + Segment.table, segment + Segment.chains)
    write(segment + Segment.mask, OWN_CHAINS - 1)
  }
}

/** The segment of a key. */
export const segmentOf = (segments: number, hash: number): number => segments + (hash >>> 28) * Segment.SIZE

const lockSegment = (segment: number, owner: number): void => lock(segment + Segment.lock, owner, RANK.mapSegment)
const unlockSegment = (segment: number): void => unlock(segment + Segment.lock, RANK.mapSegment)

/** The word that refers to the entry of the key, or to what stands where it would: 0. Under lock. */
function linkTo(segment: number, probe: Probe): number {
  let link = read(segment + Segment.table) + (probe.hash & read(segment + Segment.mask))
  for (let entry = read(link); entry !== 0 && !matches(entry, probe); entry = read(link)) link = entry + Entry.next
  return link
}

function matches(entry: number, { hash, tag, low, high, words }: Probe): boolean {
  const cell = entry + Entry.key
  if (read(entry + Entry.hash) !== hash || read(cell) !== tag) return false
  if (tag !== BLOCK) return read(cell + 2) === low && read(cell + 3) === high
  // The length in bytes, and then the words.
  return read(cell + 3) === high && sameWords(read(cell + 2) + Part.bytes, words, (high + 3) >> 2)
}

function sameWords(at: number, words: Int32Array, count: number): boolean {
  for (let i = 0; i < count; i++) if (read(at + i) !== words[i]) return false
  return true
}

/** Whether two cells hold the same. */
function sameCell(a: number, b: number): boolean {
  if (read(a) !== read(b) || read(a + 3) !== read(b + 3)) return false
  if (read(a) !== BLOCK) return read(a + 2) === read(b + 2)
  const [one, other] = [read(a + 2) + Part.bytes, read(b + 2) + Part.bytes]
  for (let i = 0; i < (read(a + 3) + 3) >> 2; i++) if (read(one + i) !== read(other + i)) return false
  return true
}

/** Copies a cell, with a part in what it refers to. Under lock. */
function borrow(from: number, to: number): void {
  copyCell(from, to)
  const tag = read(to)
  if (tag === BLOCK) add(read(to + 2) + Part.parts, 1)
  else if (tag === HANDLE) add(read(to + 3) + Waitable.refs, 1)
}

function setCount(segment: number, count: number): void {
  store(segment + Segment.count, count)
}

/** Copies the value of a key into the cell `to`, if it is there; or, with 0, tells only whether. */
export function lookUp(segment: number, probe: Probe, to: number, owner: number): boolean {
  lockSegment(segment, owner)
  const entry = read(linkTo(segment, probe))
  if (entry !== 0 && to !== 0) borrow(entry + Entry.value, to)
  unlockSegment(segment)
  return entry !== 0
}

/**
 * Puts `entry`, which has a value, in the place of the entry of the key, which it returns; 0 if there was none. An entry that has
 * no key takes over that of the other, and is MISSING if there is none.
 */
export function putEntry(segment: number, probe: Probe, entry: number, hasKey: boolean, owner: number): number {
  lockSegment(segment, owner)
  const link = linkTo(segment, probe)
  const old = read(link)
  const outcome = old === 0 && !hasKey ? MISSING : old
  if (outcome !== MISSING) place(segment, link, entry, hasKey)
  unlockSegment(segment)
  return outcome
}

/** Puts `entry` into the chain at `link`, in the place of what is there. Under lock. */
function place(segment: number, link: number, entry: number, hasKey: boolean): void {
  const old = read(link)
  if (!hasKey) {
    write(entry + Entry.hash, read(old + Entry.hash))
    copyCell(old + Entry.key, entry + Entry.key)
  }
  write(entry + Entry.next, old === 0 ? 0 : read(old + Entry.next))
  write(link, entry)
  if (old === 0) setCount(segment, read(segment + Segment.count) + 1)
}

/** Puts `entry`, which has key and value, into the map if the key is not there: true. Else its value is copied into the cell `to`. */
export function addEntry(segment: number, probe: Probe, entry: number, to: number, owner: number): boolean {
  lockSegment(segment, owner)
  const link = linkTo(segment, probe)
  const old = read(link)
  if (old === 0) place(segment, link, entry, true)
  else borrow(old + Entry.value, to)
  unlockSegment(segment)
  return old === 0
}

/** As `putEntry` without a key, if the value that is there is the one in the cell `expected`: else MISSING. */
export function exchangeEntry(segment: number, probe: Probe, expected: number, entry: number, owner: number): number {
  lockSegment(segment, owner)
  const link = linkTo(segment, probe)
  const old = read(link)
  const isSame = old !== 0 && sameCell(old + Entry.value, expected)
  if (isSame) place(segment, link, entry, false)
  unlockSegment(segment)
  return isSame ? old : MISSING
}

/** Takes the entry of the key out; 0 if it is not there. */
export function takeEntry(segment: number, probe: Probe, owner: number): number {
  lockSegment(segment, owner)
  const link = linkTo(segment, probe)
  const entry = read(link)
  if (entry !== 0) {
    write(link, read(entry + Entry.next))
    setCount(segment, read(segment + Segment.count) - 1)
  }
  unlockSegment(segment)
  return entry
}

/** How many entries a segment has. */
export const entriesOf = (segment: number): number => load(segment + Segment.count)

/** Copies the keys and values of all entries to `to`, two cells an entry, if there are at most `most`: how many; else -1. */
export function copyEntries(segment: number, to: number, most: number, owner: number): number {
  lockSegment(segment, owner)
  let n = -1
  if (read(segment + Segment.count) <= most) {
    n = 0
    const table = read(segment + Segment.table)
    for (let chain = table; chain <= table + read(segment + Segment.mask); chain++) {
      for (let entry = read(chain); entry !== 0; entry = read(entry + Entry.next)) {
        borrow(entry + Entry.key, to + n * ENTRY_CELLS)
        borrow(entry + Entry.value, to + n * ENTRY_CELLS + 4)
        n++
      }
    }
  }
  unlockSegment(segment)
  return n
}

/** Words of the key and the value of an entry, as `copyEntries` copies them. */
export const ENTRY_CELLS = 8

/** How many chains a segment should have that has none to spare; 0 if what it has suffices. A hint. */
export function chainsWanted(segment: number): number {
  const chains = load(segment + Segment.mask) + 1
  return entriesOf(segment) > chains ? chains * 4 : 0
}

/** Moves all entries to `table`, which has `chains` chains and is all zero. The address of what is not needed any more; 0 for nothing. */
export function growSegment(segment: number, table: number, chains: number, owner: number): number {
  lockSegment(segment, owner)
  const old = read(segment + Segment.table)
  const mask = read(segment + Segment.mask)
  if (mask + 1 >= chains) {
    unlockSegment(segment)
    return table
  }
  write(segment + Segment.growingMask, chains - 1)
  write(segment + Segment.growing, table)
  for (let chain = old; chain <= old + mask; chain++) {
    for (let entry = read(chain); entry !== 0; entry = read(chain)) {
      const to = table + (read(entry + Entry.hash) & (chains - 1))
      write(segment + Segment.moving, entry)
      write(chain, read(entry + Entry.next))
      write(entry + Entry.next, read(to))
      write(to, entry)
    }
  }
  settle(segment, table, chains - 1)
  unlockSegment(segment)
  return old === segment + Segment.chains ? 0 : old
}

/** `table` is the segment's. In this order: while the old table is named, so is how large it is. */
function settle(segment: number, table: number, mask: number): void {
  write(segment + Segment.table, table)
  store(segment + Segment.mask, mask)
  write(segment + Segment.moving, 0)
  write(segment + Segment.growing, 0)
}

/** For a segment in whose lock the thread `dead` may have died: makes it whole, and frees the lock. */
export function mendSegment(segment: number, dead: number): void {
  if (ownerOf(segment + Segment.lock) === dead) rebuild(segment)
  releaseDead(segment + Segment.lock, dead)
}

/** Under the dead one's lock. Entries are found from either table, and from either list that the one under way leads into. */
function rebuild(segment: number): void {
  const found = new Set<number>()
  const follow = (first: number) => {
    for (let entry = first; entry !== 0 && !found.has(entry); entry = read(entry + Entry.next)) found.add(entry)
  }
  const growing = read(segment + Segment.growing)
  const table = growing === 0 ? read(segment + Segment.table) : growing
  const mask = growing === 0 ? read(segment + Segment.mask) : read(segment + Segment.growingMask)
  if (growing !== 0) {
    const old = read(segment + Segment.table)
    // If it had named its new table, the old one is empty.
    if (old !== growing) for (let chain = old; chain <= old + read(segment + Segment.mask); chain++) follow(read(chain))
    follow(read(segment + Segment.moving))
  }
  for (let chain = table; chain <= table + mask; chain++) follow(read(chain))
  for (let chain = table; chain <= table + mask; chain++) write(chain, 0)
  for (const entry of found) {
    const chain = table + (read(entry + Entry.hash) & mask)
    write(entry + Entry.next, read(chain))
    write(chain, entry)
  }
  settle(segment, table, mask)
  setCount(segment, found.size)
}
