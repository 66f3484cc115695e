/** What `api.md` says beyond Go: handles, values, promises in select, and threads that die. */
import type { AtomicInt32, Chan, Mutex, Once, RWMutex, Semaphore, WaitGroup } from 'goro'
import { ALONE, cases, type T } from '../harness.ts'

// --- handles

const handles = cases('api.md: handles')

handles(
  'a handle that is passed and returned is the same object',
  async ({ chan, Mutex, WaitGroup, AtomicInt32, AtomicInt64, AtomicBool, RWMutex, Once, Semaphore, spawn, ok }) => {
    for (const handle of [
      chan(),
      new Mutex(),
      new WaitGroup(),
      new AtomicInt32(),
      new AtomicInt64(),
      new AtomicBool(),
      new RWMutex(),
      new Once(),
      new Semaphore(1),
    ]) {
      ok((await spawn((_, h: unknown) => h, handle)) === handle, handle.constructor.name)
    }
  },
)

handles('the same handle arriving twice is the same object, also nested', async ({ chan, Mutex, spawn, ok }) => {
  const [ch, m] = [chan(), new Mutex()]
  ok(await spawn((_, a: unknown, b: unknown) => a === b, ch, ch))
  ok(
    await spawn(
      (_, x: { list: unknown[]; deep: { ch: unknown; m: unknown } }, b: unknown, c: unknown) =>
        x.list[0] === b && x.deep.ch === b && x.deep.m === c && x.list[1] === c,
      { list: [ch, m], deep: { ch, m } },
      ch,
      m,
    ),
  )
  const [one, two] = [await spawn((_, h: unknown) => ({ h }), ch), await spawn((_, h: unknown) => [h], ch)]
  ok(one.h === two[0] && one.h === ch)
})

handles('a handle keeps its class on the other side', async ({ chan, Mutex, Once, spawn, equal }) => {
  const seen = await spawn(
    (t, a: unknown, b: unknown, c: unknown) => [a instanceof t.Chan, b instanceof t.Mutex, c instanceof t.Once],
    chan(),
    new Mutex(),
    new Once(),
  )
  equal(seen, [true, true, true])
})

handles('a handle made on another thread works here', async ({ spawn, equal }) => {
  const ch = await spawn((t) => t.chan<number>(3))
  equal(ch.capacity, 3)
  await ch.send(1)
  equal(await spawn(async (_, c: Chan<number>) => c.recv(), ch), 1)
  const m = await spawn(async (t) => {
    const made = new t.Mutex()
    await made.lock()
    return made
  })
  equal(m.tryLock(), false)
  m.unlock()
})

handles('a handle travels in every kind of container', async ({ chan, AtomicInt32, spawn, ok }) => {
  const [ch, n] = [chan<unknown>(1), new AtomicInt32(5)]
  for (const wrap of [[n], { n }, new Map([['n', n]]), new Set([n]), [[{ a: [n] }]]]) {
    await ch.send(wrap)
    const back = (await spawn(async (_, c: Chan<unknown>) => c.recv(), ch)) as never as unknown
    const inner =
      back instanceof Map
        ? back.get('n')
        : back instanceof Set
          ? [...back][0]
          : Array.isArray(back)
            ? back[0] === n
              ? n
              : back[0][0].a[0]
            : (back as { n: unknown }).n
    ok(inner === n)
  }
})

handles('a handle stays alive while it is only in a channel', async ({ chan, spawn, turn, equal }) => {
  const box = chan<AtomicInt32>(3)
  for (let i = 0; i < 3; i++)
    await spawn(async (t, c: Chan<AtomicInt32>, v: number) => c.send(new t.AtomicInt32(v)), box, i)
  await turn(5)
  for (let i = 0; i < 3; i++) equal((await box.recv())!.load(), i)
})

handles(
  'a channel can hold itself',
  async ({ chan, ok }) => {
    const ch = chan<unknown>(1)
    await ch.send(ch)
    ok((await ch.recv()) === ch)
  },
  { places: ALONE },
)

