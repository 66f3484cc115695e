/**
 * The allocator of the region's heap. Small blocks come in size classes, from per-thread caches; large ones are runs of
 * whole pages. After Go's `mcache`, `mcentral` and `mheap` (`runtime/malloc.go`), much reduced.
 *
 *   cache     a thread's own free list a class, linked through the blocks: no atomics at all
 *   central   a class's list of full batches of `BATCH` blocks, and the page being carved; under the class's lock
 *   heap      pages: what was never used (`fresh`), and free runs; under `heapLock`
 *
 * A block may be freed by any thread: it goes into that thread's cache, and in batches back to the central list. A page
 * given to a class stays with it, so a block's class is found by its page and never changes (`pageClass`, written once
 * before the first block of the page is handed out, by whatever publishes the block).
 *
 * Free runs stand in a list through their first pages and carry their length in the page map at both ends, so that
 * neighbours are found and merged when a run is freed (Knuth's boundary tags, TAOCP 2.5).
 *
 * ABA: no list here is popped by `cas`; the lists are a thread's own or under a lock. A thread that dies leaves its cache
 * in shared memory, where its undertaker empties it (`flush`). Dying in the middle of a change of a class's list loses at the most the
 * blocks of one batch, since it is changed by the one write of its head; the list of free runs is made anew (`#mendHeap`).
 */
import { load, read, store, write } from '#atomics'
import { lock, ownerOf, RANK, releaseDead, unlock } from './lock.ts'
import { OutOfMemoryError } from './out-of-memory.ts'
import { alignUp, array, i32, LINE, line, struct, WORD_BYTES } from './struct.ts'

/** How a slab is cut; a parameter so that the explorer meets every edge with a tiny one. */
export interface SlabShape {
  /** Words in a page, a power of two. */
  readonly pageWords: number
  /** Words in a block of each class, multiples of 4: first the runtime's own, then those for `alloc`, ascending. */
  readonly classes: readonly number[]
  /** How many of them are the runtime's own: taken by their number, and found by walking their pages. */
  readonly own: number
  /** Blocks that move between cache and central list at once, by class. */
  readonly batch: (classWords: number) => number
}

/** The runtime's own, then 64 bytes to 32 KiB in four steps a doubling (at most a fifth is lost to rounding). */
function defaultClasses(): number[] {
  const classes = [LINE, LINE, LINE, REF_WORDS, LINE]
  for (let base = LINE; base < 8192; base *= 2) {
    for (let quarter = 5; quarter <= 8; quarter++) classes.push((base * quarter) / 4)
  }
  return classes
}

/**
 * The classes that are kept for what the runtime has to find by walking pages when a thread has died: goroutines, waiters, what
 * they wait on, and the threads' references to that.
 */
export const G_CLASS = 0
export const SUDOG_CLASS = 1
export const HANDLE_CLASS = 2
export const REF_CLASS = 3
const REF_WORDS = 4

/** 64 KiB pages; batches of 8 KiB, but of one block at least. */
export const SLAB_SHAPE: SlabShape = {
  pageWords: 1 << 14,
  classes: defaultClasses(),
  own: 4,
  batch: (classWords) => Math.max(1, Math.min(128, 2048 / classWords) | 0),
}

const CentralLayout = struct({
  /** Owner-stamped lock of the class. */
  lock: line(i32),
  /** First full batch. Under lock. */
  batches: i32,
  /** Where the page being carved goes on, and where it ends. Under lock. */
  carve: i32,
  carveEnd: i32,
  /** Pages the class has. Written under lock, read as a statistic. */
  pages: i32,
})

/**
 * A free block's words: the next free block, and in the first block of a batch the next batch. Word 0 is left alone: it
 * is where a goroutine says that it is dead, for those who walk them all.
 */
const FREE_NEXT = 1
const FREE_BATCH = 2
/** A free run's words, in its first page: its neighbours in the list. */
const RUN_NEXT = 0
const RUN_PREV = 1

/** The page map's entries: what begins (or ends) at this page. A class's pages hold CLASS | class. */
const KIND = 3 << 28
const CLASS = 1 << 28
const LARGE = 2 << 28
const FREE = 3 << 28
const LENGTH = (1 << 28) - 1

