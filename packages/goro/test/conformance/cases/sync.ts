import type { AtomicBool, AtomicInt32, AtomicInt64, Chan, Cond, Mutex, Once, RWMutex, WaitGroup } from 'goro'
import { ALONE, cases, THREADS } from '../harness.ts'

// --- WaitGroup

const group = cases('sync/waitgroup_test.go')

group(
  'TestWaitGroup: wait ends when 16 are done, for two groups and many rounds',
  async ({ WaitGroup, chan, spawn, equal }) => {
    const [wg1, wg2] = [new WaitGroup(), new WaitGroup()]
    for (let round = 0; round < 8; round++) {
      const exited = chan<boolean>(16)
      wg1.add(16)
      wg2.add(16)
      for (let i = 0; i < 16; i++) {
        void spawn(
          async (_, a: WaitGroup, b: WaitGroup, out: Chan<boolean>) => {
            a.done()
            await b.wait()
            await out.send(true)
          },
          wg1,
          wg2,
          exited,
        )
      }
      await wg1.wait()
      for (let i = 0; i < 16; i++) {
        equal(exited.tryRecv(), undefined, 'left before the second group was done')
        wg2.done()
      }
      for (let i = 0; i < 16; i++) equal(await exited.recv(), true)
    }
  },
)

group('TestWaitGroupMisuse: a negative counter throws', async ({ WaitGroup, spawn, throws, equal }) => {
  const wg = new WaitGroup()
  wg.add(1)
  wg.done()
  const negative = { name: 'SyncError', message: 'sync: negative WaitGroup counter' }
  throws(() => wg.done(), negative)
  throws(() => wg.add(-1), negative)
  await spawn(
    (t, g: WaitGroup) => t.throws(() => g.done(), { name: 'SyncError', message: 'sync: negative WaitGroup counter' }),
    wg,
  )
  // The refused step has changed nothing.
  await wg.wait()
  wg.add(2)
  wg.add(-2)
  await wg.wait()
  equal(wg instanceof WaitGroup, true)
})

group(
  'TestWaitGroupRace: with one wait, all has happened before it ends',
  async ({ WaitGroup, AtomicInt32, spawn, equal }) => {
    for (let i = 0; i < 50; i++) {
      const [wg, n] = [new WaitGroup(), new AtomicInt32()]
      for (let k = 0; k < 2; k++) {
        wg.add(1)
        void spawn(
          (_, g: WaitGroup, count: AtomicInt32) => {
            count.add(1)
            g.done()
          },
          wg,
          n,
        )
      }
      await wg.wait()
      equal(n.load(), 2)
    }
  },
)

group(
  'TestWaitGroupGo: go adds, runs, and is done',
  async ({ WaitGroup, AtomicInt32, equal }) => {
    const [wg, n] = [new WaitGroup(), new AtomicInt32()]
    for (let i = 0; i < 10; i++) void wg.go((count: AtomicInt32) => count.add(1), n)
    await wg.wait()
    equal(n.load(), 10)
  },
  { places: THREADS },
)

group(
  'go hands back the goroutine: its result, and its error',
  async ({ WaitGroup, equal, rejects }) => {
    const wg = new WaitGroup()
    const good = wg.go((x: number) => x * 2, 21)
    const bad = wg.go(() => {
      throw new RangeError('bad')
    })
    const failed = rejects(bad, { name: 'RangeError', message: 'bad' })
    await wg.wait()
    equal(await good, 42)
    await failed
  },
  { places: THREADS },
)

group(
  'go of an async function is done when its promise is',
  async ({ WaitGroup, chan, AtomicInt32, blocks, equal }) => {
    const [wg, gate, n] = [new WaitGroup(), chan<number>(), new AtomicInt32()]
    void wg.go(
      async (c: Chan<number>, count: AtomicInt32) => {
        await c.recv()
        count.add(1)
      },
      gate,
      n,
    )
    const all = wg.wait()
    await blocks(all)
    await gate.send(1)
    await all
    equal(n.load(), 1)
  },
  { places: THREADS },
)

group(
  'go of what can’t be sent throws and adds nothing',
  async ({ WaitGroup, throws }) => {
    const wg = new WaitGroup()
    throws(() => wg.go((x: unknown) => x, Symbol('no')), { name: 'DataCloneError' })
    await wg.wait()
  },
  { places: THREADS },
)

group(
  'wait of a group that has nothing to wait for does not wait',
  async ({ WaitGroup }) => {
    const wg = new WaitGroup()
    await wg.wait()
    wg.add(0)
    await wg.wait()
  },
  { places: ALONE },
)

