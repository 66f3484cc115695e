/** The structures on one thread: what each promises, at its edges. Their interleavings are the explorer's. */
import { beforeEach, describe, expect, test } from 'vitest'
import {
  array,
  attach,
  checkRanks,
  createRegion,
  f64,
  G_CLASS,
  GlobalQueue,
  GlobalQueueLayout,
  IdleSet,
  i32,
  inbox,
  initSlab,
  LINE,
  LocalQueue,
  line,
  lock,
  MIN_REGION_BYTES,
  Note,
  NoteLayout,
  OutOfMemoryError,
  ownerOf,
  POLL,
  RANK,
  RunQueueStealer,
  read,
  regionBytes,
  releaseDead,
  reserve,
  runQueueLayout,
  SLAB_SHAPE,
  Slab,
  slabLayout,
  store,
  struct,
  unlock,
  wake,
  write,
} from '../../src/index.ts'

beforeEach(() => {
  attach(reserve(1 << 20))
  checkRanks(false)
})

/** Items of 16 words from word 4096 on: link at 1, batch link at 2, batch count at 3. */
const item = (n: number): number => 4096 + n * 16
const number = (address: number): number => (address - 4096) / 16
const LINKS = { link: 1, batchLink: 2, batchCount: 3 }

/** Links items into a chain and returns its first. */
function chain(from: number, to: number): number {
  for (let n = from; n <= to; n++) write(item(n) + 1, n === to ? 0 : item(n + 1))
  return item(from)
}

function walk(first: number, link = 1): number[] {
  const found: number[] = []
  for (let at = first; at !== 0; at = read(at + link)) found.push(number(at))
  return found
}

describe('struct', () => {
  test('gives names to offsets, aligned, lines on lines of their own', () => {
    const S = struct({ a: i32, b: f64, c: array(3), d: line(i32), e: i32 })
    expect({ ...S }).toEqual({ a: 0, b: 2, c: 4, d: 16, e: 17, SIZE: 32 })
  })
})

