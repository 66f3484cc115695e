import type { SyncMap } from 'goro'
import { ALONE, cases } from '../harness.ts'

const test = cases('sync/map_test.go')

test(
  'what is set is there, what is deleted is not',
  ({ SyncMap, equal }) => {
    const m = new SyncMap<string, number>()
    equal([m.get('a'), m.has('a'), m.size], [undefined, false, 0])
    m.set('a', 1).set('b', 2)
    equal([m.get('a'), m.has('a'), m.size], [1, true, 2])
    m.set('a', 3)
    equal([m.get('a'), m.size], [3, 2])
    equal([m.delete('a'), m.delete('a'), m.get('a'), m.size], [true, false, undefined, 1])
  },
  { places: ALONE },
)

test(
  'TestMapMatchesRWMutex: a series of random calls gives what a Map gives',
  ({ SyncMap, equal }) => {
    const [m, plain] = [new SyncMap<string, number>(), new Map<string, number>()]
    let state = 7
    const random = (n: number): number => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31
      return state % n
    }
    for (let i = 0; i < 2000; i++) {
      const key = `k${random(40)}`
      const value = random(1000)
      switch (random(6)) {
        case 0:
          m.set(key, value)
          plain.set(key, value)
          break
        case 1:
          equal(m.delete(key), plain.delete(key))
          break
        case 2: {
          const expected = plain.get(key) ?? value
          if (!plain.has(key)) plain.set(key, value)
          equal(m.getOrSet(key, value), expected)
          break
        }
        case 3: {
          const old = plain.get(key)
          const fits = old !== undefined && old === value % 500
          if (fits) plain.set(key, value)
          equal(m.compareAndSwap(key, value % 500, value), fits)
          break
        }
        case 4:
          equal(m.has(key), plain.has(key))
          break
        default:
          equal(m.get(key), plain.get(key))
      }
      equal(m.size, plain.size)
    }
    equal(new Map([...m].sort()), new Map([...plain].sort()))
  },
  { places: ALONE },
)

test(
  'keys and values of every kind',
  ({ SyncMap, chan, equal, ok }) => {
    const m = new SyncMap<unknown, unknown>()
    const ch = chan()
    for (const key of ['a', '', 1, 0, -1.5, 10n, true, false, null, undefined, ch]) {
      m.set(key, { key })
      ok(m.has(key), String(key))
      equal((m.get(key) as { key: unknown }).key, key)
    }
    equal(m.size, 11)
    m.set(Number.NaN, 1)
    equal(m.get(Number.NaN), 1)
    ok(m.has(-0), 'as in a Map, 0 and -0 are one key')
  },
  { places: ALONE },
)

test(
  'TestCompareAndSwap_NonExistingKey',
  ({ SyncMap, equal }) => {
    const m = new SyncMap<string, number | undefined>()
    equal([m.compareAndSwap('a', undefined, 1), m.has('a')], [false, false])
    m.set('a', 1)
    equal([m.compareAndSwap('a', 2, 3), m.compareAndSwap('a', 1, 3), m.get('a')], [false, true, 3])
  },
  { places: ALONE },
)

test('getOrSet: of many that come at once exactly one sets', async ({ SyncMap, spawn, equal, ok }) => {
  const m = new SyncMap<string, number>()
  const all = Array.from({ length: 10 }, (_, i) =>
    spawn((_, map: SyncMap<string, number>, v: number) => map.getOrSet('once', v), m, i),
  )
  const seen = new Set(await Promise.all(all))
  equal(seen.size, 1)
  ok(seen.has(m.get('once')!))
})

test('compareAndSwap counts exactly, from all threads', async ({ SyncMap, spawn, equal }) => {
  const m = new SyncMap<string, number>()
  m.set('n', 0)
  const all = Array.from({ length: 4 }, () =>
    spawn((_, map: SyncMap<string, number>) => {
      for (let i = 0; i < 100; i++) {
        for (let old = map.get('n')!; !map.compareAndSwap('n', old, old + 1); ) old = map.get('n')!
      }
    }, m),
  )
  await Promise.all(all)
  equal(m.get('n'), 400)
})

