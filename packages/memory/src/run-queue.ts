/**
 * The run queue of a processor: a ring of `capacity` goroutines and `next`, the newest. The owner pushes at the tail and
 * takes from the head; thieves take half from the head. After Go's `runqput`, `runqget` and `runqgrab` (`runtime/proc.go`);
 * two classes for the two roles, as in Tokio's `multi_thread/queue.rs`, so that misuse does not compile.
 *
 * Invariants: `head` and `tail` count for ever (32-bit, wrapping); 0 <= tail - head <= capacity; slot i & (capacity - 1)
 * holds the i-th goroutine for head <= i < tail. Only the owner writes `tail`, slots, and a non-zero `next`; anyone moves
 * `head` forward, by cas, and thereby becomes the one who has the goroutines it passed.
 *
 * Linearization points: `put` at its store of `tail`; `get`, `take` and `steal` at their cas of `head` (or of `next`); an overflow
 * at its cas of `head` (the goroutines are then the owner's alone until the global queue has them).
 *
 * Why plain slots are right: the owner writes a slot before the store of `tail` that publishes it, and writes it again only
 * after it has read a `head` beyond it, hence after the cas of whoever took it. A thief reads slots before its cas; if the
 * cas succeeds `head` had not moved, so none of those slots can have been reused, and if it fails what was read is thrown
 * away. ABA on `head` would need 2^32 goroutines to pass between a thief's load and its cas.
 *
 * A thread may die with goroutines in its hands, between taking them out of one queue and putting them into another, or saying whose they
 * are. So before it takes it says what it is about to take (`hand`, `batch`), in plain words that only it writes, and that nobody reads but
 * who comes to bury it, or another (`inHand`, `mayHold`). What stands there may also have been taken by somebody else, or be long gone:
 * whether it is lost is for that one to find out.
 *
 * `next` may be stolen too, or a goroutine that was readied by one that then computes for long would wait for it; a
 * thief does so only when the ring is empty, and only when told to (Go's `stealRunNextG`: the last round of stealing).
 */
import { cas, exchange, load, read, store, write } from '#atomics'
import { lose } from './races.ts'
import { array, type Field, i32, type Layout, LINE, line, struct } from './struct.ts'

interface RunQueueFields extends Record<string, Field> {
  head: Field
  tail: Field
  next: Field
  hand: Field
  moves: Field
  batchFrom: Field
  batchCount: Field
  batchChain: Field
  slots: Field
}

/** The layout for a ring of `capacity` goroutines, a power of two. */
export function runQueueLayout(capacity: number): Layout<RunQueueFields> {
  return struct({
    /** Next to run. Any thread moves it forward, by cas. */
    head: line(i32),
    /** Where the owner puts the next. Owner only; others read it, atomically. */
    tail: line(i32),
    /** Newest goroutine, to run first, or 0. The owner sets it, any thread takes it, by cas or exchange. */
    next: i32,
    /** The goroutine that the owner is taking, or moving, or has taken last, by itself; 0 if it has found none. Owner. */
    hand: i32,
    /** Odd while the owner is moving several from queue to queue. Owner. */
    moves: i32,
    /** Those: so many slots of the ring from there on; or a chain. Owner. */
    batchFrom: i32,
    batchCount: i32,
    batchChain: i32,
    /** The ring. Owner writes; see above for who may read. */
    slots: array(capacity, LINE),
  })
}

/** The most goroutines of a chain that are looked at: more than fit into half a ring and one. */
const LONGEST_CHAIN = 1 << 12

/** Where goroutines go that do not fit: takes a chain of `count` from `first` on, linked at `link`. */
export interface Overflow {
  put(first: number, count: number): void
}

/** Where they are taken from again, in chains: the global queue. */
export interface Chains extends Overflow {
  readonly size: number
  take(chain: number): number
  /** How many there are in a chain that `take` has just given. */
  countOf(first: number): number
}

/** The owner's face. One thread at a time has it; a new owner makes its own. */
export class LocalQueue {
  readonly #head: number
  readonly #tail: number
  readonly #next: number
  readonly #hand: number
  readonly #moves: number
  readonly #batchFrom: number
  readonly #batchCount: number
  readonly #batchChain: number
  readonly #slots: number
  readonly #capacity: number
  readonly #mask: number
  readonly #link: number
  readonly #overflow: Overflow
  /** Scratch of `#putSlow`: half a ring. */
  readonly #batch: Int32Array
  /** A value that `head` has had: the ring has at least the room that it says. */
  #headSeen: number
  /** Goroutines stolen from others by this face. */
  stolen = 0
  /** Whether `next` can be non-zero: only the owner sets it, so that the owner need not look when it has not. */
  #hasNext = true
  /** What it is then, if no thief has taken it. */
  #ownNext: number