group('many can wait for one group, on any thread', async ({ WaitGroup, spawn, parked, blocks }) => {
  const wg = new WaitGroup()
  wg.add(1)
  const all = Array.from({ length: 10 }, () => spawn(async (_, g: WaitGroup) => g.wait(), wg))
  const own = wg.wait()
  await parked(10)
  await blocks(Promise.race([...all, own]))
  wg.done()
  await own
  await Promise.all(all)
})

group('add and done may be anywhere, and in any portions', async ({ WaitGroup, spawn }) => {
  const wg = new WaitGroup()
  wg.add(10)
  const parts = [1, 2, 3, 4].map((n) => spawn((_, g: WaitGroup, k: number) => g.add(-k), wg, n))
  await wg.wait()
  await Promise.all(parts)
})

group(
  'a group is used again once the waits of the round before have ended',
  async ({ WaitGroup, AtomicInt32, spawn, equal }) => {
    const [wg, n] = [new WaitGroup(), new AtomicInt32()]
    for (let round = 1; round <= 20; round++) {
      wg.add(3)
      for (let i = 0; i < 3; i++) {
        void spawn(
          (_, g: WaitGroup, count: AtomicInt32) => {
            count.add(1)
            g.done()
          },
          wg,
          n,
        )
      }
      await wg.wait()
      equal(n.load(), 3 * round)
    }
  },
)

group(
  'a goroutine may add to a group for those that it starts, before it is done itself',
  async ({ WaitGroup, AtomicInt32, spawn, equal }) => {
    const [wg, n] = [new WaitGroup(), new AtomicInt32()]
    wg.add()
    void spawn(
      async (t, g: WaitGroup, count: AtomicInt32) => {
        for (let i = 0; i < 5; i++) {
          g.add()
          void t.spawn(
            (_, inner: WaitGroup, c: AtomicInt32) => {
              c.add(1)
              inner.done()
            },
            g,
            count,
          )
        }
        g.done()
      },
      wg,
      n,
    )
    await wg.wait()
    equal(n.load(), 5)
  },
)

group(
  'what is no whole number is refused',
  ({ WaitGroup, throws }) => {
    const wg = new WaitGroup()
    for (const bad of [0.5, Number.NaN, 2 ** 40, '1' as never]) throws(() => wg.add(bad), { name: 'RangeError' })
  },
  { places: ALONE },
)

// --- Mutex

const mutex = cases('sync/mutex_test.go')

mutex('TestMutex: 10 goroutines, each 100 times: one at a time', async ({ Mutex, AtomicInt32, spawn, equal }) => {
  const [m, inside, total] = [new Mutex(), new AtomicInt32(), new AtomicInt32()]
  const all = Array.from({ length: 10 }, () =>
    spawn(
      async (t, lock: Mutex, now: AtomicInt32, sum: AtomicInt32) => {
        for (let i = 0; i < 100; i++) {
          if (i % 3 === 0 && lock.tryLock()) {
            t.equal(now.add(1), 1)
            now.add(-1)
            sum.add(1)
            lock.unlock()
            continue
          }
          await lock.lock()
          t.equal(now.add(1), 1)
          if (i % 10 === 0) await t.turn()
          sum.add(1)
          now.add(-1)
          lock.unlock()
        }
      },
      m,
      inside,
      total,
    ),
  )
  await Promise.all(all)
  equal(total.load(), 1000)
})

mutex('tryLock takes what is free and nothing else', async ({ Mutex, spawn, equal }) => {
  const m = new Mutex()
  equal(m.tryLock(), true)
  equal(m.tryLock(), false)
  equal(await spawn((_, lock: Mutex) => lock.tryLock(), m), false)
  m.unlock()
  equal(m.tryLock(), true)
  m.unlock()
})

mutex('TestMutexMisuse: unlock of an unlocked mutex throws', async ({ Mutex, spawn, throws }) => {
  const m = new Mutex()
  const misuse = { name: 'SyncError', message: 'sync: unlock of unlocked mutex' }
  throws(() => m.unlock(), misuse)
  await m.lock()
  m.unlock()
  throws(() => m.unlock(), misuse)
  await spawn(
    (t, lock: Mutex) => t.throws(() => lock.unlock(), { name: 'SyncError', message: 'sync: unlock of unlocked mutex' }),
    m,
  )
})

