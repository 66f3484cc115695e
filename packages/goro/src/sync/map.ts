import {
  addressOf,
  defineHandle,
  ensureStarted,
  freeMap,
  Handle,
  handleKind,
  KIND,
  mapCompareAndSwap,
  mapDelete,
  mapEntries,
  mapGet,
  mapGetOrSet,
  mapHas,
  mapSet,
  mapSize,
  newMap,
} from '@goro/runtime'

function make(): number {
  ensureStarted()
  return newMap()
}

/**
 * A hash map that all threads share. A handle. Each call is one step that others see whole; what belongs together and takes several is for
 * `getOrSet` and `compareAndSwap`, or for a `Mutex`.
 *
 * Keys are strings, numbers, bigints, booleans, `null` and `undefined`, compared as `Map` compares them, and handles (a channel, a
 * mutex), compared by what they stand for. Any other object is refused as a key: no two threads have the same one. Values are copied
 * when they are set and when they are got, by the rules of structured clone; handles in them are shared.
 *
 * @example
 * const pages = new SyncMap<string, number>()
 * await Promise.all(urls.map((url) => go(async (map, u) => map.set(u, await sizeOf(u)), pages, url)))
 * console.log(pages.size, pages.get(urls[0]))
 */
export class SyncMap<K, V> extends Handle {
  /** @throws OutOfMemoryError */
  constructor()
  /** @internal */
  constructor(address: number)
  constructor(address?: number) {
    super(address ?? make())
  }

  /** @internal */
  get [handleKind](): number {
    return KIND.syncMap
  }

  /** A copy of the value of `key`; undefined if it is not there. @throws TypeError for a key that can't be one */
  get(key: K): V | undefined {
    return mapGet(addressOf(this), key) as V | undefined
  }

  /** Whether `key` is there. @throws TypeError */
  has(key: K): boolean {
    return mapHas(addressOf(this), key)
  }

  /**
   * Sets `key` to a copy of `value`, whether it is there or not.
   *
   * @returns the map.
   * @throws TypeError for a key that can't be one; DataCloneError for a value that can't be sent; OutOfMemoryError. Then nothing is changed.
   */
  set(key: K, value: V): this {
    mapSet(addressOf(this), key, value)
    return this
  }

  /** Takes `key` out; whether it was there. @throws TypeError */
  delete(key: K): boolean {
    return mapDelete(addressOf(this), key)
  }

  /**
   * The value of `key`, a copy; if it is not there, sets it to `value` and returns that. Of several that come at once one sets it.
   *
   * @throws as `set`.
   *
   * @example
   * const lock = locks.getOrSet(name, new Mutex())
   */
  getOrSet(key: K, value: V): V {
    return mapGetOrSet(addressOf(this), key, value) as V
  }

  /**
   * Sets `key` to `next` if it is there and its value is `old`: the same primitive or handle, or an object with the same content.
   *
   * @returns whether it did.
   * @throws as `set`.
   *
   * @example
   * let n: number
   * do n = hits.getOrSet(path, 0)
   * while (!hits.compareAndSwap(path, n, n + 1))
   */
  compareAndSwap(key: K, old: V, next: V): boolean {
    return mapCompareAndSwap(addressOf(this), key, old, next)
  }

  /** How many keys there are. While others change the map, how many there were about now. */
  get size(): number {
    return mapSize(addressOf(this))
  }

  /**
   * Keys and values. As Go's `Range`, it is no snapshot of one moment: a key that is there all the time comes once, one that is set or
   * deleted meanwhile comes once or not.
   */
  entries(): IterableIterator<[K, V]> {
    return mapEntries(addressOf(this)) as IterableIterator<[K, V]>
  }

  /** As `entries`. */
  [Symbol.iterator](): IterableIterator<[K, V]> {
    return this.entries()
  }

  /** The keys, as `entries`. */
  *keys(): IterableIterator<K> {
    for (const [key] of this.entries()) yield key
  }

  /** The values, as `entries`. */
  *values(): IterableIterator<V> {
    for (const [, value] of this.entries()) yield value
  }

  /** Calls `fn` with each value and key, as `entries`. */
  forEach(fn: (value: V, key: K, map: SyncMap<K, V>) => void): void {
    for (const [key, value] of this.entries()) fn(value, key, this)
  }

  get [Symbol.toStringTag](): string {
    return 'SyncMap'
  }
}

defineHandle(KIND.syncMap, (address) => new SyncMap(address), freeMap)