handles(
  'a send that fails or is refused keeps nothing',
  async ({ chan, runtime, turn, send, select, ok, rejects, throws }) => {
    const big = 'x'.repeat(10_000)
    const [full, closed] = [chan<string>(), chan<string>()]
    closed.close()
    const round = async () => {
      for (let i = 0; i < 200; i++) {
        full.trySend(big)
        select.try({ full: send(full, big) })
        await rejects(closed.send(big), { name: 'ChannelClosedError' })
        throws(() => closed.trySend(big), { name: 'ChannelClosedError' })
        await rejects(select({ a: send(closed, big), b: send(full, big) }), { name: 'ChannelClosedError' })
      }
      await turn()
      return runtime.stats().memory.used
    }
    await round()
    const before = await round()
    for (let i = 0; i < 3; i++) await round()
    ok((await round()) - before < 2 ** 20)
  },
  { places: ALONE },
)

// --- what nobody refers to is freed

const freed = cases('api.md: what nobody refers to is freed')

/** What four threads may take more for themselves: a page, at times two. */
const PAGES = 200 * 1024

/**
 * Fails if what is used still grows from the third round to the seventh. Pages stay with a thread once it has had them, and a collector may
 * leave a round for later: by the third the peak has been reached. Of what is never freed four rounds would be there.
 */
async function staysFlat({ runtime, collect, ok }: T, round: () => unknown): Promise<void> {
  const used: number[] = []
  for (let i = 0; i < 7; i++) {
    await round()
    await collect()
    used.push(runtime.stats().memory.used)
  }
  const limit = PAGES * Math.max(1, runtime.numThread() / 4)
  ok(used[6]! - used[2]! < limit, `bytes after each round: ${used}`)
}

freed(
  'channels that are made, used and dropped',
  async (t) => {
    await staysFlat(t, async () => {
      for (let i = 0; i < 2000; i++) {
        const ch = t.chan<unknown>(1)
        await ch.send({ i, text: 'x'.repeat(50) })
        await ch.recv()
      }
    })
  },
  { places: ALONE },
)

freed(
  'values in channels that are dropped',
  async (t) => {
    await staysFlat(t, async () => {
      for (let i = 0; i < 100; i++) {
        const ch = t.chan<string>(5)
        for (let k = 0; k < 5; k++) await ch.send('x'.repeat(1000))
      }
    })
  },
  { places: ALONE },
)

freed(
  'values in channels that are closed and dropped',
  async (t) => {
    await staysFlat(t, async () => {
      for (let i = 0; i < 100; i++) {
        const ch = t.chan<string>(5)
        for (let k = 0; k < 5; k++) await ch.send('x'.repeat(1000))
        ch.close()
      }
    })
  },
  { places: ALONE },
)

freed(
  'values in channels that are drained',
  async (t) => {
    await staysFlat(t, async () => {
      const ch = t.chan<string>(5)
      for (let i = 0; i < 100; i++) {
        for (let k = 0; k < 5; k++) await ch.send('x'.repeat(1000))
        for (let k = 0; k < 5; k++) await ch.recv()
      }
    })
  },
  { places: ALONE },
)

freed(
  'a channel in a channel, with what is in both',
  async (t) => {
    await staysFlat(t, async () => {
      for (let i = 0; i < 500; i++) {
        const [outer, inner] = [t.chan<Chan<string>>(1), t.chan<string>(1)]
        await inner.send('x'.repeat(1000))
        await outer.send(inner)
      }
    })
  },
  { places: ALONE },
)