mutex(
  'TestMutexFairness: who holds it almost all the time does not keep another one out',
  async ({ Mutex, AtomicBool, spawn }) => {
    const [m, stop] = [new Mutex(), new AtomicBool()]
    const greedy = spawn(
      async (t, lock: Mutex, end: AtomicBool) => {
        while (!end.load()) {
          await lock.lock()
          for (let i = 0; i < 20_000; i++) Math.sqrt(i)
          lock.unlock()
          await t.turn()
        }
      },
      m,
      stop,
    )
    for (let i = 0; i < 5; i++) {
      await m.lock()
      m.unlock()
    }
    stop.store(true)
    await greedy
  },
)

mutex(
  'a lock may be unlocked by another goroutine than the one that took it',
  async ({ Mutex, spawn, parked, blocks }) => {
    const m = new Mutex()
    await m.lock()
    const second = spawn(async (_, lock: Mutex) => {
      await lock.lock()
    }, m)
    await parked(1)
    await blocks(second)
    await spawn((_, lock: Mutex) => lock.unlock(), m)
    await second
    m.unlock()
  },
)

mutex(
  'a guard unlocks once, by unlock and by dispose',
  async ({ Mutex, equal }) => {
    const m = new Mutex()
    const guard = await m.lock()
    guard.unlock()
    equal(m.tryLock(), true)
    guard.unlock()
    guard[Symbol.dispose]()
    equal(m.tryLock(), false, 'the old guard has no power over the new holder')
    m.unlock()
  },
  { places: ALONE },
)

mutex(
  'withLock gives what its function gives, and unlocks whatever happens',
  async ({ Mutex, equal, rejects }) => {
    const m = new Mutex()
    equal(await m.withLock(() => 1), 1)
    equal(await m.withLock(async () => 2), 2)
    await rejects(
      m.withLock(() => {
        throw new RangeError('sync')
      }),
      { name: 'RangeError', message: 'sync' },
    )
    await rejects(
      m.withLock(async () => {
        throw new RangeError('async')
      }),
      { name: 'RangeError', message: 'async' },
    )
    equal(m.tryLock(), true)
  },
  { places: ALONE },
)

mutex(
  'withLock holds it until the promise of its function has settled',
  async ({ Mutex, AtomicInt32, spawn, equal }) => {
    const [m, inside] = [new Mutex(), new AtomicInt32()]
    const all = Array.from({ length: 6 }, () =>
      spawn(
        async (t, lock: Mutex, now: AtomicInt32) => {
          await lock.withLock(async () => {
            t.equal(now.add(1), 1)
            await t.turn(2)
            now.add(-1)
          })
        },
        m,
        inside,
      ),
    )
    await Promise.all(all)
    equal(m.tryLock(), true)
  },
)

mutex('a mutex that many wait for goes to each of them', async ({ Mutex, spawn, parked, equal }) => {
  const m = new Mutex()
  await m.lock()
  const all = Array.from({ length: 20 }, (_, i) =>
    spawn(async (_, lock: Mutex, k: number) => lock.withLock(() => k), m, i),
  )
  await parked(20)
  m.unlock()
  equal(
    (await Promise.all(all)).reduce((a, b) => a + b, 0),
    190,
  )
})

mutex('TestSemaphore, as a mutex: it carries a turn back and forth', async ({ Mutex, AtomicInt32, spawn, equal }) => {
  const [m, turn] = [new Mutex(), new AtomicInt32()]
  const all = [0, 1].map((who) =>
    spawn(
      async (t, lock: Mutex, at: AtomicInt32, me: number) => {
        for (let done = 0; done < 30; ) {
          await lock.lock()
          if (at.load() % 2 === me) {
            at.add(1)
            done++
          }
          lock.unlock()
          await t.turn()
        }
      },
      m,
      turn,
      who,
    ),
  )
  await Promise.all(all)
  equal(turn.load(), 60)
})

// --- RWMutex

const rwmutex = cases('sync/rwmutex_test.go')

rwmutex('TestParallelReaders: readers hold it together', async ({ RWMutex, chan, spawn }) => {
  for (const readers of [1, 3, 4, 10]) {
    const [rw, locked, unlock, done] = [new RWMutex(), chan<boolean>(), chan<boolean>(), chan<boolean>()]
    for (let i = 0; i < readers; i++) {
      void spawn(
        async (_, m: RWMutex, a: Chan<boolean>, b: Chan<boolean>, c: Chan<boolean>) => {
          await m.rLock()
          await a.send(true)
          await b.recv()
          m.rUnlock()
          await c.send(true)
        },
        rw,
        locked,
        unlock,
        done,
      )
    }
    for (let i = 0; i < readers; i++) await locked.recv()
    for (let i = 0; i < readers; i++) await unlock.send(true)
    for (let i = 0; i < readers; i++) await done.recv()
  }
})

