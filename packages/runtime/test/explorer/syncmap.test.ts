/** Every interleaving of one segment of a shared map, up to the bound: setting, getting, deleting, growing, and dying in the middle. */
import { read, write } from '@goro/memory'
import { expect, test } from 'vitest'
import { expectSame, explored, failureOf, outlive } from '../../../memory/test/explorer/harness.ts'
import {
  addEntry,
  copyEntries,
  ENTRY_CELLS,
  Entry,
  entriesOf,
  exchangeEntry,
  growSegment,
  lookUp,
  MISSING,
  mendSegment,
  type Probe,
  putEntry,
  Segment,
  takeEntry,
} from '../../src/syncmap.ts'

const SEGMENT = 16
/** The segment's first table is too small for a test: two chains here. */
const FIRST = 48
const TABLE = 56
const CELLS = 64
const COPIES = 96
const entryAt = (n: number) => 160 + n * 16
const words = 300
const names = [
  { name: 'segment', base: SEGMENT, layout: Segment },
  ...[0, 1, 2, 3, 4, 5].map((n) => ({ name: `e${n}`, base: entryAt(n), layout: Entry })),
]
const INT = 5
const keyOf = (key: number): Probe => ({ hash: key, tag: INT, low: key, high: 0, words: new Int32Array(0) })

/** An entry with a value, and with a key if that is given. */
function makeEntry(n: number, value: number, key?: number): number {
  const entry = entryAt(n)
  write(entry + Entry.value, INT)
  write(entry + Entry.value + 2, value)
  if (key !== undefined) {
    write(entry + Entry.hash, key)
    write(entry + Entry.key, INT)
    write(entry + Entry.key + 2, key)
  }
  return entry
}

/** Two keys, 0 and 2, in the first chain. */
function setup(): void {
  write(SEGMENT + Segment.table, FIRST)
  write(SEGMENT + Segment.mask, 1)
  for (const key of [0, 2]) putEntry(SEGMENT, keyOf(key), makeEntry(key / 2, 10 + key, key), true, 9)
}

const get = (thread: number, key: number) => {
  const cell = CELLS + thread * 4
  return lookUp(SEGMENT, keyOf(key), cell, thread + 1) ? read(cell + 2) : undefined
}
const grow = (thread: number) => growSegment(SEGMENT, TABLE, 4, thread + 1)

/** All keys and values, in no order. */
function all(owner: number): number[][] {
  const n = copyEntries(SEGMENT, COPIES, 8, owner)
  return Array.from({ length: n }, (_, i) => {
    const at = COPIES + i * ENTRY_CELLS
    return [read(at + 2), read(at + 6)]
  }).sort(([a], [b]) => (a as number) - (b as number))
}

test('two that set a key: one comes after the other, and what was there goes to one of them', () => {
  const threads = [0, 1].map((t) => () => {
    const entry = makeEntry(2 + t, 20 + t)
    return putEntry(SEGMENT, keyOf(2), entry, false, t + 1)
  })
  explored({
    words,
    names,
    setup,
    threads,
    after: ([a, b]) => {
      expect([
        [entryAt(1), entryAt(2)],
        [entryAt(3), entryAt(1)],
      ]).toContainEqual([a, b])
      expect(all(9)).toEqual([
        [0, 10],
        [2, a === entryAt(1) ? 21 : 20],
      ])
    },
  })
})

test('two that add a key: one does, and the other gets its value; a third reads', () => {
  const threads = [0, 1].map((t) => () => {
    const entry = makeEntry(2 + t, 20 + t, 4)
    const cell = CELLS + t * 4
    return addEntry(SEGMENT, keyOf(4), entry, cell, t + 1) ? 'added' : read(cell + 2)
  })
  explored({
    words,
    names,
    setup,
    threads: [...threads, () => get(2, 4)],
    after: ([a, b, seen]) => {
      if (a === 'added') expect(b).toBe(20)
      else expect([a, b]).toEqual([21, 'added'])
      expect([undefined, 20, 21]).toContain(seen)
      expect(entriesOf(SEGMENT)).toBe(3)
    },
  })
})

test('two that swap what they have read: one of them does', () => {
  const threads = [0, 1].map((t) => () => {
    const entry = makeEntry(2 + t, 20 + t)
    return exchangeEntry(SEGMENT, keyOf(2), entryAt(4) + Entry.value, entry, t + 1) !== MISSING
  })
  explored({
    words,
    names,
    setup: () => {
      setup()
      makeEntry(4, 12)
    },
    threads,
    after: ([a, b]) => expect([a, b].filter((did) => did)).toEqual([true]),
  })
})

test('growing while others set, get and delete', () => {
  const threads = [
    () => grow(0),
    () => putEntry(SEGMENT, keyOf(1), makeEntry(2, 11, 1), true, 2),
    () => [get(2, 2), takeEntry(SEGMENT, keyOf(0), 3), get(2, 0)],
  ]
  explored({
    words,
    names,
    setup,
    threads,
    after: ([old, put, seen]) => {
      expect([old, put, seen]).toEqual([FIRST, 0, [12, entryAt(0), undefined]])
      expect(all(9)).toEqual([
        [1, 11],
        [2, 12],
      ])
      expect([read(SEGMENT + Segment.mask), entriesOf(SEGMENT)]).toEqual([3, 2])
    },
  })
})

/** What a dead thread left is whole: what was there and not touched is there, once. */
function afterDeath(): void {
  expect(read(SEGMENT + Segment.lock)).toBe(0)
  const keys = all(9).map(([key]) => key as number)
  expect(new Set(keys).size).toBe(keys.length)
  expect(entriesOf(SEGMENT)).toBe(keys.length)
  expectSame(
    keys.filter((key) => key !== 1),
    [0, 2],
  )
}

test.each([
  ['growing', () => grow(0)],
  ['adding a key', () => putEntry(SEGMENT, keyOf(1), makeEntry(2, 11, 1), true, 1)],
  ['setting a key', () => putEntry(SEGMENT, keyOf(2), makeEntry(2, 22), false, 1)],
  [
    'adding and deleting a key',
    () => {
      putEntry(SEGMENT, keyOf(1), makeEntry(2, 11, 1), true, 1)
      takeEntry(SEGMENT, keyOf(1), 1)
    },
  ],
])('a thread that dies while it is %s leaves the segment whole', (_what, body) => {
  const undertaker = () => {
    if (outlive(0)) mendSegment(SEGMENT, 1)
  }
  explored({
    words,
    names,
    setup,
    threads: [body, undertaker, () => get(2, 0)],
    mortal: [0],
    after: ([, , seen]) => {
      expect(seen).toBe(10)
      afterDeath()
    },
  })
})

test('planted: an undertaker that only frees the lock loses entries, and that is found', () => {
  const failure = failureOf({
    words,
    names,
    setup,
    threads: [
      () => grow(0),
      () => {
        if (!outlive(0)) return
        write(SEGMENT + Segment.growing, 0)
        mendSegment(SEGMENT, 1)
      },
    ],
    mortal: [0],
    after: afterDeath,
  })
  expect(failure.message).toMatch(/expected/)
})
