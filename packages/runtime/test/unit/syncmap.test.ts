/** One segment of a shared map against a Map. */
import { createRegion, MIN_REGION_BYTES, read, write } from '@goro/memory'
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import {
  addEntry,
  chainsWanted,
  Entry,
  entriesOf,
  exchangeEntry,
  growSegment,
  initSegments,
  lookUp,
  MISSING,
  type Probe,
  putEntry,
  Segment,
  takeEntry,
} from '../../src/syncmap.ts'

const SEGMENTS_AT = 1024
const SEGMENT = SEGMENTS_AT
const CELL = 512
const HEAP = 1 << 16
const INT = 5

beforeAll(() => {
  createRegion(MIN_REGION_BYTES)
})

/** Hashes that meet often. */
const probe = (key: number): Probe => ({ hash: key % 7, tag: INT, low: key, high: 0, words: new Int32Array(0) })

test('any sequence of operations does what a Map does', () => {
  const key = fc.integer({ min: 0, max: 40 })
  const operation = fc.record({ op: fc.constantFrom('put', 'add', 'swap', 'take', 'get'), key, value: fc.nat(3) })
  const property = fc.property(fc.array(operation, { maxLength: 300 }), (operations) => {
    let heap = HEAP
    const entry = (value: number, of?: number) => {
      const at = heap
      heap += Entry.SIZE + (Entry.SIZE % 2)
      for (let word = 0; word < Entry.SIZE; word++) write(at + word, 0)
      write(at + Entry.value, INT)
      write(at + Entry.value + 2, value)
      if (of === undefined) return at
      write(at + Entry.hash, probe(of).hash)
      write(at + Entry.key, INT)
      write(at + Entry.key + 2, of)
      return at
    }
    const get = (of: number) => (lookUp(SEGMENT, probe(of), CELL, 1) ? read(CELL + 2) : undefined)
    const twin = new Map<number, number>()
    initSegments(SEGMENTS_AT)
    for (const { op, key: of, value } of operations) {
      const chains = chainsWanted(SEGMENT)
      if (chains !== 0) {
        for (let word = 0; word < chains; word++) write(heap + word, 0)
        growSegment(SEGMENT, heap, chains, 1)
        heap += chains
      }
      if (op === 'put') {
        const old = putEntry(SEGMENT, probe(of), entry(value), false, 1)
        expect(old === MISSING).toBe(!twin.has(of))
        if (old === MISSING) expect(putEntry(SEGMENT, probe(of), entry(value, of), true, 1)).toBe(0)
        twin.set(of, value)
      } else if (op === 'add') {
        expect(addEntry(SEGMENT, probe(of), entry(value, of), CELL, 1)).toBe(!twin.has(of))
        if (!twin.has(of)) twin.set(of, value)
      } else if (op === 'swap') {
        const wanted = entry((value + 1) % 4)
        const isDone = exchangeEntry(SEGMENT, probe(of), wanted + Entry.value, entry(value), 1) !== MISSING
        expect(isDone).toBe(twin.has(of) && twin.get(of) === (value + 1) % 4)
        if (isDone) twin.set(of, value)
      } else if (op === 'take') {
        expect(takeEntry(SEGMENT, probe(of), 1) !== 0).toBe(twin.delete(of))
      }
      expect(get(of)).toBe(twin.get(of))
      expect(entriesOf(SEGMENT)).toBe(twin.size)
    }
    for (let of = 0; of <= 40; of++) expect(get(of)).toBe(twin.get(of))
    expect(read(SEGMENT + Segment.lock)).toBe(0)
  })
  fc.assert(property, { numRuns: 200 })
})