for (const [readers, writers] of [
  [1, 1],
  [3, 1],
  [10, 2],
  [5, 5],
] as const) {
  rwmutex(
    `TestRWMutex: ${readers} readers and ${writers} writers hammer it`,
    async ({ RWMutex, AtomicInt32, spawn, equal }) => {
      const [rw, activity] = [new RWMutex(), new AtomicInt32()]
      const all: Promise<void>[] = []
      for (let i = 0; i < writers; i++) {
        all.push(
          spawn(
            async (t, m: RWMutex, n: AtomicInt32) => {
              for (let k = 0; k < 30; k++) {
                if (k % 3 !== 0 || !m.tryLock()) await m.lock()
                t.equal(n.add(10_000), 10_000)
                if (k % 8 === 0) await t.turn()
                t.equal(n.add(-10_000), 0)
                m.unlock()
              }
            },
            rw,
            activity,
          ),
        )
      }
      for (let i = 0; i < readers; i++) {
        all.push(
          spawn(
            async (t, m: RWMutex, n: AtomicInt32) => {
              for (let k = 0; k < 30; k++) {
                if (k % 3 !== 0 || !m.tryRLock()) await m.rLock()
                const now = n.add(1)
                t.ok(now >= 1 && now < 10_000)
                if (k % 8 === 0) await t.turn()
                n.add(-1)
                m.rUnlock()
              }
            },
            rw,
            activity,
          ),
        )
      }
      await Promise.all(all)
      equal(activity.load(), 0)
      equal(rw.tryLock(), true)
      rw.unlock()
    },
  )
}

rwmutex(
  'a waiting writer keeps new readers out, and gets it when the readers leave',
  async ({ RWMutex, spawn, parked, equal, blocks }) => {
    const rw = new RWMutex()
    await rw.rLock()
    const writer = spawn(async (_, m: RWMutex) => {
      await m.lock()
    }, rw)
    await parked(1)
    equal([rw.tryRLock(), rw.tryLock()], [false, false])
    const reader = spawn(async (_, m: RWMutex) => {
      await m.rLock()
      m.rUnlock()
    }, rw)
    await parked(2)
    await blocks(Promise.race([writer, reader]))
    rw.rUnlock()
    await writer
    await blocks(reader)
    rw.unlock()
    await reader
  },
)

rwmutex(
  'when a writer leaves, the readers that wait get in before the next writer',
  async ({ RWMutex, AtomicInt32, spawn, parked, equal }) => {
    const [rw, readers] = [new RWMutex(), new AtomicInt32()]
    await rw.lock()
    const all: Promise<unknown>[] = []
    const second = spawn(
      async (_, m: RWMutex, n: AtomicInt32) => {
        await m.lock()
        const seen = n.load()
        m.unlock()
        return seen
      },
      rw,
      readers,
    )
    await parked(1)
    for (let i = 0; i < 4; i++) {
      all.push(
        spawn(
          async (_, m: RWMutex, n: AtomicInt32) => {
            await m.rLock()
            n.add(1)
            m.rUnlock()
          },
          rw,
          readers,
        ),
      )
    }
    await parked(5)
    rw.unlock()
    equal(await second, 4)
    await Promise.all(all)
  },
)

rwmutex(
  'misuse throws in Go’s words',
  ({ RWMutex, throws }) => {
    const rw = new RWMutex()
    const [write, read] = [
      { name: 'SyncError', message: 'sync: Unlock of unlocked RWMutex' },
      { name: 'SyncError', message: 'sync: RUnlock of unlocked RWMutex' },
    ]
    throws(() => rw.unlock(), write)
    throws(() => rw.rUnlock(), read)
    rw.tryRLock()
    throws(() => rw.unlock(), write)
    rw.rUnlock()
    rw.tryLock()
    throws(() => rw.rUnlock(), read)
    rw.unlock()
  },
  { places: ALONE },
)

rwmutex(
  'withLock and withRLock give what their functions give, and unlock whatever happens',
  async ({ RWMutex, equal, rejects }) => {
    const rw = new RWMutex()
    equal(await rw.withLock(() => 1), 1)
    equal(await rw.withRLock(async () => 2), 2)
    const failed = { name: 'RangeError', message: 'no' }
    await rejects(
      rw.withLock(() => {
        throw new RangeError('no')
      }),
      failed,
    )
    await rejects(
      rw.withRLock(async () => {
        throw new RangeError('no')
      }),
      failed,
    )
    equal(rw.tryLock(), true)
  },
  { places: ALONE },
)