for (const what of [
  'Mutex',
  'RWMutex',
  'WaitGroup',
  'Once',
  'Cond',
  'Semaphore',
  'AtomicInt32',
  'AtomicInt64',
  'AtomicBool',
  'SyncMap',
] as const) {
  freed(
    `a ${what}`,
    async (t) => {
      await staysFlat(t, () => {
        for (let i = 0; i < 3000; i++) {
          if (what === 'Cond') new t.Cond(new t.Mutex())
          else if (what === 'Semaphore') new t.Semaphore(1)
          else if (what === 'SyncMap') new t.SyncMap<string, string>().set('a', 'x'.repeat(100))
          else new t[what]()
        }
      })
    },
    { places: ['main'] },
  )
}

freed(
  'contexts that were cancelled, and their channels',
  async (t) => {
    await staysFlat(t, () => {
      const [parent, stop] = t.context.withCancel(t.context.background())
      for (let i = 0; i < 1500; i++) {
        const [ctx, cancel] = t.context.withTimeout(t.context.withValue(parent, 'k', i), 3_600_000)
        ctx.done()
        cancel()
      }
      stop()
    })
  },
  { places: ALONE },
)

freed(
  'an after that nobody waits for any more, and its timer',
  async (t) => {
    await staysFlat(t, () => {
      for (let i = 0; i < 3000; i++) t.after(3_600_000)
    })
  },
  { places: ALONE },
)

freed(
  'what goroutines were given and what they gave back',
  async (t) => {
    await staysFlat(t, async () => {
      const made: unknown[] = []
      for (let i = 0; i < 400; i++) {
        made.push(
          t.go(async (c: Chan<string>) => {
            const { chan } = await import('goro')
            return [chan<string>(4), c]
          }, t.chan<string>(4)),
        )
      }
      await Promise.all(made)
      // Threads have garbage of their own.
      const collectors = Array.from({ length: t.runtime.numThread() * 2 }, () =>
        t.go(async () => {
          const [{ setFlagsFromString }, { runInNewContext }] = [await import('node:v8'), await import('node:vm')]
          setFlagsFromString('--expose-gc')
          const gc = runInNewContext('gc') as () => void
          gc()
          await new Promise((resolve) => setImmediate(resolve))
        }),
      )
      await Promise.all(collectors)
    })
  },
  { places: ['main+go'] },
)

// --- values

const values = cases('api.md: values')

for (const [what, value] of [
  ['numbers', [0, -0, 1.5, -1, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY]],
  ['strings', ['', 'a', 'ä€😀', 'x'.repeat(5000)]],
  ['bigints', [0n, -1n, 2n ** 100n]],
  ['nothing', [undefined, null]],
  ['booleans', [true, false]],
  ['dates', [new Date(0), new Date(1e12)]],
  ['regular expressions', [/a+b/gi]],
  ['maps and sets', [new Map<unknown, unknown>([[1, { a: 2 }]]), new Set([1, 'x'])]],
  ['typed arrays', [new Uint8Array([1, 2, 3]), new Float64Array([0.5])]],
  ['nested data', [{ a: [{ b: [1, [2, { c: 'x' }]] }], d: {} }]],
] as const) {
  values(`${what} pass through a channel as structured clone would have them`, async ({ chan, spawn, equal }) => {
    for (const capacity of [0, 2]) {
      const [there, back] = [chan<unknown>(capacity), chan<unknown>(capacity)]
      void spawn(
        async (_, from: Chan<unknown>, to: Chan<unknown>) => {
          for (;;) {
            const { value: v, done } = await from.next()
            if (done) break
            await to.send(v)
          }
          to.close()
        },
        there,
        back,
      )
      for (const v of value) {
        await there.send(v)
        const { value: got } = await back.next()
        equal(got, structuredClone(v) as typeof got)
        equal(Object.is(got, v), typeof v !== 'object' || v === null)
      }
      there.close()
    }
  })
}

values('cycles and shared parts keep their shape', async ({ chan, spawn, ok }) => {
  const ch = chan<unknown>(1)
  const shared = { n: 1 }
  const value: { a: object; b: object; self?: unknown } = { a: shared, b: shared }
  value.self = value
  await ch.send(value)
  ok(
    await spawn(async (_, c: Chan<unknown>) => {
      const got = (await c.recv()) as typeof value
      return got.self === got && got.a === got.b
    }, ch),
  )
})

