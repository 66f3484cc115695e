import { outlive } from '@goro/model'
import { describe, expect, test } from 'vitest'
import { exchange, load, pause, read, store, write } from '#atomics'
import { OutOfMemoryError } from '../../src/out-of-memory.ts'
import { cacheWords, G_CLASS, initSlab, Slab, type SlabShape, slabLayout } from '../../src/slab.ts'
import { expectSame, explored } from './harness.ts'

/** Pages of four small blocks or two of eight words; a batch is two small blocks, or one. */
const SHAPE: SlabShape = { pageWords: 16, classes: [4, 4, 8], own: 1, batch: (classWords) => 8 / classWords }
const CLASSES = SHAPE.classes.length
const SMALL = 1
const SMALL_BYTES = 16
const WIDE = 2
const pageBytes = (pages: number) => pages * SHAPE.pageWords * 4

const BASE = 16
const layout = slabLayout(CLASSES)
/** Where a thread leaves a block for another. */
const HAND = 8
const CACHES = BASE + layout.SIZE
const HEAP = CACHES + 64
const cacheAt = (thread: number) => CACHES + 16 * thread

/** Memory for a slab of `pages` pages. */
function world(pages: number) {
  const words = HEAP + (pages + 1) * (SHAPE.pageWords + 1) + 16
  const setup = () => initSlab(BASE, HEAP, HEAP + pages * (SHAPE.pageWords + 1) + SHAPE.pageWords, SHAPE)
  const caches = [0, 1, 2].map((t) => ({
    name: `cache${t}`,
    base: cacheAt(t),
    layout: { free: 0, SIZE: cacheWords(CLASSES) },
  }))
  return { words, setup, names: [{ name: 'slab', base: BASE, layout }, ...caches] }
}

const slabOf = (thread: number) => new Slab(BASE, cacheAt(thread), thread + 1, SHAPE)

/** Takes a small block and writes all over it, which the race check watches. */
function take(slab: Slab, c = SMALL): number {
  const block = slab.allocClass(c)
  for (let i = 0; i < (SHAPE.classes[c] as number); i++) write(block + i, block)
  return block
}

/** Gives a block back, after looking whether anybody else has written on it. */
function give(slab: Slab, block: number): void {
  if (read(block) !== block || read(block + 3) !== block) throw new Error(`block ${block} was somebody else's too`)
  slab.free(block)
}

const allocated = (slab: Slab, bytes: number): number => {
  try {
    return slab.alloc(bytes)
  } catch (error) {
    if (error instanceof OutOfMemoryError) return 0
    throw error
  }
}

/** After the threads: gives back what they kept, then takes everything there is in blocks of a page, each once. */
function expectAllFree(kept: readonly number[], threads: number, pages: number): void {
  expect(new Set(kept).size).toBe(kept.length)
  const slab = slabOf(0)
  for (const block of kept) slab.free(block)
  for (let t = 0; t < threads; t++) slabOf(t).flush()
  const blocks: number[] = []
  for (const c of [SMALL, WIDE]) {
    const all: number[] = []
    slab.walk(c, (block) => all.push(block))
    const taken = all.map(() => slab.allocClass(c))
    expectSame(taken, all)
    blocks.push(...all)
  }
  const usedPages = slab.usage().used / pageBytes(1)
  for (let p = usedPages; p < pages; p++) blocks.push(slab.alloc(pageBytes(1)))
  expect(new Set(blocks).size).toBe(blocks.length)
  expect(allocated(slab, pageBytes(1))).toBe(0)
}