rwmutex('TestRLocker: readers and a writer take turns', async ({ RWMutex, chan, spawn, equal }) => {
  const [rw, wlocked, rlocked] = [new RWMutex(), chan<boolean>(1), chan<boolean>(1)]
  const n = 10
  void spawn(
    async (_, m: RWMutex, w: Chan<boolean>, r: Chan<boolean>, count: number) => {
      for (let i = 0; i < count; i++) {
        await m.rLock()
        await m.rLock()
        await r.send(true)
        await m.lock()
        await w.send(true)
      }
    },
    rw,
    wlocked,
    rlocked,
    n,
  )
  for (let i = 0; i < n; i++) {
    await rlocked.recv()
    rw.rUnlock()
    equal(wlocked.tryRecv(), undefined, 'the writer is in beside a reader')
    rw.rUnlock()
    await wlocked.recv()
    equal(rlocked.tryRecv(), undefined, 'a reader is in beside the writer')
    rw.unlock()
  }
})

// --- Once

const once = cases('sync/once_test.go')

once(
  'TestOnce: of 10 that come one does it, and all return after it is done',
  async ({ Once, AtomicInt32, spawn, equal }) => {
    const [o, n] = [new Once(), new AtomicInt32()]
    const all = Array.from({ length: 10 }, () =>
      spawn(
        async (t, first: Once, count: AtomicInt32) => {
          await first.do(async () => {
            await t.turn(3)
            count.add(1)
          })
          return count.load()
        },
        o,
        n,
      ),
    )
    equal(await Promise.all(all), new Array(10).fill(1))
  },
)

once('TestOncePanic: what throws counts as done', async ({ Once, spawn, rejects, equal }) => {
  const o = new Once()
  await rejects(
    o.do(() => {
      throw new RangeError('failed')
    }),
    { name: 'RangeError', message: 'failed' },
  )
  let again = 0
  await o.do(() => again++)
  equal(again, 0)
  await spawn(async (t, first: Once) => first.do(() => t.equal(1, 2)), o)
})

once('those that wait for one that throws go on, without its error', async ({ Once, spawn, parked, rejects, chan }) => {
  const [o, gate] = [new Once(), chan<number>()]
  const own = o.do(async () => {
    await gate.recv()
    throw new RangeError('failed')
  })
  const failed = rejects(own, { name: 'RangeError', message: 'failed' })
  const others = [0, 1, 2].map(() => spawn(async (t, first: Once) => first.do(() => t.equal(1, 2)), o))
  await parked(3)
  await gate.send(1)
  await failed
  await Promise.all(others)
})

once(
  'do is done at once when it has been done',
  async ({ Once, equal }) => {
    const o = new Once()
    let count = 0
    for (let i = 0; i < 5; i++) await o.do(() => count++)
    equal(count, 1)
  },
  { places: ALONE },
)

once(
  'do takes a function',
  async ({ Once, rejects, equal }) => {
    const o = new Once()
    await rejects(o.do(1 as never), { name: 'TypeError' })
    let ran = false
    await o.do(() => {
      ran = true
    })
    equal(ran, true, 'a refused call does not count')
  },
  { places: ALONE },
)

once(
  'two onces are two',
  async ({ Once, equal }) => {
    const order: number[] = []
    const [a, b] = [new Once(), new Once()]
    await a.do(async () => {
      await b.do(() => order.push(1))
      order.push(2)
    })
    equal(order, [1, 2])
  },
  { places: ALONE },
)

// --- Cond

const cond = cases('sync/cond_test.go')

cond('TestCondSignal: each signal wakes one', async ({ Mutex, Cond, chan, spawn, equal, turn }) => {
  const m = new Mutex()
  const c = new Cond(m)
  const n = 4
  const [running, awake] = [chan<boolean>(n), chan<boolean>(n)]
  for (let i = 0; i < n; i++) {
    void spawn(
      async (_, lock: Mutex, cv: Cond, r: Chan<boolean>, a: Chan<boolean>) => {
        await lock.lock()
        await r.send(true)
        await cv.wait()
        await a.send(true)
        lock.unlock()
      },
      m,
      c,
      running,
      awake,
    )
  }
  for (let i = 0; i < n; i++) await running.recv()
  for (let left = n; left > 0; left--) {
    equal(awake.tryRecv(), undefined, 'awake without a signal')
    await m.lock()
    c.signal()
    m.unlock()
    await awake.recv()
    await turn(2)
    equal(awake.tryRecv(), undefined, 'too many awake')
  }
  c.signal()
})