values('errors keep class, message, cause, code and properties', async ({ chan, spawn, equal }) => {
  const ch = chan<unknown>(1)
  await ch.send(Object.assign(new RangeError('far', { cause: new TypeError('why') }), { code: 'E', extra: { n: 1 } }))
  equal(
    await spawn(async (_, c: Chan<unknown>) => {
      const e = (await c.recv()) as RangeError & { code: string; extra: { n: number }; cause: Error }
      return [e instanceof RangeError, e.message, e.code, e.extra.n, e.cause instanceof TypeError, e.cause.message]
    }, ch),
    [true, 'far', 'E', 1, true, 'why'],
  )
})

values(
  'a value is copied when it is sent: later changes are not seen',
  async ({ chan, equal }) => {
    const ch = chan<{ n: number }>(1)
    const value = { n: 1 }
    await ch.send(value)
    value.n = 2
    equal(await ch.recv(), { n: 1 })
  },
  { places: ALONE },
)

values('a SharedArrayBuffer is shared through a channel', async ({ chan, spawn, equal }) => {
  const ch = chan<SharedArrayBuffer>(1)
  const shared = new SharedArrayBuffer(8)
  await ch.send(shared)
  await spawn(async (_, c: Chan<SharedArrayBuffer>) => {
    new Int32Array((await c.recv())!)[0] = 42
  }, ch)
  equal(new Int32Array(shared)[0], 42)
})

values(
  'what can’t be sent throws, names the path, and sends nothing',
  async ({ chan, select, send, rejects, throws, equal }) => {
    const ch = chan<unknown>(1)
    const refused = (message: RegExp) => ({ name: 'DataCloneError', message })
    await rejects(
      ch.send(() => 1),
      refused(/function/),
    )
    await rejects(ch.send({ a: [{ fn: () => 1 }] }), refused(/\.a\[0\]\.fn/))
    throws(() => ch.trySend(Symbol('s')), refused(/symbol/i))
    await rejects(select({ out: send(ch, () => 1) }), refused(/out/))
    throws(() => select.try({ out: send(ch, { p: Promise.resolve() }) }), refused(/\.p/))
    equal(ch.length, 0)
    await ch.send(1)
    equal(await ch.recv(), 1)
  },
  { places: ALONE },
)

values('a large value passes, many times', async ({ chan, spawn, equal }) => {
  const ch = chan<Uint8Array>()
  const sender = spawn(async (_, c: Chan<Uint8Array>) => {
    for (let i = 0; i < 5; i++) await c.send(new Uint8Array(1_000_000).fill(i))
  }, ch)
  for (let i = 0; i < 5; i++) {
    const got = (await ch.recv())!
    equal([got.length, got[0], got[999_999]], [1_000_000, i, i])
  }
  await sender
})

// --- promises as cases

const select = cases('api.md: select')

select(
  'a promise that has fulfilled is ready',
  async ({ select: choose, chan, equal }) => {
    equal(await choose({ p: Promise.resolve(5), never: chan() }), { case: 'p', value: 5, done: false })
    equal(await choose({ p: Promise.resolve(undefined) }), { case: 'p', value: undefined, done: false })
  },
  { places: ALONE },
)

select(
  'a promise that fulfils later wakes the select, and leaves nothing in the channels',
  async ({ select: choose, chan, send, turn, equal }) => {
    const [a, b] = [chan<number>(), chan<number>()]
    equal(await choose({ a, b: send(b, 1), late: turn(3).then(() => 'late') }), {
      case: 'late',
      value: 'late',
      done: false,
    })
    equal([a.trySend(1), b.tryRecv()], [false, undefined])
  },
  { places: ALONE },
)