/** The static part of a slab with `classes` size classes. */
export function slabLayout(classes: number) {
  return struct({
    /** Owner-stamped lock of the heap. */
    heapLock: line(i32),
    /** First page that was never used; pages in all. Under heapLock, read as a statistic. */
    fresh: i32,
    pages: i32,
    /** Address of page 0 and of the page map. Written once, at start. */
    firstPage: i32,
    pageMap: i32,
    /** First free run (an address). Under heapLock. */
    runs: i32,
    /** Pages in free runs. Under heapLock, read as a statistic. */
    freePages: i32,
    /** What is free if the thread that has heapLock dies: so many pages from there on. Under heapLock. */
    claimFirst: i32,
    claimPages: i32,
    central: array(CentralLayout.SIZE * classes, LINE),
  })
}

/** A thread's cache: for each class the first free block and how many there are. Owner only. */
export function cacheWords(classes: number): number {
  return classes * 2
}

/** What the slab has handed out, in bytes. */
export interface SlabUsage {
  /** Bytes reserved for the heap. */
  readonly reserved: number
  /** Bytes of the pages that are in use, by classes or large blocks. */
  readonly used: number
  /** The part of `used` that is goroutines. */
  readonly goroutines: number
}

/** Prepares the slab whose static part is at `base` to use the words from `heapStart` to `heapEnd`. Once, by one thread. */
export function initSlab(base: number, heapStart: number, heapEnd: number, shape: SlabShape = SLAB_SHAPE): void {
  const layout = slabLayout(shape.classes.length)
  const perPage = shape.pageWords + 1
  const pages = Math.floor((heapEnd - heapStart - shape.pageWords) / perPage)
  write(base + layout.pageMap, heapStart)
  write(base + layout.firstPage, alignUp(heapStart + pages, Math.min(shape.pageWords, LINE)))
  write(base + layout.pages, pages)
}

/** One thread's face of the slab. */
export class Slab {
  readonly #base: number
  readonly #cache: number
  readonly #owner: number
  readonly #shape: SlabShape
  /** Blocks that move at once, by class. */
  readonly #batches: Int32Array
  readonly #layout: ReturnType<typeof slabLayout>
  readonly #pageMap: number
  readonly #firstPage: number
  readonly #pageShift: number
  /** Class by block size in units of four words, for all small sizes. */
  readonly #classOf: Uint8Array
  readonly #largest: number

  /** `cache` is where this thread's cache stands, `owner` the id it stamps locks with. */
  constructor(base: number, cache: number, owner: number, shape: SlabShape = SLAB_SHAPE) {
    this.#base = base
    this.#cache = cache
    this.#owner = owner
    this.#shape = shape
    this.#batches = Int32Array.from(shape.classes, shape.batch)
    this.#layout = slabLayout(shape.classes.length)
    this.#pageMap = read(base + this.#layout.pageMap)
    this.#firstPage = read(base + this.#layout.firstPage)
    this.#pageShift = 31 - Math.clz32(shape.pageWords)
    this.#largest = shape.classes[shape.classes.length - 1] as number
    this.#classOf = new Uint8Array((this.#largest >>> 2) + 1)
    for (let quad = 0, c = shape.own; quad < this.#classOf.length; quad++) {
      while ((shape.classes[c] as number) < quad * 4) c++
      this.#classOf[quad] = c
    }
  }

