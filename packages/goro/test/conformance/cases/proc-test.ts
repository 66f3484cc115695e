import type { AtomicInt32, Chan, WaitGroup } from 'goro'
import { cases, programsOf, type T, THREADS } from '../harness.ts'

const test = cases('runtime/proc_test.go')

/** As many as there are Ps, each of which holds its thread until it is its turn, three times: only in parallel do they get anywhere. */
async function inParallel({ runtime, AtomicInt32, WaitGroup }: T): Promise<void> {
  const [turn, wg] = [new AtomicInt32(), new WaitGroup()]
  const parties = runtime.gomaxprocs()
  for (let p = 0; p < parties; p++) {
    void wg.go(
      (at: AtomicInt32, me: number, all: number) => {
        for (let i = 0; i < 3; i++) {
          while (at.load() !== all * i + me);
          at.add(1)
        }
      },
      turn,
      p,
      parties,
    )
  }
  await wg.wait()
}

test('TestGoroutineParallelism: as many goroutines as there are Ps run at the same moment', inParallel, {
  places: ['main+go'],
})

programsOf('runtime/proc_test.go')(
  'TestGoroutineParallelism2: and so they do from the first on, on threads that know nothing yet',
  {},
  inParallel,
)

test('TestYieldProgress: a goroutine that waits for a flag in a loop lets the one that sets it run', async ({
  spawn,
  chan,
  AtomicInt32,
}) => {
  const [flag, ready] = [new AtomicInt32(), chan<number>()]
  const waits = spawn(
    async (t, f: AtomicInt32, c: Chan<number>) => {
      await c.send(1)
      while (f.load() === 0) await t.turn()
      return f.load()
    },
    flag,
    ready,
  )
  await ready.recv()
  const sets = spawn((_, f: AtomicInt32) => f.store(5), flag)
  await sets
  if ((await waits) !== 5) throw new Error('not seen')
})

test('TestPingPongHog: two that hand a turn back and forth are not kept out by one that always has something to do', async ({
  spawn,
  chan,
  AtomicInt32,
  equal,
}) => {
  const [ping, pong, stop] = [chan<number>(), chan<number>(), new AtomicInt32()]
  const hog = spawn(async (t, s: AtomicInt32) => {
    while (s.load() === 0) {
      for (let i = 0; i < 1000; i++) Math.sqrt(i)
      await t.turn()
    }
  }, stop)
  void spawn(
    async (_, from: Chan<number>, to: Chan<number>) => {
      for await (const v of from) await to.send(v + 1)
    },
    ping,
    pong,
  )
  for (let i = 0; i < 100; i++) {
    await ping.send(i)
    equal(await pong.recv(), i + 1)
  }
  ping.close()
  stop.store(1)
  await hog
})

test('TestTimerFairness: two that always have something ready do not keep timers from firing', async ({
  spawn,
  chan,
  after,
  select,
}) => {
  const [c, done] = [chan<number>(), chan<never>()]
  for (let i = 0; i < 2; i++) {
    void spawn(
      async ({ select: choose, send }, ch: Chan<number>, end: Chan<never>) => {
        while ((await choose({ sent: send(ch, 1), end })).case === 'sent');
      },
      c,
      done,
    )
  }
  const timer = after(20)
  while ((await select({ c, timer })).case !== 'timer');
  done.close()
})

test('TestTimerFairness2: nor timers of their own', async ({ spawn, chan, AtomicInt32, equal }) => {
  const [c, done, n] = [chan<number>(2), chan<never>(), new AtomicInt32()]
  await c.send(1)
  const all = [0, 1].map(() =>
    spawn(
      async (t, ch: Chan<number>, end: Chan<never>, count: AtomicInt32) => {
        for (let i = 0; i < 3; i++) {
          await ch.send((await ch.recv()) as number)
          await t.sleep(1)
          count.add(1)
        }
        await t.select({ more: t.recv(end), end: t.after(1) })
      },
      c,
      done,
      n,
    ),
  )
  await Promise.all(all)
  equal(n.load(), 6)
})

test(
  'TestNumGoroutine: it counts those that live, wherever they wait',
  async ({ runtime, spawn, chan, parked, until, equal }) => {
    const before = runtime.numGoroutine()
    const ch = chan<number>()
    const all = Array.from({ length: 20 }, () => spawn(async (_, c: Chan<number>) => c.recv(), ch))
    await parked(20)
    equal(runtime.numGoroutine() - before, 20)
    for (let i = 0; i < 20; i++) await ch.send(i)
    await Promise.all(all)
    await until(() => runtime.numGoroutine() === before)
  },
  { places: THREADS },
)