select(
  'a promise that rejects rejects the select, and nothing is sent',
  async ({ select: choose, chan, send, turn, rejects, equal }) => {
    const ch = chan<number>()
    await rejects(choose({ out: send(ch, 1), p: Promise.reject(new RangeError('no')) }), {
      name: 'RangeError',
      message: 'no',
    })
    await rejects(choose({ out: send(ch, 1), p: turn(2).then(() => Promise.reject(new RangeError('later'))) }), {
      message: 'later',
    })
    equal(ch.tryRecv(), undefined)
  },
  { places: ALONE },
)

select(
  'a channel that wins leaves the promise to itself, and a rejection that comes later is nobody’s',
  async ({ select: choose, chan, turn, equal }) => {
    const ch = chan<number>(1)
    await ch.send(1)
    const late = turn(3).then(() => Promise.reject(new Error('too late')))
    equal((await choose({ ch, late })).case, 'ch')
    await turn(5)
  },
  { places: ALONE },
)

select(
  'a goroutine is a promise, and so a case',
  async ({ select: choose, chan, go, equal }) => {
    equal(await choose({ result: go((x: number) => x * 2, 21), never: chan<number>() }), {
      case: 'result',
      value: 42,
      done: false,
    })
  },
  { places: ['main+go', 'go+go'] },
)

select(
  'a thenable that is no promise is a case',
  async ({ select: choose, chan, equal }) => {
    const thenable = { then: (resolve: (v: number) => void) => void resolve(9) }
    equal((await choose({ t: thenable as unknown as PromiseLike<number>, never: chan<number>() })).value, 9)
  },
  { places: ALONE },
)

select(
  'promises and channels that are all ready are chosen from evenly',
  async ({ select: choose, chan, ok }) => {
    const ch = chan<number>(1)
    const counts = { ch: 0, p: 0 }
    for (let i = 0; i < 600; i++) {
      ch.trySend(1)
      counts[(await choose({ ch, p: Promise.resolve(1) })).case]++
    }
    // A binomial of 600 halves: off by 100 (8 deviations) once in 10^15.
    ok(Math.abs(counts.ch - 300) < 100, JSON.stringify(counts))
  },
  { places: ALONE },
)

for (const n of [2, 3, 5, 9]) {
  select(
    `the choice among ${n} ready channels is uniform`,
    async ({ select: choose, chan, ok }) => {
      const channels = Object.fromEntries(Array.from({ length: n }, (_, i) => [`c${i}`, chan<number>(1)]))
      const counts = new Map<string, number>(Object.keys(channels).map((name) => [name, 0]))
      const trials = 300 * n
      for (let i = 0; i < trials; i++) {
        for (const ch of Object.values(channels)) ch.trySend(1)
        const { case: name } = await choose(channels)
        counts.set(name, counts.get(name)! + 1)
      }
      // Chi-square with n - 1 degrees of freedom: its mean is n - 1; above n + 70 it is less often than once in 10^12.
      const chi = [...counts.values()].reduce((sum, count) => sum + (count - 300) ** 2 / 300, 0)
      ok(chi < n + 70, `${[...counts.values()]}`)
    },
    { places: ALONE },
  )
}

select(
  'the order in which cases are written gives none of them an advantage',
  async ({ select: choose, chan, ok }) => {
    const [a, b] = [chan<number>(1), chan<number>(1)]
    let first = 0
    for (let i = 0; i < 600; i++) {
      a.trySend(1)
      b.trySend(1)
      if (choose.try({ a, b })!.case === 'a') first++
    }
    ok(Math.abs(first - 300) < 100, `${first}`)
  },
  { places: ALONE },
)

select('a select of 100 channels takes the one that is ready', async ({ select: choose, chan, spawn, equal }) => {
  const all = Array.from({ length: 100 }, () => chan<number>())
  const cases = Object.fromEntries(all.map((c, i) => [`c${i}`, c]))
  for (const i of [0, 57, 99]) {
    const sent = spawn(async (_, c: Chan<number>, v: number) => c.send(v), all[i]!, i)
    equal(await choose(cases), { case: `c${i}`, value: i, done: false })
    await sent
  }
  for (const c of all) equal(c.trySend(1), false)
})