test('what one thread sets all others see, and it is the same map', async ({ SyncMap, spawn, equal, ok }) => {
  const m = new SyncMap<number, string>()
  const all = Array.from({ length: 4 }, (_, t) =>
    spawn(
      (_, map: SyncMap<number, string>, from: number) => {
        for (let i = 0; i < 100; i++) map.set(from * 100 + i, `v${from * 100 + i}`)
        return map
      },
      m,
      t,
    ),
  )
  for (const each of all) ok((await each) === m)
  equal(m.size, 400)
  for (let i = 0; i < 400; i++) equal(m.get(i), `v${i}`)
})

test('TestConcurrentRange: a walk beside writers sees each key at most once, and all that stay', async ({
  SyncMap,
  AtomicBool,
  spawn,
  equal,
  ok,
}) => {
  const [m, stop] = [new SyncMap<number, number>(), new AtomicBool()]
  for (let i = 0; i < 200; i++) m.set(i, i)
  const writers = [0, 1].map((w) =>
    spawn(
      async (t, map: SyncMap<number, number>, end: typeof stop, me: number) => {
        for (let i = 0; !end.load(); i = (i + 1) % 100) {
          map.set(1000 + me * 100 + i, i)
          map.set(i, map.get(i)!)
          if (i % 10 === 0) map.delete(1000 + me * 100 + i)
          if (i % 20 === 0) await t.turn()
        }
      },
      m,
      stop,
      w,
    ),
  )
  for (let round = 0; round < 5; round++) {
    const seen = [...m.keys()]
    equal(new Set(seen).size, seen.length)
    for (let i = 0; i < 200; i++) ok(seen.includes(i), `key ${i} is missing`)
  }
  stop.store(true)
  await Promise.all(writers)
})

test(
  'TestMapRangeNestedCall: calls on the map inside a walk over it',
  ({ SyncMap, equal }) => {
    const m = new SyncMap<number, string>()
    for (const [i, v] of ['hello', 'world', 'Go'].entries()) m.set(i, v)
    const seen: number[] = []
    m.forEach((_, key) => {
      seen.push(key)
      m.forEach((_inner, k) => {
        equal(typeof m.get(k), 'string')
      })
      equal(m.getOrSet(key, 'no') !== 'no', true)
      m.delete(42)
      m.set(key, 'changed')
    })
    equal(seen.sort(), [0, 1, 2])
    for (const key of m.keys()) m.delete(key)
    equal(m.size, 0)
  },
  { places: ALONE },
)

test(
  'TestIssue40999: keys that come and go leave nothing',
  ({ SyncMap, runtime, ok }) => {
    const m = new SyncMap<number, string>()
    const round = () => {
      for (let i = 0; i < 2000; i++) {
        m.set(i, 'x'.repeat(100))
        m.delete(i)
      }
      return runtime.stats().memory.used
    }
    round()
    const before = round()
    for (let i = 0; i < 4; i++) round()
    ok(round() - before < 2 ** 20)
  },
  { places: ALONE },
)

test(
  'a value is a copy: changing it changes nothing in the map',
  ({ SyncMap, equal }) => {
    const m = new SyncMap<string, { n: number }>()
    const value = { n: 1 }
    m.set('a', value)
    value.n = 2
    m.get('a')!.n = 3
    equal(m.get('a'), { n: 1 })
  },
  { places: ALONE },
)

test(
  'what can’t be sent is refused, and the map is as it was',
  ({ SyncMap, throws, equal }) => {
    const m = new SyncMap<unknown, unknown>()
    throws(() => m.set('a', () => 1), { name: 'DataCloneError' })
    throws(() => m.set(Symbol('k'), 1), {})
    equal([m.size, m.has('a')], [0, false])
  },
  { places: ALONE },
)