  /** `link` is the offset of the word by which overflowing goroutines are chained. */
  constructor(base: number, capacity: number, link: number, overflow: Overflow) {
    const layout = runQueueLayout(capacity)
    this.#head = base + layout.head
    this.#tail = base + layout.tail
    this.#next = base + layout.next
    this.#hand = base + layout.hand
    this.#moves = base + layout.moves
    this.#batchFrom = base + layout.batchFrom
    this.#batchCount = base + layout.batchCount
    this.#batchChain = base + layout.batchChain
    this.#slots = base + layout.slots
    this.#capacity = capacity
    this.#mask = capacity - 1
    this.#link = link
    this.#overflow = overflow
    this.#batch = new Int32Array(capacity >>> 1)
    this.#headSeen = load(this.#head)
    this.#ownNext = load(this.#next)
    // What the owner before was moving when it died has been seen to.
    write(this.#moves, (read(this.#moves) + 1) & ~1)
    write(this.#hand, 0)
  }

  /** Puts `g` at the tail. Wake somebody after this. */
  put(g: number): void {
    const tail = read(this.#tail)
    if (((tail - this.#headSeen) | 0) >= this.#capacity) {
      this.#headSeen = load(this.#head)
      if (((tail - this.#headSeen) | 0) >= this.#capacity) return this.#putSlow(g)
    }
    write(this.#slots + (tail & this.#mask), g)
    store(this.#tail, (tail + 1) | 0)
  }

  /** Makes `g` the next to run; what was next goes to the tail. */
  putNext(g: number): void {
    this.#hasNext = true
    write(this.#hand, this.#ownNext)
    this.#ownNext = g
    const kicked = exchange(this.#next, g)
    if (kicked !== 0) this.put(kicked)
    else write(this.#hand, 0)
  }

  /** Takes the next goroutine to run; 0 if there is none. */
  get(): number {
    const next = this.takeNext()
    if (next !== 0) return next
    const tail = read(this.#tail)
    for (;;) {
      const head = load(this.#head)
      if (head === tail) {
        write(this.#hand, 0)
        return 0
      }
      const g = read(this.#slots + (head & this.#mask))
      write(this.#hand, g)
      if (cas(this.#head, head, (head + 1) | 0) === head) return g
      lose()
    }
  }

  /** Takes the newest goroutine alone, which would run before all others; 0 if there is none. */
  takeNext(): number {
    if (!this.#hasNext) return 0
    this.#hasNext = false
    write(this.#hand, this.#ownNext)
    return exchange(this.#next, 0)
  }

  /**
   * Fills the empty ring from a chain linked at `link` and returns what follows in it (0 if all went in). For what came
   * in a batch from the global queue: one store publishes it all.
   */
  fill(first: number): number {
    const tail = read(this.#tail)
    this.#headSeen = load(this.#head)
    const room = this.#capacity - ((tail - this.#headSeen) | 0)
    let g = first
    let n = 0
    for (; g !== 0 && n < room; n++) {
      write(this.#slots + ((tail + n) & this.#mask), g)
      g = read(g + this.#link)
    }
    if (n > 0) store(this.#tail, (tail + n) | 0)
    return g
  }

  /**
   * Steals half of the victim's ring into this one, which must be empty, and returns the last goroutine of it to be run at
   * once, which is in `hand`; 0 if there was nothing. With `stealNext` also takes the victim's `next` when its ring is empty.
   */
  stealFrom(victim: RunQueueStealer, stealNext: boolean): number {
    const tail = read(this.#tail)
    const n = victim.grab(this, this.#slots, tail, this.#mask, stealNext)
    if (n === 0) return 0
    // The ring is empty, so this is where the head is. Noted here, because a thread that only steals never puts: its note of
    // the head would fall behind by more than a word can tell.
    this.#headSeen = tail
    this.stolen += n
    const g = read(this.#slots + ((tail + n - 1) & this.#mask))
    write(this.#hand, g)
    if (n > 1) store(this.#tail, (tail + n - 1) | 0)
    this.endMove()
    return g
  }

  /** Several goroutines are about to be moved from queue to queue: `count` in the ring's slots from `from` on, or those of `chain`. */
  beginMove(from = 0, count = 0): void {
    write(this.#batchFrom, from)
    write(this.#batchCount, count)
    write(this.#batchChain, 0)
    write(this.#moves, (read(this.#moves) + 1) | 0)
  }

  /** They are in a queue, but for one that is in `hand`. */
  endMove(): void {
    write(this.#moves, (read(this.#moves) + 1) | 0)
  }

  /** Takes a chain out of `from`: its first goroutine to be run at once, which is in `hand`, the others into the ring, which is empty. */
  takeOver(from: Chains): number {
    if (from.size === 0) return 0
    this.beginMove()
    const first = from.take(this.#batchChain)
    if (first !== 0) {
      write(this.#hand, first)
      const rest = this.fill(read(first + this.#link))
      if (rest !== 0) from.put(rest, this.#count(rest))
    }
    this.endMove()
    return first
  }

  /** As `takeOver`, while the ring may be full: what is behind the first goes back, to the end. */
  takeOneOver(from: Chains): number {
    if (from.size === 0) return 0
    this.beginMove()
    const first = from.take(this.#batchChain)
    if (first !== 0) {
      write(this.#hand, first)
      const count = from.countOf(first)
      if (count > 1) from.put(read(first + this.#link), count - 1)
    }
    this.endMove()
    return first
  }

  /** Moves what is in the queue of `victim` to the end of `to`. Whether there was anything. */
  moveAll(victim: RunQueueStealer, to: Overflow): boolean {
    if (victim.isEmpty) return false
    this.beginMove()
    const first = victim.take(this.#hand)
    if (first !== 0) {
      // Whole at every moment, for who may have to bury this thread.
      write(first + this.#link, 0)
      write(this.#batchChain, first)
      let last = first
      let count = 1
      // No more than there were: its thread may put in others all the while.
      for (let n = victim.length; n > 0; n--) {
        const g = victim.take(this.#hand)
        if (g === 0) break
        write(g + this.#link, 0)
        write(last + this.#link, g)
        last = g
        count++
      }
      to.put(first, count)
    }
    this.endMove()
    return first !== 0
  }

  /** Moves the newest goroutine to the end of `to`. Whether there was one. */
  moveNext(to: Overflow): boolean {
    this.beginMove()
    const next = this.takeNext()
    if (next !== 0) {
      write(next + this.#link, 0)
      to.put(next, 1)
    }
    this.endMove()
    return next !== 0
  }

  #count(first: number): number {
    let count = 0
    for (let g = first; g !== 0; g = read(g + this.#link)) count++
    return count
  }

  /** Moves half of the full ring and `g` to the overflow, in one batch. */
  #putSlow(g: number): void {
    const head = this.#headSeen
    const batch = this.#batch
    const half = batch.length
    for (let i = 0; i < half; i++) batch[i] = read(this.#slots + ((head + i) & this.#mask))
    write(this.#hand, g)
    this.beginMove(head, half)
    // Until the cas succeeds a thief may have them: their links are not ours to write.
    if (cas(this.#head, head, (head + half) | 0) !== head) {
      lose()
      this.endMove()
      return this.put(g)
    }
    this.#headSeen = (head + half) | 0
    let next = g
    write(g + this.#link, 0)
    for (let i = half - 1; i >= 0; i--) {
      const each = batch[i] as number
      write(each + this.#link, next)
      next = each
    }
    this.#overflow.put(next, half + 1)
    this.endMove()
  }
}

/** A thief's face, and anybody's for a look at the length. Any thread may have one. */
export class RunQueueStealer {
  readonly #head: number
  readonly #tail: number
  readonly #next: number
  readonly #hand: number
  readonly #moves: number
  readonly #batchFrom: number
  readonly #batchCount: number
  readonly #batchChain: number
  readonly #slots: number
  readonly #capacity: number

  constructor(base: number, capacity: number) {
    const layout = runQueueLayout(capacity)
    this.#head = base + layout.head
    this.#tail = base + layout.tail
    this.#next = base + layout.next
    this.#hand = base + layout.hand
    this.#moves = base + layout.moves
    this.#batchFrom = base + layout.batchFrom
    this.#batchCount = base + layout.batchCount
    this.#batchChain = base + layout.batchChain
    this.#slots = base + layout.slots
    this.#capacity = capacity
  }

  /** How many goroutines are in the ring, at some moment during the call. */
  get length(): number {
    for (;;) {
      const head = load(this.#head)
      const n = (load(this.#tail) - head) | 0
      // A tail that is read after others have moved the head may be ahead by more than a ring: read both again.
      if (n <= this.#capacity && load(this.#head) === head) return n
    }
  }

  /** Whether ring and `next` are both empty, at one moment during the call (Go's `runqempty`). */
  get isEmpty(): boolean {
    for (;;) {
      const head = load(this.#head)
      const tail = load(this.#tail)
      const next = load(this.#next)
      // `next` may be kicked to the tail between the reads: only a tail that has not moved makes them one moment.
      if (tail === load(this.#tail)) return head === tail && next === 0
    }
  }

  /**
   * Takes the oldest goroutine, or `next` if there is none in the ring; 0 if there is neither. Before it is out of the queue it is written
   * to `hand`, if that is not 0, for who may have to bury this thread.
   */
  take(hand = 0): number {
    for (;;) {
      const head = load(this.#head)
      if (load(this.#tail) === head) {
        const next = load(this.#next)
        if (hand !== 0) write(hand, next)
        if (next === 0 || cas(this.#next, next, 0) === next) return next
        lose()
        continue
      }
      const g = read(this.#slots + (head & (this.#capacity - 1)))
      if (hand !== 0) write(hand, g)
      if (cas(this.#head, head, (head + 1) | 0) === head) return g
      lose()
    }
  }

  /**
   * Copies half of the ring to `slots` from `at` on and takes it; returns how many: the thief is moving those then. For
   * `LocalQueue.stealFrom` only.
   */
  grab(thief: LocalQueue, slots: number, at: number, mask: number, stealNext: boolean): number {
    for (;;) {
      const head = load(this.#head)
      const length = (load(this.#tail) - head) | 0
      const n = length - (length >> 1)
      if (n === 0) return stealNext ? this.#grabNext(thief, slots, at, mask) : 0
      // Head and tail are not read at one moment: a difference that cannot be is read again.
      if (n > this.#capacity >>> 1) continue
      for (let i = 0; i < n; i++) {
        write(slots + ((at + i) & mask), read(this.#slots + ((head + i) & (this.#capacity - 1))))
      }
      thief.beginMove(at, n)
      if (cas(this.#head, head, (head + n) | 0) === head) return n
      lose()
      thief.endMove()
    }
  }

  #grabNext(thief: LocalQueue, slots: number, at: number, mask: number): number {
    const next = load(this.#next)
    if (next === 0) return 0
    write(slots + (at & mask), next)
    thief.beginMove(at, 1)
    if (cas(this.#next, next, 0) === next) return 1
    lose()
    thief.endMove()
    return 0
  }

  // --- for who buries a thread ----------------------------------------------------------------------------------------------

  /** How often the owner has begun or ended to move several: odd while it does. */
  get moves(): number {
    return load(this.#moves)
  }

  /** What the owner, which is dead, may have had in its hands, linked at `link` where it was a chain. */
  inHand(link: number): number[] {
    const found = new Set([read(this.#hand)])
    if ((read(this.#moves) & 1) === 1) {
      const from = read(this.#batchFrom)
      for (let i = 0; i < read(this.#batchCount); i++)
        found.add(read(this.#slots + ((from + i) & (this.#capacity - 1))))
      let g = read(this.#batchChain)
      for (let n = 0; g > 0 && n < LONGEST_CHAIN; n++, g = read(g + link)) found.add(g)
    }
    found.delete(0)
    return [...found]
  }

  /**
   * Takes out of `lost` what is in this queue; and returns which of the rest its owner, which lives, may just be moving or taking. One that
   * goes from `next` to the ring, or from there to be run, while this is looked at is seen in one of the places: the owner says what it has
   * in hand before it takes it, and until that is in its next place.
   */
  search(lost: Set<number>): number[] {
    lost.delete(load(this.#next))
    const before = load(this.#hand)
    for (;;) {
      const head = load(this.#head)
      const n = (load(this.#tail) - head) | 0
      const slots = Array.from({ length: Math.min(Math.max(n, 0), this.#capacity) }, (_, i) =>
        read(this.#slots + ((head + i) & (this.#capacity - 1))),
      )
      // What was passed meanwhile is in somebody's hands; what was there at first, and is so still, was in the queue.
      if (load(this.#head) !== head) continue
      for (const g of slots) lost.delete(g)
      break
    }
    return [before, load(this.#hand)].filter((g) => lost.has(g))
  }
}