test('TestSchedLocalQueue: 500 goroutines, each runs once', async ({ spawn, AtomicInt32, equal }) => {
  const n = new AtomicInt32()
  const all = Array.from({ length: 500 }, () => spawn((_, count: AtomicInt32) => count.add(1), n))
  equal(new Set(await Promise.all(all)).size, 500)
  equal(n.load(), 500)
})

test('goroutines that start goroutines, to a depth of 6: all run', async ({ spawn, AtomicInt32, equal }) => {
  const n = new AtomicInt32()
  await spawn(async (t, count: AtomicInt32) => {
    const grow = async (depth: number): Promise<void> => {
      count.add(1)
      if (depth === 0) return
      const children = [0, 1].map(() => t.spawn((_, c: AtomicInt32) => c.add(1), count))
      await Promise.all(children)
      await grow(depth - 1)
    }
    await grow(6)
  }, n)
  equal(n.load(), 7 + 12)
})

test('a chain of goroutines, each started by the one before it, hands its result back up', async ({ spawn, equal }) => {
  const depth = await spawn(async (t) => {
    const two = await t.spawn(async (t2) => {
      const three = await t2.spawn(async (t3) => (await t3.spawn(() => 1)) + 1)
      return three + 1
    })
    return two + 1
  })
  equal(depth, 4)
})

test(
  'an error goes back to whoever awaits, with its class, through every level',
  async ({ go, rejects }) => {
    const g = go(async () => {
      const { go: inner } = await import('goro')
      await inner(() => {
        throw new RangeError('deep')
      })
    })
    await rejects(g, { name: 'RangeError', message: 'deep' })
  },
  { places: ['main+go'] },
)

test('GOMAXPROCS is what the environment says', ({ runtime, equal, spawn }) => {
  equal(runtime.gomaxprocs(), Number(process.env.GOMAXPROCS))
  return spawn((t) => t.equal(t.runtime.gomaxprocs(), Number(process.env.GOMAXPROCS)))
})

test(
  'TestBigGOMAXPROCS: out of range is refused',
  ({ runtime, throws }) => {
    for (const bad of [0, -1, 1.5, 1e9, Number.NaN, '2' as never])
      throws(() => runtime.gomaxprocs(bad), { name: 'RangeError' })
  },
  { places: ['main', 'main+go'] },
)

test('a barrier of 50: nobody leaves before the last has come', async ({ spawn, AtomicInt32, chan, equal }) => {
  const [inside, gate] = [new AtomicInt32(), chan<never>()]
  const all = Array.from({ length: 50 }, () =>
    spawn(
      async (_, n: AtomicInt32, g: Chan<never>) => {
        if (n.add(1) === 50) g.close()
        await g.recv()
        return n.load()
      },
      inside,
      gate,
    ),
  )
  equal(new Set(await Promise.all(all)), new Set([50]))
})

test('dining philosophers, by order of the forks: all eat', async ({ spawn, Mutex, AtomicInt32, equal }) => {
  const forks = Array.from({ length: 5 }, () => new Mutex())
  const meals = new AtomicInt32()
  const all = Array.from({ length: 5 }, (_, i) => {
    const [a, b] = [i, (i + 1) % 5].sort((x, y) => x - y) as [number, number]
    return spawn(
      async (t, first: InstanceType<typeof Mutex>, second: InstanceType<typeof Mutex>, n: AtomicInt32) => {
        for (let k = 0; k < 10; k++) {
          await first.lock()
          await second.lock()
          n.add(1)
          if (k % 5 === 0) await t.turn()
          second.unlock()
          first.unlock()
        }
      },
      forks[a]!,
      forks[b]!,
      meals,
    )
  })
  await Promise.all(all)
  equal(meals.load(), 50)
})

test('fan-out and fan-in: 8 workers, 200 items, each once', async ({ spawn, chan, WaitGroup, equal }) => {
  const [jobs, results, wg] = [chan<number>(8), chan<number>(8), new WaitGroup()]
  wg.add(8)
  for (let i = 0; i < 8; i++) {
    void spawn(
      async (_, from: Chan<number>, to: Chan<number>, g: WaitGroup) => {
        for await (const v of from) await to.send(v * v)
        g.done()
      },
      jobs,
      results,
      wg,
    )
  }
  void spawn(async (_, to: Chan<number>) => {
    for (let i = 0; i < 200; i++) await to.send(i)
    to.close()
  }, jobs)
  void spawn(
    async (_, to: Chan<number>, g: WaitGroup) => {
      await g.wait()
      to.close()
    },
    results,
    wg,
  )
  const got: number[] = []
  for await (const v of results) got.push(v)
  equal(
    got.sort((a, b) => a - b),
    Array.from({ length: 200 }, (_, i) => i * i),
  )
})