select(
  'select.try sees a promise that it was given before',
  async ({ select: choose, turn, chan, equal }) => {
    const [p, never] = [Promise.resolve(3), chan<number>()]
    choose.try({ p, never })
    await turn()
    equal(choose.try({ p, never }), { case: 'p', value: 3, done: false })
  },
  { places: ALONE },
)

select(
  'many selects that send and receive on the same channels pair up, each value once',
  async ({ chan, spawn, equal }) => {
    const [a, b] = [chan<number>(), chan<number>()]
    const senders = [0, 1].map((s) =>
      spawn(
        async ({ select: choose, send }, x: Chan<number>, y: Chan<number>, from: number) => {
          for (let i = 0; i < 200; i++) await choose({ x: send(x, from + i), y: send(y, from + i) })
        },
        a,
        b,
        s * 200,
      ),
    )
    const receivers = [0, 1].map(() =>
      spawn(
        async ({ select: choose }, x: Chan<number>, y: Chan<number>) => {
          const got: number[] = []
          for (let i = 0; i < 200; i++) got.push((await choose({ x, y })).value as number)
          return got
        },
        a,
        b,
      ),
    )
    await Promise.all(senders)
    const all = (await Promise.all(receivers)).flat().sort((x, y) => x - y)
    equal(
      all,
      Array.from({ length: 400 }, (_, i) => i),
    )
  },
)

// --- the main thread on equal terms

const main = cases('api.md: the main thread')

main(
  'its event loop turns while it waits',
  async ({ chan, spawn, equal }) => {
    const [ch, gate] = [chan<number>(), chan<never>()]
    let ticks = 0
    // What it waits for depends on its own timers.
    const interval = setInterval(() => {
      if (++ticks === 5) gate.close()
    }, 1)
    void spawn(
      async (_, c: Chan<number>, g: Chan<never>) => {
        await g.recv()
        await c.send(1)
      },
      ch,
      gate,
    )
    equal(await ch.recv(), 1)
    clearInterval(interval)
  },
  { places: ['main', 'main+go'] },
)

main(
  'many tasks of it wait at once, each for its own',
  async ({ chan, spawn, equal }) => {
    const all = Array.from({ length: 50 }, (_, i) => {
      const ch = chan<number>()
      const received = ch.recv()
      void spawn(async (_, c: Chan<number>, v: number) => c.send(v), ch, i)
      return received
    })
    equal(
      await Promise.all(all),
      Array.from({ length: 50 }, (_, i) => i),
    )
  },
  { places: ['main', 'main+go'] },
)

main(
  'it takes part in every sync type together with goroutines',
  async ({ Mutex, RWMutex, WaitGroup, Semaphore, Once, AtomicInt32, spawn, equal }) => {
    const [m, rw, wg, sem, once, n] = [
      new Mutex(),
      new RWMutex(),
      new WaitGroup(),
      new Semaphore(1),
      new Once(),
      new AtomicInt32(),
    ]
    wg.add(3)
    const work = async (t: unknown, a: Mutex, b: RWMutex, g: WaitGroup, s: Semaphore, o: Once, count: AtomicInt32) => {
      void t
      for (let i = 0; i < 20; i++) {
        await a.withLock(() => count.add(1))
        await b.withLock(() => count.add(1))
        await b.withRLock(() => count.load())
        await s.acquire()
        count.add(1)
        s.release()
      }
      await o.do(() => count.add(1000))
      g.done()
    }
    for (let i = 0; i < 2; i++) void spawn(work, m, rw, wg, sem, once, n)
    await work(undefined, m, rw, wg, sem, once, n)
    await wg.wait()
    equal(n.load(), 1180)
  },
  { places: ['main', 'main+go'] },
)

// --- threads that die. The party that is killed takes all that has started on its thread along, so these run from the main thread.