describe('region', () => {
  test('reserves what it is asked for', () => {
    createRegion(MIN_REGION_BYTES * 2, true)
    expect(regionBytes()).toBe(MIN_REGION_BYTES * 2)
  })

  test('says what to do when it cannot', () => {
    expect(() => createRegion(2 ** 52, true)).toThrow(OutOfMemoryError)
    expect(() => createRegion(2 ** 52, true)).toThrow(/runtime\.configure\(\{ memory/)
  })
})

describe('lock', () => {
  test('stands stamped with its owner, and free again', () => {
    lock(64, 7, RANK.pageHeap)
    expect(ownerOf(64)).toBe(7)
    unlock(64, RANK.pageHeap)
    expect(ownerOf(64)).toBe(0)
  })

  test('of a dead thread is released, of a living one not', () => {
    lock(64, 7, RANK.pageHeap)
    expect(releaseDead(64, 8)).toBe(false)
    expect(releaseDead(64, 7)).toBe(true)
    expect(ownerOf(64)).toBe(0)
  })

  test('taken in the wrong order is an error, when that is checked', () => {
    checkRanks(true)
    lock(64, 1, RANK.slabClass)
    expect(() => lock(80, 1, RANK.globalQueue)).toThrow(/lock order/)
    lock(96, 1, RANK.pageHeap)
  })
})

describe('note', () => {
  test('wakes a sleeper once', () => {
    const note = new Note(64)
    expect(wake(64)).toBe(false)
    note.prepare(POLL)
    expect(wake(64)).toBe(true)
    expect(wake(64)).toBe(false)
    expect(note.cancel()).toBe(false)
  })

  test('a sleep that is cancelled is over', () => {
    const note = new Note(64)
    note.prepare(POLL)
    expect(note.cancel()).toBe(true)
    expect(read(64 + NoteLayout.state)).toBe(0)
  })

  test('its event-loop form calls back, each time it is armed', async () => {
    const note = new Note(64)
    for (let i = 0; i < 3; i++) {
      const woken = new Promise<void>((resolve) => note.arm(resolve))
      note.prepare(POLL)
      const hold = setInterval(() => {}, 1000)
      expect(wake(64)).toBe(true)
      await woken
      clearInterval(hold)
    }
  })
})

describe('inbox', () => {
  test('hands out everything in the order in which it came', () => {
    for (const n of [1, 2, 3]) expect(inbox.push(64, item(n), 1)).toBe(true)
    expect(inbox.isEmpty(64)).toBe(false)
    expect(walk(inbox.takeAll(64, 1))).toEqual([1, 2, 3])
    expect(inbox.isEmpty(64)).toBe(true)
    expect(inbox.takeAll(64, 1)).toBe(0)
  })

  test('refuses what comes after it is closed, until it is opened', () => {
    inbox.push(64, item(1), 1)
    expect(walk(inbox.close(64, 1))).toEqual([1])
    expect(inbox.push(64, item(2), 1)).toBe(false)
    expect(inbox.close(64, 1)).toBe(0)
    inbox.open(64)
    expect(inbox.push(64, item(2), 1)).toBe(true)
  })
})

describe('global queue', () => {
  const make = () => new GlobalQueue(64, 1, LINKS)

  test('hands out batches whole, oldest first', () => {
    const queue = make()
    queue.put(chain(1, 3), 3)
    queue.put(chain(4, 4), 1)
    expect(queue.size).toBe(4)
    expect(walk(queue.take())).toEqual([1, 2, 3])
    expect(walk(queue.take())).toEqual([4])
    expect(queue.take()).toBe(0)
    expect(queue.size).toBe(0)
  })

  test('is whole again after a thread has died under its lock', () => {
    const queue = make()
    queue.put(chain(1, 3), 3)
    queue.put(chain(4, 5), 2)
    lock(64 + GlobalQueueLayout.lock, 9, RANK.globalQueue)
    write(64 + GlobalQueueLayout.tail, 0)
    store(64 + GlobalQueueLayout.size, 99)
    queue.repair(9)
    queue.put(chain(6, 6), 1)
    expect(queue.size).toBe(6)
    expect([walk(queue.take()), walk(queue.take()), walk(queue.take())]).toEqual([[1, 2, 3], [4, 5], [6]])
  })
})

describe('run queue', () => {
  const CAPACITY = 8
  const layout = runQueueLayout(CAPACITY)
  const make = (start = 0) => {
    write(64 + layout.head, start)
    write(64 + layout.tail, start)
    const overflowed: number[][] = []
    const overflow = { put: (first: number) => void overflowed.push(walk(first)) }
    return { queue: new LocalQueue(64, CAPACITY, 1, overflow), stealer: new RunQueueStealer(64, CAPACITY), overflowed }
  }
  const drain = (queue: LocalQueue): number[] => {
    const found: number[] = []
    for (let g = queue.get(); g !== 0; g = queue.get()) found.push(number(g))
    return found
  }

  test.each([0, 2 ** 31 - 4, -4])('is first in, first out, also where the counts wrap (from %i)', (start) => {
    const { queue, stealer } = make(start)
    for (let round = 0; round < 3; round++) {
      for (let n = 1; n <= CAPACITY; n++) queue.put(item(n))
      expect(stealer.length).toBe(CAPACITY)
      expect(drain(queue)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
      expect(stealer.isEmpty).toBe(true)
    }
  })

  test('the newest goes first, and kicks the one before it to the tail', () => {
    const { queue } = make()
    queue.put(item(1))
    queue.putNext(item(2))
    queue.putNext(item(3))
    expect(drain(queue)).toEqual([3, 1, 2])
  })

  test('a full ring gives half away, with the one that did not fit last', () => {
    const { queue, overflowed } = make()
    for (let n = 1; n <= CAPACITY + 1; n++) queue.put(item(n))
    expect(overflowed).toEqual([[1, 2, 3, 4, 9]])
    expect(drain(queue)).toEqual([5, 6, 7, 8])
  })

  test.each([1, 2, 3, 5, 8])('a thief takes half of %i, rounded up', (length) => {
    const { queue, stealer } = make()
    const thief = new LocalQueue(1024, CAPACITY, 1, { put: () => {} })
    for (let n = 1; n <= length; n++) queue.put(item(n))
    const half = Math.ceil(length / 2)
    const got = [number(thief.stealFrom(stealer, false)), ...drain(thief)]
    expect(got.sort()).toEqual(Array.from({ length: half }, (_, i) => i + 1))
    expect(thief.stolen).toBe(half)
    expect(drain(queue)).toEqual(Array.from({ length: length - half }, (_, i) => half + i + 1))
  })

  test('a thief takes the newest only when told to, and when there is nothing else', () => {
    const { queue, stealer } = make()
    const thief = new LocalQueue(1024, CAPACITY, 1, { put: () => {} })
    queue.putNext(item(1))
    expect(thief.stealFrom(stealer, false)).toBe(0)
    expect(stealer.isEmpty).toBe(false)
    expect(number(thief.stealFrom(stealer, true))).toBe(1)
    expect(queue.get()).toBe(0)
  })

  test('is filled from a chain as far as there is room', () => {
    const { queue } = make()
    expect(queue.fill(chain(1, 3))).toBe(0)
    expect(walk(queue.fill(chain(4, 12)))).toEqual([9, 10, 11, 12])
    expect(drain(queue)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })
})

describe('run queue, when its counters have gone round', () => {
  test('does not take a ring for empty that is full', () => {
    const layout = runQueueLayout(4)
    const victim = 64 + layout.SIZE
    const overflown: number[] = []
    const queue = new LocalQueue(64, 4, 1, { put: (first) => void overflown.push(first) })
    const other = new LocalQueue(victim, 4, 1, { put: () => {} })
    // As after 2^31 goroutines that were stolen and run, with none put in between.
    const far = -(2 ** 31) + 8
    for (const field of [layout.head, layout.tail]) store(64 + field, far)
    other.put(item(1))
    expect(queue.stealFrom(new RunQueueStealer(victim, 4), false)).toBe(item(1))
    for (let n = 2; n <= 6; n++) queue.put(item(n))
    expect(overflown).toEqual([item(2)])
    expect(queue.get()).toBe(item(4))
  })
})

describe('idle set', () => {
  test('counts who is idle and who spins', () => {
    const set = new IdleSet(64, 70, 0)
    const procs = () => 70
    for (const p of [0, 31, 32, 69]) {
      set.grant(p)
      expect(set.enter(p)).toBe(true)
    }
    expect([set.idle, set.spinning]).toEqual([4, 0])
    const claimed = set.claim(procs)
    expect([0, 31, 32, 69]).toContain(claimed)
    expect([set.idle, set.spinning]).toEqual([3, 1])
    // Somebody spins: nobody else is woken.
    expect(set.claim(procs)).toBe(-1)
    expect(set.isSpinning(claimed)).toBe(true)
    expect(set.leave(claimed)).toBe(false)
    set.stopSpinning(claimed)
    expect(set.spinning).toBe(0)
    const rest = new Set([set.claim(procs)])
    for (const p of rest) set.stopSpinning(p)
    expect(set.idle).toBe(2)
  })

  test('who has no processor neither spins nor goes idle, and is not claimed', () => {
    const set = new IdleSet(64, 8, 0)
    expect([set.has(3), set.trySpin(3, 4), set.enter(3), set.leave(3)]).toEqual([false, false, false, false])
    expect([set.idle, set.spinning, set.claim(() => 8)]).toEqual([0, 0, -1])
    set.grantIdle(3)
    expect([set.has(3), set.idle, set.revokeBusy(3), set.revokeIdle(3), set.idle]).toEqual([true, 1, false, true, 0])
    for (const come of [() => {}, () => set.enter(3), () => set.trySpin(3, 4)]) {
      set.grant(3)
      come()
      expect([set.revokeDead(3), set.revokeDead(3), set.idle, set.spinning]).toEqual([true, false, 0, 0])
    }
  })

  test('at most half of the busy ones spin', () => {
    const set = new IdleSet(64, 8, 0)
    for (const p of [0, 1, 2]) set.grant(p)
    expect(set.trySpin(0, 4)).toBe(true)
    expect(set.trySpin(1, 4)).toBe(true)
    expect(set.trySpin(2, 4)).toBe(false)
    set.enter(0)
    expect([set.idle, set.spinning]).toEqual([1, 1])
    expect(set.leave(0)).toBe(true)
    expect(set.idle).toBe(0)
  })
})

describe('slab', () => {
  const SIZE = slabLayout(SLAB_SHAPE.classes.length).SIZE
  const CACHE = 64 + SIZE
  const HEAP = 2048
  const make = (bytes = 1 << 22) => {
    attach(reserve(bytes))
    initSlab(64, HEAP, bytes / 4)
    return new Slab(64, CACHE, 1)
  }

  test('hands out blocks that do not overlap, and the same ones again', () => {
    const slab = make()
    const sizes = Array.from({ length: 400 }, (_, i) => ((i * 7919) % 5000) + 1)
    const blocks = sizes.map((bytes) => ({ at: slab.alloc(bytes), words: Math.ceil(bytes / 4) }))
    const sorted = [...blocks].sort((a, b) => a.at - b.at)
    for (const [i, block] of sorted.entries()) {
      expect(block.at % 2).toBe(0)
      if (i > 0) expect(block.at).toBeGreaterThanOrEqual(sorted[i - 1]!.at + sorted[i - 1]!.words)
    }
    const { used } = slab.usage()
    for (const { at } of blocks) slab.free(at)
    for (let round = 0; round < 5; round++) {
      const again = sizes.map((bytes) => slab.alloc(bytes))
      for (const at of again) slab.free(at)
    }
    expect(slab.usage().used).toBe(used)
  })

  test('merges neighbouring runs of pages, from either side', () => {
    const slab = make(1 << 23)
    const page = SLAB_SHAPE.pageWords * 4
    const [a, b, c, d] = [1, 2, 3, 1].map((pages) => slab.alloc(page * pages)) as [number, number, number, number]
    slab.free(b)
    slab.free(d)
    slab.free(c)
    slab.free(a)
    const whole = slab.alloc(page * 7)
    expect(whole).toBe(a)
    slab.free(whole)
    expect(slab.usage().used).toBe(0)
  })

  test('is exhausted with a message that says by what, and whole afterwards', () => {
    const slab = make()
    const blocks: number[] = []
    const fill = () => {
      for (;;) blocks.push(slab.alloc(100_000))
    }
    expect(fill).toThrow(OutOfMemoryError)
    expect(fill).toThrow(/100000 bytes asked for, .* in use .*runtime\.configure\(\{ memory/)
    const count = blocks.length
    for (const block of blocks) slab.free(block)
    blocks.length = 0
    expect(fill).toThrow(OutOfMemoryError)
    expect(blocks.length).toBe(count)
  })

  test('lends a larger block when there is no page for a class', () => {
    const slab = make()
    const large: number[] = []
    expect(() => {
      for (;;) large.push(slab.alloc(20_000))
    }).toThrow(OutOfMemoryError)
    slab.free(large.pop() as number)
    expect(slab.alloc(100)).toBeGreaterThan(0)
    expect(() => slab.allocClass(G_CLASS)).toThrow(OutOfMemoryError)
  })

  test("gives a dead thread's cache back", () => {
    const slab = make()
    const block = slab.alloc(64)
    slab.free(block)
    slab.flush()
    const other = new Slab(64, CACHE + 256, 2)
    const got = new Set(Array.from({ length: 200 }, () => other.alloc(64)))
    expect(got.has(block)).toBe(true)
    expect(got.size).toBe(200)
  })

  test('walks all blocks of a class', () => {
    const slab = make()
    const mine = Array.from({ length: 2000 }, () => slab.allocClass(G_CLASS))
    for (const g of mine) write(g, 1)
    let live = 0
    slab.walk(G_CLASS, (g) => {
      live += read(g)
    })
    expect(live).toBe(2000)
    expect(mine.every((g) => g % LINE === 0)).toBe(true)
  })
})