cond(
  'TestCondSignalGenerations: signals wake in the order in which they began to wait',
  async ({ Mutex, Cond, chan, spawn, equal }) => {
    const m = new Mutex()
    const c = new Cond(m)
    const n = 20
    const [running, awake] = [chan<boolean>(n), chan<number>(n)]
    for (let i = 0; i < n; i++) {
      void spawn(
        async (_, lock: Mutex, cv: Cond, r: Chan<boolean>, a: Chan<number>, me: number) => {
          await lock.lock()
          await r.send(true)
          await cv.wait()
          await a.send(me)
          lock.unlock()
        },
        m,
        c,
        running,
        awake,
        i,
      )
      if (i > 0) {
        const first = await awake.recv()
        equal(first, i - 1)
      }
      await running.recv()
      await m.lock()
      c.signal()
      m.unlock()
    }
  },
)

cond(
  'TestCondBroadcast: a broadcast wakes all that wait, and no others',
  async ({ Mutex, Cond, AtomicBool, chan, spawn, equal }) => {
    const m = new Mutex()
    const c = new Cond(m)
    const n = 20
    const [running, awake, exit] = [chan<number>(n), chan<number>(n), new AtomicBool()]
    for (let i = 0; i < n; i++) {
      void spawn(
        async (_, lock: Mutex, cv: Cond, r: Chan<number>, a: Chan<number>, end: AtomicBool, me: number) => {
          await lock.lock()
          while (!end.load()) {
            await r.send(me)
            await cv.wait()
            await a.send(me)
          }
          lock.unlock()
        },
        m,
        c,
        running,
        awake,
        exit,
        i,
      )
    }
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < n; i++) await running.recv()
      equal(awake.tryRecv(), undefined, 'awake without a broadcast')
      await m.lock()
      if (round === 2) exit.store(true)
      c.broadcast()
      m.unlock()
      const seen = new Set<number>()
      for (let i = 0; i < n; i++) seen.add((await awake.recv()) as number)
      equal(seen.size, n)
    }
    equal(running.tryRecv(), undefined)
    c.broadcast()
  },
)

cond(
  'TestRace: wait, signal and broadcast hand a counter on',
  async ({ Mutex, Cond, AtomicInt32, chan, spawn, equal }) => {
    const m = new Mutex()
    const [c, x, done] = [new Cond(m), new AtomicInt32(), chan<boolean>()]
    void spawn(
      async (t, lock: Mutex, cv: Cond, n: AtomicInt32, out: Chan<boolean>) => {
        await lock.lock()
        n.store(1)
        await cv.wait()
        t.equal(n.load(), 2)
        n.store(3)
        cv.signal()
        lock.unlock()
        await out.send(true)
      },
      m,
      c,
      x,
      done,
    )
    void spawn(
      async (t, lock: Mutex, cv: Cond, n: AtomicInt32, out: Chan<boolean>) => {
        await lock.lock()
        while (n.load() !== 1) {
          lock.unlock()
          await t.turn()
          await lock.lock()
        }
        n.store(2)
        cv.signal()
        lock.unlock()
        await out.send(true)
      },
      m,
      c,
      x,
      done,
    )
    void spawn(
      async (t, lock: Mutex, cv: Cond, n: AtomicInt32, out: Chan<boolean>) => {
        await lock.lock()
        while (n.load() !== 3) {
          if (n.load() === 2) {
            await cv.wait()
            t.equal(n.load(), 3)
            break
          }
          lock.unlock()
          await t.turn()
          await lock.lock()
        }
        lock.unlock()
        await out.send(true)
      },
      m,
      c,
      x,
      done,
    )
    for (let i = 0; i < 3; i++) equal(await done.recv(), true)
  },
)