const death = cases('api.md: a thread that dies')
const died = { name: 'ThreadDiedError' }

/** Starts a goroutine that ends its thread. That is expected from the start: it may happen before anybody comes to wait for it. */
function doomed<A extends unknown[]>(
  { go, rejects }: Pick<T, 'go' | 'rejects'>,
  fn: (...args: A) => unknown,
  ...args: A
): Promise<void> {
  return rejects(go(fn, ...args), died)
}

death(
  'its goroutine fails with ThreadDiedError',
  async ({ go, rejects }) => {
    await rejects(
      go(() => process.exit(1)),
      died,
    )
  },
  { places: ['main+go'] },
)

death(
  'holding a Mutex: those who wait and those who come fail instead of hanging',
  async ({ Mutex, go, chan, rejects, throws }) => {
    const [m, ready] = [new Mutex(), chan<number>()]
    const victim = doomed(
      { go, rejects },
      async (lock: Mutex, c: Chan<number>) => {
        await lock.lock()
        await c.send(1)
        await c.recv()
        process.exit(1)
      },
      m,
      ready,
    )
    await ready.recv()
    const waits = rejects(m.lock(), died)
    await ready.send(1)
    await victim
    await waits
    await rejects(m.lock(), died)
    await rejects(
      m.withLock(() => 1),
      died,
    )
    throws(() => m.tryLock(), died)
  },
  { places: ['main+go'] },
)

death(
  'writing under an RWMutex: readers and writers fail instead of hanging',
  async ({ RWMutex, go, chan, rejects, throws }) => {
    const [rw, ready] = [new RWMutex(), chan<number>()]
    const victim = doomed(
      { go, rejects },
      async (lock: RWMutex, c: Chan<number>) => {
        await lock.lock()
        await c.send(1)
        await c.recv()
        process.exit(1)
      },
      rw,
      ready,
    )
    await ready.recv()
    const waits = [rejects(rw.rLock(), died), rejects(rw.lock(), died)]
    await ready.send(1)
    await victim
    await Promise.all(waits)
    throws(() => rw.tryLock(), died)
    throws(() => rw.tryRLock(), died)
  },
  { places: ['main+go'] },
)

death(
  'parked on a channel: it leaves no ghost, the value goes to the next',
  async ({ chan, go, rejects, equal }) => {
    const [ch, kill] = [chan<number>(), chan<number>()]
    const victim = doomed(
      { go, rejects },
      async (c: Chan<number>, k: Chan<number>) => {
        void c.recv()
        await k.recv()
        process.exit(1)
      },
      ch,
      kill,
    )
    await kill.send(1)
    await victim
    equal(ch.trySend(1), false)
    const next = ch.recv()
    await ch.send(2)
    equal(await next, 2)
  },
  { places: ['main+go'] },
)

death(
  'parked as a sender: its value is gone with it',
  async ({ chan, go, rejects, equal }) => {
    const [ch, kill] = [chan<number>(), chan<number>()]
    const victim = doomed(
      { go, rejects },
      async (c: Chan<number>, k: Chan<number>) => {
        void c.send(1)
        await k.recv()
        process.exit(1)
      },
      ch,
      kill,
    )
    await kill.send(1)
    await victim
    equal(ch.tryRecv(), undefined)
  },
  { places: ['main+go'] },
)

death(
  'parked in a select: it leaves no ghost in any of its channels',
  async ({ chan, go, rejects, equal }) => {
    const [a, b, kill] = [chan<number>(), chan<number>(), chan<number>()]
    const victim = doomed(
      { go, rejects },
      async (x: Chan<number>, y: Chan<number>, k: Chan<number>) => {
        const { select, send } = await import('goro')
        void select({ x, y: send(y, 1) })
        await k.recv()
        process.exit(1)
      },
      a,
      b,
      kill,
    )
    await kill.send(1)
    await victim
    equal([a.trySend(1), b.tryRecv()], [false, undefined])
  },
  { places: ['main+go'] },
)