describe('slab', () => {
  test('two threads get the same block when a class gets its first page', () => {
    const pages = 3
    const user =
      (t: number, ...classes: number[]) =>
      () => {
        const slab = slabOf(t)
        return classes.map((c) => take(slab, c))
      }
    const after = (results: readonly unknown[]) => expectAllFree((results as number[][]).flat(), 3, pages)
    const two = [user(0, SMALL, SMALL, SMALL), user(1, SMALL, SMALL, SMALL)]
    const three = [user(0, SMALL, SMALL), user(1, SMALL), user(2, WIDE)]
    for (const threads of [two, three]) explored({ ...world(pages), threads, after })
  })

  test('a batch that goes back is handed out to two', () => {
    const pages = 4
    const user = (t: number) => () => {
      const slab = slabOf(t)
      const blocks = [take(slab), take(slab), take(slab), take(slab)]
      for (const block of blocks) give(slab, block)
      return [take(slab)]
    }
    explored({
      ...world(pages),
      threads: [user(0), user(1)],
      after: (results) => expectAllFree((results as number[][]).flat(), 3, pages),
    })
  })

  test('a block that another thread gives back is used by both', () => {
    const pages = 3
    const maker = () => {
      const slab = slabOf(0)
      const kept = [take(slab)]
      store(HAND, take(slab))
      kept.push(take(slab))
      return kept
    }
    const freer = (t: number) => () => {
      const slab = slabOf(t)
      const block = exchange(HAND, 0)
      if (block !== 0) give(slab, block)
      return [take(slab), take(slab)]
    }
    explored({
      ...world(pages),
      threads: [maker, freer(1), freer(2)],
      after: (results) => {
        const inHand = load(HAND) === 0 ? [] : [load(HAND)]
        expectAllFree([...(results as number[][]).flat(), ...inHand], 3, pages)
      },
    })
  })

  test('runs of pages overlap after they were split and merged by two threads', () => {
    const pages = 5
    const user = (t: number, first: number, second: number) => () => {
      const slab = slabOf(t)
      const a = allocated(slab, pageBytes(first))
      const b = allocated(slab, pageBytes(second))
      if (a !== 0) slab.free(a)
      const c = allocated(slab, pageBytes(first + 1))
      return [b, c].filter((block) => block !== 0)
    }
    explored({
      ...world(pages),
      threads: [user(0, 1, 1), user(1, 2, 1)],
      after: (results) => {
        const kept = (results as number[][]).flat()
        const slab = slabOf(2)
        for (const block of kept) slab.free(block)
        // All runs are free and have become one.
        const fresh = load(BASE + layout.fresh)
        slab.free(slab.alloc(pageBytes(fresh)))
        expect(slab.usage().used).toBe(0)
        expectAllFree([], 0, pages)
      },
    })
  })

  test('memory that is exhausted is handed out twice, or never again', () => {
    const pages = 2
    const user = (t: number) => () => {
      const slab = slabOf(t)
      const kept: number[] = []
      for (let block = allocated(slab, SMALL_BYTES); block !== 0; block = allocated(slab, SMALL_BYTES)) kept.push(block)
      return kept
    }
    explored({
      ...world(pages),
      threads: [user(0), user(1)],
      after: (results) => {
        const kept = (results as number[][]).flat()
        expect(kept.length).toBe(pages * 4)
        expectAllFree(kept, 3, pages)
      },
    })
  })

  test('who walks the goroutines misses one, or takes for one what was there before', () => {
    const MADE = 9
    const GARBAGE = -7
    const make = (slab: Slab) => {
      const g = slab.allocClass(G_CLASS)
      store(g, g)
      return g
    }
    const maker = () => {
      const slab = slabOf(0)
      const before = [make(slab), make(slab), make(slab)]
      store(MADE, 1)
      return { before, after: [make(slab), make(slab)] }
    }
    const other = () => {
      const slab = slabOf(1)
      const block = slab.alloc(pageBytes(2))
      for (let i = 0; i < 2 * SHAPE.pageWords; i += 4) write(block + i, GARBAGE)
      slab.free(block)
      return [slab.allocClass(SMALL)]
    }
    const walker = () => {
      while (load(MADE) === 0) pause()
      const seen: number[] = []
      slabOf(2).walk(G_CLASS, (block) => {
        if (load(block) !== 0) seen.push(block)
      })
      return seen
    }
    explored({
      ...world(5),
      threads: [maker, other, walker],
      after: ([made, , seen]) => {
        const { before, after } = made as { before: number[]; after: number[] }
        expect(seen).toEqual(expect.arrayContaining(before))
        expectSame(seen as number[], [...new Set(seen as number[])])
        expect([...before, ...after]).toEqual(expect.arrayContaining(seen as number[]))
      },
    })
  })

  /** All that is left can be taken, each block once and none that is in use; at most `lost` blocks are gone with the dead. */
  const losesAtMost = (lost: number, pages: number, inUse: readonly number[]) => (results: readonly unknown[]) => {
    const kept = [...inUse, ...(results as (number[] | undefined)[]).flatMap((blocks) => blocks ?? [])]
    const slab = slabOf(1)
    slabOf(2).flush()
    for (let block = allocated(slab, SMALL_BYTES); block !== 0; block = allocated(slab, SMALL_BYTES)) kept.push(block)
    expect(new Set(kept).size).toBe(kept.length)
    expect(kept.length).toBeGreaterThanOrEqual(pages * 4 - lost)
  }
  /** Buries thread 0, and then lives of what it left. */
  const undertaker = () => {
    const died = outlive(0)
    const slab = slabOf(2)
    if (died) {
      slab.releaseDead(1)
      new Slab(BASE, cacheAt(0), 3, SHAPE).flush()
    }
    return [slab.allocClass(SMALL)]
  }

  test('a thread that dies with blocks on their way leaves some of them to two', () => {
    const pages = 3
    const dying = () => {
      const slab = slabOf(0)
      for (const block of [0, 1, 2, 3].map(() => slab.allocClass(SMALL))) slab.free(block)
    }
    // What it had in hand: four blocks, or two and a page that it was about to cut up.
    const after = losesAtMost(2 + 4, pages, [])
    explored({ ...world(pages), threads: [dying, undertaker], mortal: [0], after })
  })

  test('a thread that dies while its class grows leaves pages to be cut up twice', () => {
    const pages = 3
    const { setup, ...rest } = world(pages)
    let inUse: number[] = []
    const survivor = () => [slabOf(1).allocClass(SMALL)]
    const dying = () => {
      slabOf(0).allocClass(SMALL)
    }
    explored({
      ...rest,
      // The class has used up page 1 when page 0 is free again: growth goes backwards.
      setup: () => {
        setup()
        const slab = slabOf(2)
        const first = slab.alloc(pageBytes(1))
        for (const block of [0, 1, 2, 3].map(() => slab.allocClass(SMALL))) slab.free(block)
        slab.flush()
        slab.free(first)
        inUse = [0, 1, 2, 3].map(() => slab.allocClass(SMALL))
      },
      threads: [dying, survivor, undertaker],
      mortal: [0],
      after: (results) => losesAtMost(4, pages, inUse)(results),
    })
  })

  test('a thread that dies while it takes and frees runs of pages leaves some to two, or to nobody', () => {
    const pages = 5
    const { setup, ...rest } = world(pages)
    let kept: number[] = []
    const dying = (work: (slab: Slab, blocks: readonly number[]) => void) => () => work(slabOf(0), kept)
    const works: ((slab: Slab, blocks: readonly number[]) => void)[] = [
      // Between two free runs; before one; behind one.
      (slab, [, b]) => slab.free(b as number),
      // Out of the middle of the list, and a part of a run.
      (slab) => void slab.alloc(pageBytes(1)),
      (slab, [, b]) => {
        slab.free(b as number)
        slab.alloc(pageBytes(2))
      },
    ]
    for (const work of works) {
      explored({
        ...rest,
        // Free runs of one page and of two around a block of one, and a page that was never used.
        setup: () => {
          setup()
          const slab = slabOf(2)
          kept = [slab.alloc(pageBytes(1)), slab.alloc(pageBytes(1)), slab.alloc(pageBytes(2))]
          slab.free(kept[0] as number)
          slab.free(kept[2] as number)
        },
        threads: [
          dying(work),
          () => {
            if (!outlive(0)) return undefined
            const slab = slabOf(1)
            slab.releaseDead(1)
            const blocks: number[] = []
            for (let block = allocated(slab, pageBytes(1)); block !== 0; block = allocated(slab, pageBytes(1))) {
              for (let word = 0; word < SHAPE.pageWords; word++) write(block + word, block)
              blocks.push(block)
            }
            // And all of them are one run again.
            const most = new Set(blocks).size
            for (const block of blocks) slab.free(block)
            return { blocks: blocks.length, most, used: slab.usage().used / pageBytes(1) }
          },
        ],
        mortal: [0],
        after: ([, left]) => {
          if (left === undefined) return
          const { blocks, most, used } = left as { blocks: number; most: number; used: number }
          expect(most).toBe(blocks)
          expect(used).toBe(pages - blocks)
          // What the dead one had for itself: the block that it had not freed yet, or what it had taken and was to use.
          expect(used).toBeLessThanOrEqual(2)
        },
      })
    }
  })
})
