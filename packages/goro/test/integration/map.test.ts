/** The map that all threads share. */
import { AtomicInt32, type Chan, chan, go, Mutex, runtime, SyncMap, sleep } from 'goro'
import { describe, expect, test } from 'vitest'
import { run } from './run.ts'

describe('SyncMap', () => {
  test('does what a Map does', () => {
    const map = new SyncMap<unknown, unknown>()
    const twin = new Map<unknown, unknown>()
    const text = 'a text that is too long for a cell'
    const keys: unknown[] = [
      0,
      -0,
      1,
      -1,
      1.5,
      2 ** 31,
      2 ** 53,
      Number.NaN,
      0 / 0,
      Infinity,
      '',
      'a',
      '1',
      'seven77',
      text,
      `${text}!`,
    ]
    keys.push('ä', 'снег', 'длинная строка с не-латиницей', true, false, null, undefined, 1n, -1n, 10n ** 40n, '1n')
    for (const [i, key] of keys.entries()) {
      expect([key, map.has(key), map.get(key)]).toEqual([key, twin.has(key), twin.get(key)])
      map.set(key, { i })
      twin.set(key, { i })
      expect(map.get(key)).toEqual({ i })
    }
    expect(map.size).toBe(twin.size)
    const sorted = (entries: Iterable<[unknown, unknown]>) =>
      [...entries].map(([key, value]) => `${typeof key} ${String(key)} ${JSON.stringify(value)}`).sort()
    expect(sorted(map)).toEqual(sorted(twin))
    expect(sorted([...map.keys()].map((key) => [key, twin.get(key)]))).toEqual(sorted(twin))
    for (const key of keys) expect([key, map.delete(key)]).toEqual([key, twin.delete(key)])
    expect([map.size, [...map], map.delete(1)]).toEqual([0, [], false])
  })

  test('a hundred thousand keys: it grows', () => {
    const map = new SyncMap<number | string, number | string>()
    for (let i = 0; i < 50_000; i++) map.set(i, i * 2).set(`key number ${i}`, `value number ${i}`)
    expect(map.size).toBe(100_000)
    for (let i = 0; i < 50_000; i++) {
      if (map.get(i) !== i * 2 || map.get(`key number ${i}`) !== `value number ${i}`) expect.unreachable(`${i}`)
    }
    let sum = 0
    for (const [key, value] of map) if (typeof key === 'number') sum += (value as number) - key
    expect(sum).toBe((50_000 * 49_999) / 2)
    for (let i = 0; i < 50_000; i++) map.delete(i)
    expect(map.size).toBe(50_000)
  })

  test('handles are keys and values; values are copies', async () => {
    const map = new SyncMap<unknown, unknown>()
    const [ch, other] = [chan<number>(1), chan<number>(1)]
    const data = { list: [1], ch }
    map.set(ch, data).set('data', data)
    data.list.push(2)
    expect(map.get(ch)).toEqual({ list: [1], ch })
    expect((map.get('data') as typeof data).ch).toBe(ch)
    expect(map.get('data')).not.toBe(map.get('data'))
    expect([map.has(other), map.get(other)]).toEqual([false, undefined])
    const there = await go(
      async (m: SyncMap<unknown, unknown>, c: Chan<number>) => {
        const found = m.get(c) as { list: number[]; ch: Chan<number> }
        await found.ch.send(7)
        m.set('back', new Map([[1, found.ch]]))
        return found.ch === c
      },
      map,
      ch,
    )
    expect([there, await ch.recv(), (map.get('back') as Map<number, unknown>).get(1)]).toEqual([true, 7, ch])
    const memory = new SharedArrayBuffer(4)
    expect((map.set('memory', { memory }).get('memory') as { memory: unknown }).memory).toBe(memory)
  })

  test('what can be no key, and what can be no value, is refused, and nothing is changed', () => {
    const map = new SyncMap<unknown, unknown>()
    for (const key of [{}, [], new Date(), () => 1, Symbol('s')]) {
      expect(() => map.set(key, 1)).toThrow(TypeError)
      expect(() => map.get(key)).toThrow('SyncMap: a key is a string, number, bigint')
    }
    expect(() => map.set('f', { f: () => 1 })).toThrow('value, at .f')
    expect(() => map.getOrSet('f', () => 1)).toThrow(expect.objectContaining({ name: 'DataCloneError' }))
    expect(() => map.compareAndSwap('f', 1, () => 1)).toThrow(expect.objectContaining({ name: 'DataCloneError' }))
    expect(map.size).toBe(0)
  })

  test('getOrSet and compareAndSwap', () => {
    const map = new SyncMap<string, unknown>()
    expect([map.compareAndSwap('n', undefined, 1), map.has('n')]).toEqual([false, false])
    expect([map.getOrSet('n', 1), map.getOrSet('n', 2)]).toEqual([1, 1])
    expect([map.compareAndSwap('n', 2, 3), map.compareAndSwap('n', 1, 3), map.get('n')]).toEqual([false, true, 3])
    map.set('o', { a: [1, 'two'], b: new Date(5) })
    expect(map.compareAndSwap('o', { a: [1, 'zwei'], b: new Date(5) }, 0)).toBe(false)
    expect(map.compareAndSwap('o', { a: [1, 'two'], b: new Date(5) }, null)).toBe(true)
    expect(map.get('o')).toBe(null)
  })

  test('counts across threads lose nothing', async () => {
    const map = new SyncMap<string, number>()
    const count = async (m: SyncMap<string, number>, from: number) => {
      for (let i = 0; i < 2000; i++) {
        const key = `counter ${(i * 7 + from) % 50}`
        for (;;) {
          const n = m.getOrSet(key, 0)
          if (m.compareAndSwap(key, n, n + 1)) break
        }
        if (i % 500 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
    }
    await Promise.all([count(map, 0), ...Array.from({ length: 6 }, (_, i) => go(count, map, i))])
    expect([map.size, [...map.values()].reduce((a, b) => a + b)]).toEqual([50, 14_000])
  })

  test('one of several that come at once sets the value: one mutex a key', async () => {
    const locks = new SyncMap<string, Mutex>()
    const inside = new AtomicInt32()
    const user = async (map: SyncMap<string, Mutex>, n: AtomicInt32) => {
      for (let i = 0; i < 100; i++) {
        await map.getOrSet('only', new Mutex()).withLock(() => {
          if (n.add(1) !== 1) throw new Error('two locks')
          n.add(-1)
        })
      }
    }
    await Promise.all(Array.from({ length: 6 }, () => go(user, locks, inside)))
    expect(locks.get('only')!.tryLock()).toBe(true)
  })

  test('iteration while others write gives each key that stays exactly once', async () => {
    const map = new SyncMap<number, string>()
    for (let i = 0; i < 1000; i++) map.set(i, 'stays')
    const stop = new AtomicInt32()
    const writer = go(
      async (m: SyncMap<number, string>, end: AtomicInt32) => {
        for (let i = 0; end.load() === 0; i++) {
          m.set(1000 + (i % 3000), 'a value that is too long for a cell')
          if (i % 3 === 0) m.delete(1000 + ((i * 7) % 3000))
          if (i % 1000 === 0) await new Promise((resolve) => setImmediate(resolve))
        }
      },
      map,
      stop,
    )
    while (map.size < 1200) await sleep(1)
    for (let round = 0; round < 20; round++) {
      const seen = new Map<number, number>()
      for (const [key, value] of map) {
        if (value !== (key < 1000 ? 'stays' : 'a value that is too long for a cell')) expect.unreachable(value)
        seen.set(key, (seen.get(key) ?? 0) + 1)
      }
      for (let i = 0; i < 1000; i++) if (seen.get(i) !== 1) expect.unreachable(`${i} came ${seen.get(i)} times`)
      for (const [key, times] of seen) if (times !== 1) expect.unreachable(`${key} came ${times} times`)
    }
    stop.store(1)
    await writer
  })

  test('what is set, replaced, deleted or dropped with its map is given back', async () => {
    const used = () => runtime.stats().memory.used
    const round = () => {
      const map = new SyncMap<unknown, unknown>()
      for (let i = 0; i < 2000; i++) {
        map.set(`a key that needs a block ${i % 500}`, { ch: chan(), text: 'x'.repeat(200) })
        map.compareAndSwap('none', i, { text: 'x'.repeat(200) })
        if (i % 3 === 0) map.delete(`a key that needs a block ${(i * 7) % 500}`)
        map.getOrSet(`a key that needs a block ${i % 500}`, ['y'.repeat(200)])
      }
    }
    let before = 0
    for (let i = 0; i < 40; i++) {
      round()
      await new Promise((resolve) => setTimeout(resolve, 0))
      if (i % 5 === 4) globalThis.gc?.()
      if (i === 19) before = used()
    }
    await sleep(20)
    expect(used()).toBeLessThan(before * 1.5 + 2 ** 20)
  })

  test('a thread that dies while it changes the map leaves it usable', async () => {
    const { stdout, stderr, code } = await run('map-die.mjs')
    expect([code, stdout, stderr]).toEqual([0, 'ok\n', ''])
  })
})