death(
  'in the queue of a Mutex: the next one gets it',
  async ({ Mutex, go, chan, rejects }) => {
    const [m, kill] = [new Mutex(), chan<number>()]
    await m.lock()
    const victim = doomed(
      { go, rejects },
      async (lock: Mutex, k: Chan<number>) => {
        void lock.lock()
        await k.recv()
        process.exit(1)
      },
      m,
      kill,
    )
    await kill.send(1)
    const next = m.lock()
    await victim
    m.unlock()
    await next
    m.unlock()
  },
  { places: ['main+go'] },
)

death(
  'in the queue of a Semaphore: those behind it get in',
  async ({ Semaphore, go, chan, rejects }) => {
    const [sem, kill] = [new Semaphore(2), chan<number>()]
    await sem.acquire(1)
    const victim = doomed(
      { go, rejects },
      async (s: Semaphore, k: Chan<number>) => {
        void s.acquire(2)
        await k.recv()
        process.exit(1)
      },
      sem,
      kill,
    )
    await kill.send(1)
    const next = sem.acquire(1)
    await victim
    await next
  },
  { places: ['main+go'] },
)

death(
  'waiting for a WaitGroup: the others are woken as ever',
  async ({ WaitGroup, go, chan, rejects }) => {
    const [wg, kill] = [new WaitGroup(), chan<number>()]
    wg.add(1)
    const victim = doomed(
      { go, rejects },
      async (g: WaitGroup, k: Chan<number>) => {
        void g.wait()
        await k.recv()
        process.exit(1)
      },
      wg,
      kill,
    )
    await kill.send(1)
    const own = wg.wait()
    await victim
    wg.done()
    await own
  },
  { places: ['main+go'] },
)

death(
  'WaitGroup.go: a goroutine that dies with its thread is done',
  async ({ WaitGroup, rejects }) => {
    const wg = new WaitGroup()
    const victim = rejects(
      wg.go(() => process.exit(1)),
      died,
    )
    await wg.wait()
    await victim
  },
  { places: ['main+go'] },
)

death(
  'doing a Once: those who wait go on',
  async ({ Once, go, chan, rejects }) => {
    const [once, ready] = [new Once(), chan<number>()]
    const victim = doomed(
      { go, rejects },
      async (o: Once, c: Chan<number>) => {
        await o.do(async () => {
          await c.send(1)
          await c.recv()
          process.exit(1)
        })
      },
      once,
      ready,
    )
    await ready.recv()
    const waits = once.do(() => undefined).catch(() => undefined)
    await ready.send(1)
    await victim
    await waits
  },
  { places: ['main+go'] },
)

death(
  'what it had not started yet runs elsewhere',
  async ({ go, AtomicInt32, rejects, equal }) => {
    const n = new AtomicInt32()
    const victims: Promise<void>[] = []
    const all: PromiseLike<number>[] = []
    for (let i = 0; i < 40; i++) {
      if (i === 20)
        victims.push(
          rejects(
            go(() => process.exit(1)),
            died,
          ),
        )
      all.push(go((count: AtomicInt32) => count.add(1), n))
    }
    await Promise.all(victims)
    await Promise.all(all)
    equal(n.load(), 40)
  },
  { places: ['main+go'] },
)

death(
  'values that were on their way to it are freed, and it can be repeated',
  async ({ chan, go, rejects, runtime, ok }) => {
    const before = runtime.stats().memory.used
    for (let i = 0; i < 3; i++) {
      const ch = chan<string>(10)
      for (let k = 0; k < 10; k++) await ch.send('x'.repeat(10_000))
      await rejects(
        go((c: Chan<string>) => {
          c.tryRecv()
          process.exit(1)
        }, ch),
        died,
      )
      while (ch.tryRecv() !== undefined);
    }
    ok(runtime.stats().memory.used - before < 8 * 2 ** 20)
  },
  { places: ['main+go'] },
)