cond(
  'TestCondSignalStealing: a signal goes to one that waited before it, not to one that came after',
  async ({ Mutex, Cond, AtomicBool, chan, spawn, equal }) => {
    for (let i = 0; i < 20; i++) {
      const m = new Mutex()
      const c = new Cond(m)
      const [ch, condition, seen] = [chan<number>(), new AtomicBool(), chan<number>()]
      void spawn(
        async (_, lock: Mutex, cv: Cond, go: Chan<number>, out: Chan<number>) => {
          await lock.lock()
          await go.send(1)
          await cv.wait()
          lock.unlock()
          await out.send(1)
        },
        m,
        c,
        ch,
        seen,
      )
      await ch.recv()
      await m.lock()
      m.unlock()
      const second = spawn(
        async (_, lock: Mutex, cv: Cond, yes: AtomicBool) => {
          await lock.lock()
          while (!yes.load()) await cv.wait()
          lock.unlock()
        },
        m,
        c,
        condition,
      )
      await m.lock()
      c.signal()
      m.unlock()
      equal(await seen.recv(), 1)
      await m.lock()
      condition.store(true)
      c.broadcast()
      m.unlock()
      await second
    }
  },
)

cond(
  'wait without the lock throws, and leaves nobody in the queue',
  async ({ Mutex, Cond, rejects, equal, blocks }) => {
    const m = new Mutex()
    const c = new Cond(m)
    await rejects(c.wait(), { name: 'SyncError', message: 'sync: unlock of unlocked mutex' })
    await m.lock()
    const waits = c.wait()
    equal(m.tryLock(), true, 'wait has unlocked it')
    m.unlock()
    await blocks(waits)
    c.signal()
    await waits
    equal(m.tryLock(), false, 'wait has locked it again')
    m.unlock()
  },
  { places: ALONE },
)

cond(
  'a signal and a broadcast that nobody waits for are lost',
  async ({ Mutex, Cond, blocks }) => {
    const m = new Mutex()
    const c = new Cond(m)
    c.signal()
    c.broadcast()
    await m.lock()
    const waits = c.wait()
    await blocks(waits)
    c.broadcast()
    await waits
    m.unlock()
  },
  { places: ALONE },
)

cond(
  'TestCondCopy: on another thread it is the same cond, with the same mutex',
  async ({ Mutex, Cond, spawn, ok, throws }) => {
    const m = new Mutex()
    const c = new Cond(m)
    ok(c.mutex === m)
    ok((await spawn((_, cv: Cond) => cv, c)) === c)
    ok((await spawn((_, cv: Cond) => cv.mutex, c)) === m)
    throws(() => new Cond({} as never), { name: 'TypeError' })
  },
)

// --- atomics

const atomics = cases('sync/atomic/atomic_test.go')

atomics(
  'TestAddInt32: adds, and wraps at 32 bits',
  ({ AtomicInt32, equal, throws }) => {
    const x = new AtomicInt32(5)
    equal([x.add(1), x.add(-10), x.load()], [6, -4, -4])
    x.store(2 ** 31 - 1)
    equal(x.add(1), -(2 ** 31))
    for (const bad of [0.5, 2 ** 31, '1' as never, 1n as never]) throws(() => x.add(bad), { name: 'RangeError' })
  },
  { places: ALONE },
)

atomics(
  'TestAddInt64: adds, and wraps at 64 bits',
  ({ AtomicInt64, equal, throws }) => {
    const x = new AtomicInt64(5n)
    equal([x.add(1n), x.add(-10n), x.load()], [6n, -4n, -4n])
    x.store(2n ** 63n - 1n)
    equal(x.add(1n), -(2n ** 63n))
    throws(() => x.add(1 as never), { name: 'TypeError' })
  },
  { places: ALONE },
)

atomics(
  'TestSwapInt32, TestSwapInt64, and of a boolean: the old value comes back',
  ({ AtomicInt32, AtomicInt64, AtomicBool, equal }) => {
    const [a, b, c] = [new AtomicInt32(1), new AtomicInt64(1n), new AtomicBool(true)]
    equal(
      [a.swap(2), a.load(), b.swap(2n ** 40n), b.load(), c.swap(false), c.load()],
      [1, 2, 1n, 2n ** 40n, true, false],
    )
  },
  { places: ALONE },
)

atomics(
  'TestCompareAndSwap: only where the old value is there',
  ({ AtomicInt32, AtomicInt64, AtomicBool, equal }) => {
    const [a, b, c] = [new AtomicInt32(1), new AtomicInt64(-1n), new AtomicBool()]
    equal([a.compareAndSwap(2, 3), a.compareAndSwap(1, 3), a.load()], [false, true, 3])
    equal([b.compareAndSwap(1n, 3n), b.compareAndSwap(-1n, 3n), b.load()], [false, true, 3n])
    equal([c.compareAndSwap(true, false), c.compareAndSwap(false, true), c.load()], [false, true, true])
  },
  { places: ALONE },
)