  /**
   * A block of at least `bytes` bytes (at least one), aligned to 8. Its contents are undefined.
   *
   * @throws OutOfMemoryError when the region is exhausted; nothing is changed.
   */
  alloc(bytes: number): number {
    const quads = (bytes + 15) >>> 4
    if (quads >= this.#classOf.length || bytes > 2 ** 31) return this.#allocPages(bytes)
    return this.allocClass(this.#classOf[quads] as number)
  }

  /** A block of class `c`. */
  allocClass(c: number): number {
    const entry = this.#cache + c * 2
    const block = read(entry)
    if (block === 0) return this.#refill(c)
    write(entry, read(block + FREE_NEXT))
    write(entry + 1, read(entry + 1) - 1)
    return block
  }

  /** Gives a block back, whichever thread it came from. */
  free(block: number): void {
    const page = (block - this.#firstPage) >>> this.#pageShift
    const entry = read(this.#pageMap + page)
    if ((entry & KIND) === CLASS) this.freeClass(block, entry & LENGTH)
    else this.#freePages(page, entry & LENGTH)
  }

  /** Gives back a block that is known to be of class `c`. */
  freeClass(block: number, c: number): void {
    const entry = this.#cache + c * 2
    const count = read(entry + 1)
    write(block + FREE_NEXT, read(entry))
    write(entry, block)
    write(entry + 1, count + 1)
    const batch = this.#batches[c] as number
    if (count + 1 >= 2 * batch) this.#release(c, batch)
  }

  /** Empties the cache into the central lists: for a thread that ends, or by the undertaker of one that died. */
  flush(): void {
    for (let c = 0; c < this.#shape.classes.length; c++) {
      const entry = this.#cache + c * 2
      while (read(entry) !== 0) this.#release(c, this.#batches[c] as number)
      write(entry + 1, 0)
    }
  }

  /** Makes whole what the dead thread `owner` was changing, and releases the locks that it held. */
  releaseDead(owner: number): void {
    if (ownerOf(this.#base + this.#layout.heapLock) === owner) this.#mendHeap()
    releaseDead(this.#base + this.#layout.heapLock, owner)
    for (let c = 0; c < this.#shape.classes.length; c++) releaseDead(this.#central(c) + CentralLayout.lock, owner)
  }

  /** Calls `visit` with each block of class `c`: handed out, free, or never used yet (then its word 0 is 0). */
  walk(c: number, visit: (block: number) => void): void {
    const size = this.#shape.classes[c] as number
    const fresh = load(this.#base + this.#layout.fresh)
    for (let page = 0; page < fresh; page++) {
      if (load(this.#pageMap + page) !== (CLASS | c)) continue
      const start = this.#firstPage + (page << this.#pageShift)
      const end = start + this.#shape.pageWords
      for (let block = start; block + size <= end; block += size) visit(block)
    }
  }

  /** The locks of the slab: where each is, and its rank. */
  locks(): (readonly [address: number, rank: number])[] {
    const classes = this.#shape.classes.map((_, c) => [this.#central(c) + CentralLayout.lock, RANK.slabClass] as const)
    return [[this.#base + this.#layout.heapLock, RANK.pageHeap], ...classes]
  }

  usage(): SlabUsage {
    const bytes = this.#shape.pageWords * WORD_BYTES
    const { fresh, freePages, pages } = this.#layout
    return {
      reserved: load(this.#base + pages) * bytes,
      used: (load(this.#base + fresh) - load(this.#base + freePages)) * bytes,
      goroutines: load(this.#central(G_CLASS) + CentralLayout.pages) * bytes,
    }
  }

  #central(c: number): number {
    return this.#base + this.#layout.central + c * CentralLayout.SIZE
  }

  /** Fills the empty cache of class `c` with a batch, or with newly carved blocks, and takes one. */
  #refill(c: number): number {
    const size = this.#shape.classes[c] as number
    const batch = this.#batches[c] as number
    const central = this.#central(c)
    const entry = this.#cache + c * 2
    lock(central + CentralLayout.lock, this.#owner, RANK.slabClass)
    let first = read(central + CentralLayout.batches)
    let count = batch
    let last = 0
    if (first !== 0) {
      write(central + CentralLayout.batches, read(first + FREE_BATCH))
    } else {
      if (read(central + CentralLayout.carve) + size > read(central + CentralLayout.carveEnd) && !this.#growClass(c)) {
        unlock(central + CentralLayout.lock, RANK.slabClass)
        return this.#borrow(c)
      }
      first = read(central + CentralLayout.carve)
      count = Math.min(batch, ((read(central + CentralLayout.carveEnd) - first) / size) | 0)
      last = first + count * size
      store(central + CentralLayout.carve, last)
    }
    unlock(central + CentralLayout.lock, RANK.slabClass)
    // Newly carved blocks are this thread's alone: they are linked outside the lock.
    for (let block = last === 0 ? last : first; block !== last; block += size) {
      write(block + FREE_NEXT, block + size === last ? 0 : block + size)
    }
    write(entry, read(first + FREE_NEXT))
    write(entry + 1, count - 1)
    return first
  }

  /**
   * There is no page for class `c`: a free block of a larger class will do. It goes back to its own class when it is freed.
   * Not for the runtime's own, which are found by the pages of their class.
   */
  #borrow(c: number): number {
    for (let larger = c + 1; c >= this.#shape.own && larger < this.#shape.classes.length; larger++) {
      if (read(this.#cache + larger * 2) !== 0) return this.allocClass(larger)
      const central = this.#central(larger)
      lock(central + CentralLayout.lock, this.#owner, RANK.slabClass)
      const first = read(central + CentralLayout.batches)
      if (first !== 0) write(central + CentralLayout.batches, read(first + FREE_BATCH))
      unlock(central + CentralLayout.lock, RANK.slabClass)
      if (first !== 0) {
        write(this.#cache + larger * 2, first)
        write(this.#cache + larger * 2 + 1, this.#batches[larger] as number)
        return this.allocClass(larger)
      }
    }
    throw this.#outOfMemory((this.#shape.classes[c] as number) * WORD_BYTES)
  }

  /** Gives class `c`, whose lock this thread holds, a new page to carve. False if there is none. */
  #growClass(c: number): boolean {
    const page = this.#takePages(1, LARGE | 1)
    if (page < 0) return false
    const size = this.#shape.classes[c] as number
    const start = this.#firstPage + (page << this.#pageShift)
    const end = start + this.#shape.pageWords
    // Before the page is the class's: who walks it must not take what was here before for one of its blocks.
    for (let block = start; block + size <= end; block += size) write(block, 0)
    store(this.#pageMap + page, CLASS | c)
    const central = this.#central(c)
    // No end while the start changes: a thread that dies here must not leave the two in different pages.
    store(central + CentralLayout.carveEnd, 0)
    store(central + CentralLayout.carve, start)
    store(central + CentralLayout.carveEnd, end)
    store(central + CentralLayout.pages, read(central + CentralLayout.pages) + 1)
    return true
  }

  /** Moves up to `batch` blocks from the cache of class `c` to its central list. */
  #release(c: number, batch: number): void {
    const entry = this.#cache + c * 2
    const first = read(entry)
    let last = first
    let count = 1
    for (; count < batch && read(last + FREE_NEXT) !== 0; count++) last = read(last + FREE_NEXT)
    write(entry, read(last + FREE_NEXT))
    write(entry + 1, read(entry + 1) - count)
    write(last + FREE_NEXT, 0)
    const central = this.#central(c)
    lock(central + CentralLayout.lock, this.#owner, RANK.slabClass)
    write(first + FREE_BATCH, read(central + CentralLayout.batches))
    write(central + CentralLayout.batches, first)
    unlock(central + CentralLayout.lock, RANK.slabClass)
  }

  #allocPages(bytes: number): number {
    const pages = Math.ceil(bytes / WORD_BYTES / this.#shape.pageWords)
    const page = pages <= LENGTH ? this.#takePages(pages, LARGE | pages) : -1
    if (page < 0) throw this.#outOfMemory(bytes)
    return this.#firstPage + (page << this.#pageShift)
  }

  /** Takes a run of `n` pages, first fit, and notes `entry` at its first. -1 if there is none. */
  #takePages(n: number, entry: number): number {
    const { heapLock, fresh, pages, freePages, runs } = this.#layout
    const base = this.#base
    lock(base + heapLock, this.#owner, RANK.pageHeap)
    const unused = read(base + fresh)
    let page = unused + n <= read(base + pages) ? unused : -1
    for (let run = read(base + runs); run !== 0; run = read(run + RUN_NEXT)) {
      const at = (run - this.#firstPage) >>> this.#pageShift
      const length = read(this.#pageMap + at) & LENGTH
      if (length < n) continue
      this.#unlinkRun(run)
      if (length > n) this.#linkRun(at + n, length - n)
      page = at
      break
    }
    if (page >= 0) {
      this.#claim(page, n)
      // At both ends, as with free runs: a stale tag at its end would look like a free neighbour.
      store(this.#pageMap + page + n - 1, entry)
      store(this.#pageMap + page, entry)
      if (page === unused) store(base + fresh, page + n)
      else store(base + freePages, read(base + freePages) - n)
      this.#claim(page, 0)
    }
    unlock(base + heapLock, RANK.pageHeap)
    return page
  }

  /** Gives a run back, merged with its free neighbours. */
  #freePages(page: number, n: number): void {
    const { heapLock, freePages } = this.#layout
    const base = this.#base
    lock(base + heapLock, this.#owner, RANK.pageHeap)
    const after = this.#freeAt(page + n)
    const before = page === 0 ? 0 : this.#freeAt(page - 1)
    const first = page - before
    const length = before + n + after
    this.#claim(first, length)
    if (after > 0) this.#unlinkRun(this.#firstPage + ((page + n) << this.#pageShift))
    if (before > 0) this.#unlinkRun(this.#firstPage + (first << this.#pageShift))
    this.#linkRun(first, length)
    store(base + freePages, read(base + freePages) + n)
    this.#claim(first, 0)
    unlock(base + heapLock, RANK.pageHeap)
  }

  /** If this thread dies before the claim is taken back, by one of no pages, these pages are free. Under heapLock. */
  #claim(page: number, pages: number): void {
    write(this.#base + this.#layout.claimFirst, page)
    write(this.#base + this.#layout.claimPages, pages)
  }

  /** The length of the free run that begins, or ends, at `page`; 0 if none does. Under heapLock. */
  #freeAt(page: number): number {
    const entry = page < read(this.#base + this.#layout.fresh) ? load(this.#pageMap + page) : 0
    return (entry & KIND) === FREE ? entry & LENGTH : 0
  }

  /**
   * A thread died under heapLock: makes the list of free runs anew, from the page map. Of a run that is in use the map is right at its
   * first page at every moment, since that is written last; and so it is of a free one, but for what was claimed.
   */
  #mendHeap(): void {
    const { fresh, freePages, runs, claimFirst, claimPages } = this.#layout
    const base = this.#base
    const claimed = read(base + claimFirst)
    if (read(base + claimPages) > 0 && claimed < read(base + fresh)) this.#tagFree(claimed, read(base + claimPages))
    write(base + runs, 0)
    let free = 0
    for (let page = 0; page < read(base + fresh); ) {
      let length = this.#freeAt(page)
      if (length === 0) {
        const entry = load(this.#pageMap + page)
        page += (entry & KIND) === CLASS ? 1 : entry & LENGTH
        continue
      }
      for (let more = this.#freeAt(page + length); more > 0; more = this.#freeAt(page + length)) length += more
      this.#linkRun(page, length)
      free += length
      page += length
    }
    store(base + freePages, free)
    this.#claim(0, 0)
  }

  #linkRun(page: number, length: number): void {
    const { runs } = this.#layout
    const run = this.#firstPage + (page << this.#pageShift)
    const head = read(this.#base + runs)
    write(run + RUN_NEXT, head)
    write(run + RUN_PREV, 0)
    if (head !== 0) write(head + RUN_PREV, run)
    this.#tagFree(page, length)
    write(this.#base + runs, run)
  }

  /** Notes in the page map that these pages are a free run. */
  #tagFree(page: number, length: number): void {
    store(this.#pageMap + page + length - 1, FREE | length)
    store(this.#pageMap + page, FREE | length)
  }

  #unlinkRun(run: number): void {
    const next = read(run + RUN_NEXT)
    const prev = read(run + RUN_PREV)
    if (next !== 0) write(next + RUN_PREV, prev)
    write(prev === 0 ? this.#base + this.#layout.runs : prev + RUN_NEXT, next)
  }

  #outOfMemory(bytes: number): OutOfMemoryError {
    const { reserved, used, goroutines } = this.usage()
    const mb = (n: number) => `${(n / 2 ** 20).toFixed(1)} MiB`
    return new OutOfMemoryError(
      `out of shared memory: ${bytes} bytes asked for, ${mb(used)} of ${mb(reserved)} in use ` +
        `(${mb(goroutines)} goroutines, ${mb(used - goroutines)} arguments, results and code); ` +
        'raise it with runtime.configure({ memory: BYTES }) before the first go(), or await goroutines as you go',
    )
  }
}

let mine: Slab

/** Makes `slab` this thread's own: what `alloc` and `free` use. */
export function useSlab(slab: Slab): void {
  mine = slab
}

/** A block of at least `bytes` bytes from this thread's slab; see `Slab.alloc`. */
export function alloc(bytes: number): number {
  return mine.alloc(bytes)
}

/** Gives a block back to this thread's slab. */
export function free(block: number): void {
  mine.free(block)
}
