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
 * `next` may be stolen too, or a goroutine that was readied by one that then computes for long would wait for it; a
 * thief does so only when the ring is empty, and only when told to (Go's `stealRunNextG`: the last round of stealing).
 */
import { cas, exchange, load, read, store, write } from '#atomics'
import { array, type Field, i32, type Layout, LINE, line, struct } from './struct.ts'

interface RunQueueFields extends Record<string, Field> {
  head: Field
  tail: Field
  next: Field
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
    /** The ring. Owner writes; see above for who may read. */
    slots: array(capacity, LINE),
  })
}

/** Where goroutines go that do not fit: takes a chain of `count` from `first` on, linked at `link`. */
export interface Overflow {
  put(first: number, count: number): void
}

/** The owner's face. One thread at a time has it; a new owner makes its own. */
export class LocalQueue {
  readonly #head: number
  readonly #tail: number
  readonly #next: number
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

  /** `link` is the offset of the word by which overflowing goroutines are chained. */
  constructor(base: number, capacity: number, link: number, overflow: Overflow) {
    const layout = runQueueLayout(capacity)
    this.#head = base + layout.head
    this.#tail = base + layout.tail
    this.#next = base + layout.next
    this.#slots = base + layout.slots
    this.#capacity = capacity
    this.#mask = capacity - 1
    this.#link = link
    this.#overflow = overflow
    this.#batch = new Int32Array(capacity >>> 1)
    this.#headSeen = load(this.#head)
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
    const kicked = exchange(this.#next, g)
    if (kicked !== 0) this.put(kicked)
  }

  /** Takes the next goroutine to run; 0 if there is none. */
  get(): number {
    const next = this.takeNext()
    if (next !== 0) return next
    const tail = read(this.#tail)
    for (;;) {
      const head = load(this.#head)
      if (head === tail) return 0
      const g = read(this.#slots + (head & this.#mask))
      if (cas(this.#head, head, (head + 1) | 0) === head) return g
    }
  }

  /** Takes the newest goroutine alone, which would run before all others; 0 if there is none. */
  takeNext(): number {
    if (!this.#hasNext) return 0
    this.#hasNext = false
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
   * once; 0 if there was nothing. With `stealNext` also takes the victim's `next` when its ring is empty.
   */
  stealFrom(victim: RunQueueStealer, stealNext: boolean): number {
    const tail = read(this.#tail)
    const n = victim.grab(this.#slots, tail, this.#mask, stealNext)
    if (n === 0) return 0
    // The ring is empty, so this is where the head is. Noted here, because a thread that only steals never puts: its note of
    // the head would fall behind by more than a word can tell.
    this.#headSeen = tail
    this.stolen += n
    const g = read(this.#slots + ((tail + n - 1) & this.#mask))
    if (n > 1) store(this.#tail, (tail + n - 1) | 0)
    return g
  }

  /** Moves half of the full ring and `g` to the overflow, in one batch. */
  #putSlow(g: number): void {
    const head = this.#headSeen
    const batch = this.#batch
    const half = batch.length
    for (let i = 0; i < half; i++) batch[i] = read(this.#slots + ((head + i) & this.#mask))
    // Until the cas succeeds a thief may have them: their links are not ours to write.
    if (cas(this.#head, head, (head + half) | 0) !== head) return this.put(g)
    this.#headSeen = (head + half) | 0
    let next = g
    write(g + this.#link, 0)
    for (let i = half - 1; i >= 0; i--) {
      const each = batch[i] as number
      write(each + this.#link, next)
      next = each
    }
    this.#overflow.put(next, half + 1)
  }
}

/** A thief's face, and anybody's for a look at the length. Any thread may have one. */
export class RunQueueStealer {
  readonly #head: number
  readonly #tail: number
  readonly #next: number
  readonly #slots: number
  readonly #capacity: number

  constructor(base: number, capacity: number) {
    const layout = runQueueLayout(capacity)
    this.#head = base + layout.head
    this.#tail = base + layout.tail
    this.#next = base + layout.next
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

  /** Takes the oldest goroutine, or `next` if there is none in the ring; 0 if there is neither. */
  take(): number {
    for (;;) {
      const head = load(this.#head)
      if (load(this.#tail) === head) {
        const next = load(this.#next)
        if (next === 0 || cas(this.#next, next, 0) === next) return next
        continue
      }
      const g = read(this.#slots + (head & (this.#capacity - 1)))
      if (cas(this.#head, head, (head + 1) | 0) === head) return g
    }
  }

  /** Copies half of the ring to `slots` from `at` on and takes it; returns how many. For `LocalQueue.stealFrom` only. */
  grab(slots: number, at: number, mask: number, stealNext: boolean): number {
    for (;;) {
      const head = load(this.#head)
      const length = (load(this.#tail) - head) | 0
      const n = length - (length >> 1)
      if (n === 0) return stealNext ? this.#grabNext(slots + (at & mask)) : 0
      // Head and tail are not read at one moment: a difference that cannot be is read again.
      if (n > this.#capacity >>> 1) continue
      for (let i = 0; i < n; i++) {
        write(slots + ((at + i) & mask), read(this.#slots + ((head + i) & (this.#capacity - 1))))
      }
      if (cas(this.#head, head, (head + n) | 0) === head) return n
    }
  }

  #grabNext(slot: number): number {
    const next = load(this.#next)
    if (next === 0 || cas(this.#next, next, 0) !== next) return 0
    write(slot, next)
    return 1
  }
}