atomics(
  'TestLoad and TestStore: what is stored on one thread is loaded on another',
  async ({ AtomicInt32, AtomicInt64, AtomicBool, spawn, equal }) => {
    const [a, b, c] = [new AtomicInt32(), new AtomicInt64(), new AtomicBool()]
    await spawn(
      (_, x: AtomicInt32, y: AtomicInt64, z: AtomicBool) => {
        x.store(-7)
        y.store(-(2n ** 50n))
        z.store(true)
      },
      a,
      b,
      c,
    )
    equal([a.load(), b.load(), c.load()], [-7, -(2n ** 50n), true])
  },
)

atomics('TestHammer32: 8 goroutines add 1000 times each', async ({ AtomicInt32, spawn, equal }) => {
  const x = new AtomicInt32()
  const all = Array.from({ length: 8 }, () =>
    spawn((_, n: AtomicInt32) => {
      for (let i = 0; i < 1000; i++) n.add(1)
    }, x),
  )
  await Promise.all(all)
  equal(x.load(), 8000)
})

atomics(
  'TestHammer64: 8 goroutines add 1000 times each, across the middle of the word',
  async ({ AtomicInt64, spawn, equal }) => {
    const x = new AtomicInt64(2n ** 32n - 4000n)
    const all = Array.from({ length: 8 }, () =>
      spawn((_, n: AtomicInt64) => {
        for (let i = 0; i < 1000; i++) n.add(1n)
      }, x),
    )
    await Promise.all(all)
    equal(x.load(), 2n ** 32n + 4000n)
  },
)

atomics('TestHammerStoreLoad: a 64-bit value is never seen in halves', async ({ AtomicInt64, spawn }) => {
  const x = new AtomicInt64()
  const all = Array.from({ length: 4 }, () =>
    spawn((t, n: AtomicInt64) => {
      for (let i = 0; i < 500; i++) {
        const v = n.load()
        t.equal(v & 0xffffffffn, v >> 32n)
        const next = (v & 0xffffffffn) + 1n
        n.store((next << 32n) | next)
      }
    }, x),
  )
  await Promise.all(all)
})

atomics('a compare and swap loop counts exactly', async ({ AtomicInt32, spawn, equal }) => {
  const x = new AtomicInt32()
  const all = Array.from({ length: 6 }, () =>
    spawn((_, n: AtomicInt32) => {
      for (let i = 0; i < 300; i++) {
        for (let old = n.load(); !n.compareAndSwap(old, old + 1); ) old = n.load()
      }
    }, x),
  )
  await Promise.all(all)
  equal(x.load(), 1800)
})

atomics(
  'TestStoreLoadSeqCst: of two that store and then look at the other’s, at least one sees it',
  async ({ AtomicInt32, spawn, ok }) => {
    for (let i = 0; i < 30; i++) {
      const [a, b] = [new AtomicInt32(), new AtomicInt32()]
      const look = (x: AtomicInt32, y: AtomicInt32) =>
        spawn(
          (_, mine: AtomicInt32, other: AtomicInt32) => {
            mine.store(1)
            return other.load()
          },
          x,
          y,
        )
      const [one, two] = await Promise.all([look(a, b), look(b, a)])
      ok(one + two >= 1)
    }
  },
)

atomics(
  'what is stored before a flag is there for who sees the flag',
  async ({ AtomicInt32, AtomicBool, spawn, until, equal }) => {
    for (let i = 0; i < 20; i++) {
      const [data, flag] = [new AtomicInt32(), new AtomicBool()]
      void spawn(
        (_, x: AtomicInt32, ready: AtomicBool) => {
          x.store(42)
          ready.store(true)
        },
        data,
        flag,
      )
      await until(() => flag.load())
      equal(data.load(), 42)
    }
  },
)

atomics('a TAS lock built from a boolean excludes', async ({ AtomicBool, AtomicInt32, spawn, equal }) => {
  const [lock, inside, total] = [new AtomicBool(), new AtomicInt32(), new AtomicInt32()]
  const all = Array.from({ length: 4 }, () =>
    spawn(
      async (t, l: AtomicBool, now: AtomicInt32, sum: AtomicInt32) => {
        for (let i = 0; i < 50; i++) {
          while (!l.compareAndSwap(false, true)) await t.turn()
          t.equal(now.add(1), 1)
          now.add(-1)
          sum.add(1)
          l.store(false)
        }
      },
      lock,
      inside,
      total,
    ),
  )
  await Promise.all(all)
  equal(total.load(), 200)
})
