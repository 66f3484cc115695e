import type { Chan, RecvChan, SendChan } from 'goro'
import { ALONE, cases, THREADS } from '../harness.ts'

const doubleselect = cases('test/chan/doubleselect.go')

doubleselect(
  'a select of four sends does exactly one of them: no value arrives twice',
  async ({ chan, spawn, equal }) => {
    const channels = [chan<number>(), chan<number>(), chan<number>(), chan<number>()] as const
    const [out, n] = [chan<number>(), 500]
    const muxes = channels.map((c) =>
      spawn(
        async (_, to: Chan<number>, from: Chan<number>) => {
          for await (const v of from) await to.send(v)
        },
        out,
        c,
      ),
    )
    void spawn(
      async ({ select, send }, count: number, a: Chan<number>, b: Chan<number>, c: Chan<number>, d: Chan<number>) => {
        for (let i = 0; i < count; i++) await select({ a: send(a, i), b: send(b, i), c: send(c, i), d: send(d, i) })
        for (const each of [a, b, c, d]) each.close()
      },
      n,
      ...channels,
    )
    const received = spawn(async (_, from: Chan<number>) => {
      const seen: number[] = []
      for await (const v of from) seen.push(v)
      return seen
    }, out)
    await Promise.all(muxes)
    out.close()
    const seen = await received
    equal(seen.length, n)
    equal(new Set(seen).size, n)
  },
)

doubleselect(
  'a select of four receives takes exactly one value, whoever sends at once',
  async ({ chan, spawn, select, equal }) => {
    const channels = [chan<number>(), chan<number>(), chan<number>(), chan<number>()] as const
    for (const [i, c] of channels.entries()) {
      void spawn(
        async (_, to: Chan<number>, from: number) => {
          for (let k = 0; k < 100; k++) await to.send(from + k)
        },
        c,
        i * 100,
      )
    }
    const seen = new Set<number>()
    const [a, b, c, d] = channels
    for (let i = 0; i < 400; i++) seen.add((await select({ a, b, c, d })).value as number)
    equal(seen.size, 400)
  },
)

const fifo = cases('test/chan/fifo.go')

fifo('a buffered channel is first in, first out', async ({ chan, spawn, equal }) => {
  const ch = chan<number>(10)
  await spawn(async (_, c: Chan<number>) => {
    for (let i = 0; i < 10; i++) await c.send(i)
  }, ch)
  for (let i = 0; i < 10; i++) equal(await ch.recv(), i)
})

fifo('an unbuffered channel is first in, first out through a chain of goroutines', async ({ chan, spawn, equal }) => {
  const ch = chan<number>()
  // Each receives when the one before it has.
  let before = chan<number>()
  const first = before
  for (let i = 0; i < 10; i++) {
    const after = chan<number>()
    void spawn(
      async (t, c: Chan<number>, value: number, from: Chan<number>, to: Chan<number>) => {
        await from.recv()
        t.equal(await c.recv(), value)
        await to.send(1)
      },
      ch,
      i,
      before,
      after,
    )
    before = after
  }
  await first.send(1)
  for (let i = 0; i < 10; i++) await ch.send(i)
  equal(await before.recv(), 1)
})

cases('test/chan/goroutines.go')(
  'a value passes through a chain of 1000 goroutines',
  async ({ chan, spawn, equal }) => {
    const left = chan<number>()
    let at = left
    for (let i = 0; i < 1000; i++) {
      const right = chan<number>()
      void spawn(
        async (_, to: Chan<number>, from: Chan<number>) => to.send(((await from.recv()) as number) + 1),
        at,
        right,
      )
      at = right
    }
    void spawn(async (_, to: Chan<number>) => to.send(0), at)
    equal(await left.recv(), 1000)
  },
)

const nonblock = cases('test/chan/nonblock.go')

for (const [what, values] of [
  ['numbers', [123, 234]],
  ['large numbers', [123_456_789_012, 2 ** 53 - 1]],
  ['bigints', [123n, 2n ** 70n]],
  ['booleans', [true, false]],
  ['strings', ['hello', 'hello again']],
  ['objects', [{ a: 1 }, { b: ['x'] }]],
] as const) {
  nonblock(
    `tries with ${what}: nothing without a partner, the value with one`,
    async ({ chan, spawn, parked, equal }) => {
      for (const buffer of [0, 1, 10]) {
        const [ch, strobe] = [chan<unknown>(buffer), chan<unknown>(buffer)]
        equal(ch.tryRecv(), undefined)
        const receiver = spawn(
          async (_, c: Chan<unknown>, s: Chan<unknown>) => {
            const got = await c.recv()
            await s.send('received')
            return got
          },
          ch,
          strobe,
        )
        await parked(1)
        equal(ch.trySend(values[0]), true)
        equal(await strobe.recv(), 'received')
        equal(await receiver, values[0])
        for (let i = 0; i < buffer; i++) equal(ch.trySend(values[0]), true)
        equal(ch.trySend(values[0]), false)
        for (let i = 0; i < buffer; i++) equal(ch.tryRecv(), { value: values[0], done: false })
        const sender = spawn(async (_, c: Chan<unknown>, v: unknown) => c.send(v), ch, values[1])
        if (buffer === 0) await parked(1)
        else await sender
        equal(ch.tryRecv(), { value: values[1], done: false })
        await sender
      }
    },
  )
}

const perm = cases('test/chan/perm.go')

perm('a channel passes as either of its one-directional views', async ({ chan, spawn, equal }) => {
  const ch = chan<number>(1)
  await spawn(async (_, out: SendChan<number>) => out.send(5), ch as SendChan<number> as never)
  equal(await spawn(async (_, from: RecvChan<number>) => from.recv(), ch as RecvChan<number> as never), 5)
})

perm(
  'a receive or send case of what is no channel is refused',
  async ({ recv, send, select, throws, rejects }) => {
    for (const bad of [5, 'ch', {}, () => 1]) {
      throws(() => recv(bad as never), { name: 'TypeError' })
      throws(() => send(bad as never, 1), { name: 'TypeError' })
      throws(() => select.try({ bad: bad as never }), { name: 'TypeError', message: /case bad is no channel/ })
      await rejects(select({ bad: bad as never }), { name: 'TypeError', message: /case bad is no channel/ })
    }
  },
  { places: ALONE },
)

const powser = cases('test/chan/powser1.go')

/** A power series is a channel of its coefficients; each series is a goroutine. Here with plain numbers, and the request channel of the original as capacity 0. */
powser(
  'power series as goroutines: 1/(1-x) times itself has the coefficients 1, 2, 3 …',
  async ({ chan, spawn, equal }) => {
    const [f, g, product] = [chan<number>(), chan<number>(), chan<number>()]
    for (const c of [f, g]) {
      void spawn(async (_, out: Chan<number>) => {
        for (let i = 0; i < 20; i++) await out.send(1)
        out.close()
      }, c)
    }
    void spawn(
      async (_, a: Chan<number>, b: Chan<number>, out: Chan<number>) => {
        const [as, bs]: number[][] = [[], []]
        for await (const x of a) {
          as!.push(x)
          bs!.push((await b.recv()) as number)
          let sum = 0
          for (let i = 0; i < as!.length; i++) sum += as![i]! * bs![bs!.length - 1 - i]!
          await out.send(sum)
        }
        out.close()
      },
      f,
      g,
      product,
    )
    const got: number[] = []
    for await (const v of product) got.push(v)
    equal(
      got,
      Array.from({ length: 20 }, (_, i) => i + 1),
    )
  },
)

powser('a series split in two by a tree of goroutines gives both readers all of it', async ({ chan, spawn, equal }) => {
  const [source, left, right] = [chan<number>(), chan<number>(), chan<number>()]
  void spawn(async (_, out: Chan<number>) => {
    for (let i = 0; i < 50; i++) await out.send(i * i)
    out.close()
  }, source)
  void spawn(
    async ({ select, send }, from: Chan<number>, a: Chan<number>, b: Chan<number>) => {
      for await (const v of from) {
        let [x, y]: (Chan<number> | null)[] = [a, b]
        while (x !== null || y !== null) {
          const hit = await select({ x: send(x, v), y: send(y, v) })
          if (hit.case === 'x') x = null
          else y = null
        }
      }
      a.close()
      b.close()
    },
    source,
    left,
    right,
  )
  const readers = [left, right].map((c) =>
    spawn(async (_, from: Chan<number>) => {
      const got: number[] = []
      for await (const v of from) got.push(v)
      return got
    }, c),
  )
  const expected = Array.from({ length: 50 }, (_, i) => i * i)
  equal(await Promise.all(readers), [expected, expected])
})

const select1 = cases('test/chan/select.go')

select1(
  'a select in a loop sends once to each; a case set to null is out',
  async ({ chan, select, send, equal }) => {
    const [a, b] = [chan<number>(1), chan<number>(1)]
    let evaluated = 0
    let shift = 0
    const value = () => {
      evaluated++
      return 1 << shift
    }
    const sendAll = (x: Chan<number> | null, y: Chan<number> | null): number => {
      for (let i = 0; ; i++, shift++) {
        const hit = select.try({ x: send(x, value()), y: send(y, value()) })
        if (hit === undefined) return i
        if (hit.case === 'x') x = null
        else y = null
      }
    }
    equal(sendAll(a, b), 2)
    equal(((await a.recv()) as number) | ((await b.recv()) as number), 3)
    equal(sendAll(a, null), 1)
    equal(evaluated, 10)
  },
  { places: ALONE },
)

const select2 = cases('test/chan/select2.go')

select2('selects with a losing case use no memory', async ({ chan, spawn, select, runtime, turn, ok }) => {
  const [c, dummy] = [chan<number>(), chan<number>()]
  const round = async () => {
    const sender = spawn(async (_, out: Chan<number>) => {
      for (let i = 0; i < 400; i++) await out.send(1)
    }, c)
    for (let i = 0; i < 400; i++) await select({ c, dummy })
    await sender
    await turn(3)
    return runtime.stats().memory.used
  }
  await round()
  const before = await round()
  for (let i = 0; i < 3; i++) await round()
  const after = await round()
  // As below: 1600 of them.
  ok(after - before < 256 * 1024, `${after - before} bytes more`)
})

select2('parked selects that lose use no memory', async ({ chan, spawn, runtime, turn, ok, equal }) => {
  const [c, dummy] = [chan<number>(), chan<number>()]
  const round = async () => {
    const all = Array.from({ length: 100 }, () =>
      spawn(
        async ({ select, send }, a: Chan<number>, b: Chan<number>) => (await select({ a, b: send(b, 1) })).case,
        c,
        dummy,
      ),
    )
    for (let i = 0; i < 100; i++) await c.send(i)
    for (const each of all) equal(await each, 'a')
    await turn(3)
    return runtime.stats().memory.used
  }
  let before = 0
  for (let i = 0; i < 6; i++) before = await round()
  let after = 0
  for (let i = 0; i < 36; i++) after = await round()
  // A select's waiters are 192 bytes: 3600 of them would show. A thread may take a page more for itself.
  ok(after - before < 384 * 1024, `${after - before} bytes more`)
})

// --- select3: what waits, and what does not. A nil channel is null or undefined as a case.

const select3 = cases('test/chan/select3.go')

select3(
  'a select of a nil send only waits for ever',
  async ({ select, send, blocks, leave, parked, place }) => {
    await blocks(select({ nil: send(null, 7) }))
    leave(async (t) => t.select({ nil: t.send(undefined, 7) }))
    if (place === 'main+go') await parked(1)
  },
  { leaves: 1 },
)

select3(
  'a select of a nil receive only waits for ever',
  async ({ select, recv, blocks, leave }) => {
    await blocks(select({ nil: recv(null) }))
    await blocks(select({ nil: null }))
    await blocks(select({ nil: undefined }))
    leave(async (t) => t.select({ nil: t.recv(null) }))
  },
  { leaves: 1 },
)

select3(
  'a select of a nil send and a nil receive waits for ever',
  async ({ select, recv, send, blocks, leave }) => {
    await blocks(select({ in: recv(null), out: send(null, 7) }))
    leave(async (t) => t.select({ in: t.recv(null), out: t.send(null, 7) }))
  },
  { leaves: 1 },
)

select3(
  'an empty select waits for ever',
  async ({ select, blocks, leave }) => {
    await blocks(select({}))
    leave(async (t) => t.select({}))
  },
  { leaves: 1 },
)

select3(
  'select.try of nil cases, and of none, finds nothing',
  async ({ select, recv, send, equal }) => {
    equal(select.try({}), undefined)
    equal(select.try({ nil: recv(null) }), undefined)
    equal(select.try({ nil: send(null, 7) }), undefined)
    equal(select.try({ in: recv(undefined), out: send(undefined, 7), none: null }), undefined)
  },
  { places: ALONE },
)

select3(
  'a send to a channel with room does not wait',
  async ({ chan, select, send, equal }) => {
    const ch = chan<number>(1)
    await ch.send(7)
    equal(ch.length, 1)
    const other = chan<number>(1)
    equal(select.try({ other: send(other, 7) }), { case: 'other', value: undefined, done: false })
    equal(await select({ other: send(other, 7), room: send(chan<number>(1), 8) }), {
      case: 'room',
      value: undefined,
      done: false,
    })
  },
  { places: ALONE },
)

select3(
  'a receive from a channel that holds a value does not wait',
  async ({ chan, select, equal }) => {
    const ch = chan<number>(1)
    await ch.send(7)
    equal(select.try({ ch }), { case: 'ch', value: 7, done: false })
    await ch.send(8)
    equal(await select({ ch, nil: null }), { case: 'ch', value: 8, done: false })
  },
  { places: ALONE },
)

select3('a receive from a channel that is not ready waits', async ({ chan, select, recv, spawn, blocks, parked }) => {
  const ch = chan<number>()
  const all = [
    spawn(async (_, c: Chan<number>) => c.recv(), ch),
    spawn(async (t, c: Chan<number>) => t.select({ c }), ch),
    spawn(async (t, c: Chan<number>) => t.select({ c: t.recv(c), nil: null }), ch),
  ]
  await parked(3)
  for (const each of all) await blocks(each)
  await blocks(select({ first: recv(ch) }))
  ch.close()
})

select3('a select with a closed channel does not wait, and says done', async ({ chan, select, recv, spawn, equal }) => {
  const ch = chan<number>()
  ch.close()
  equal(await select({ ch }), { case: 'ch', value: undefined, done: true })
  equal(await select({ ch, other: chan<number>() }), { case: 'ch', value: undefined, done: true })
  equal(select.try({ ch: recv(ch) }), { case: 'ch', value: undefined, done: true })
  equal(await spawn(async (t, c: Chan<number>) => t.select({ c }), ch), { case: 'c', value: undefined, done: true })
})

select3(
  'a send to a closed channel throws: by send, trySend, select, select.try',
  async ({ chan, select, send, throws, rejects }) => {
    const closed = { name: 'ChannelClosedError', message: 'send on closed channel' }
    for (const capacity of [0, 1]) {
      const ch = chan<number>(capacity)
      ch.close()
      await rejects(ch.send(7), closed)
      throws(() => ch.trySend(7), closed)
      await rejects(select({ ch: send(ch, 7) }), closed)
      throws(() => select.try({ ch: send(ch, 7) }), closed)
      await rejects(select({ ch: send(ch, 7), other: chan<number>() }), closed)
    }
  },
  { places: ALONE },
)

// --- select4 to 8

cases('test/chan/select4.go')(
  'a select proceeds with the value that is ready',
  async ({ chan, select, spawn, equal }) => {
    const [ready, never] = [chan<number>(1), chan<number>()]
    await spawn(async (_, c: Chan<number>) => c.send(42), ready)
    equal(await select({ never, ready }), { case: 'ready', value: 42, done: false })
  },
)

const select5 = cases('test/chan/select5.go')

select5(
  'cases are evaluated once each, in the order in which they are written',
  async ({ chan, select, recv, send, equal }) => {
    const ch = chan<number>(1)
    const order: string[] = []
    const mark = <V>(name: string, value: V): V => {
      order.push(name)
      return value
    }
    await select({ a: recv(mark('a', ch)), b: send(mark('b', ch), mark('value', 1)), c: mark('c', null) })
    equal(order, ['a', 'b', 'value', 'c'])
    order.length = 0
    select.try({ z: mark('z', null), y: recv(mark('y', ch)) })
    equal(order, ['z', 'y'])
  },
  { places: ALONE },
)

for (const [how, hit] of [
  ['recv(ch)', 'a receive'],
  ['a bare channel', 'a channel'],
] as const) {
  select5(
    `one-way select: ${hit} as ${how} gives case, value and done`,
    async ({ chan, select, recv, equal }) => {
      const ch = chan<number>(1)
      const as = () => (how === 'recv(ch)' ? recv(ch) : ch)
      await ch.send(1)
      equal(await select({ x: as() }), { case: 'x', value: 1, done: false })
      await ch.send(2)
      equal(select.try({ x: as() }), { case: 'x', value: 2, done: false })
      ch.close()
      equal(await select({ x: as() }), { case: 'x', value: undefined, done: true })
    },
    { places: ALONE },
  )
}

select5('a select of one send is a send', async ({ chan, select, send, spawn, equal }) => {
  const ch = chan<number>()
  const received = spawn(async (_, c: Chan<number>) => [await c.recv(), await c.recv()], ch)
  equal(await select({ out: send(ch, 1) }), { case: 'out', value: undefined, done: false })
  equal(await select({ out: send(ch, 2), nil: null }), { case: 'out', value: undefined, done: false })
  equal(await received, [1, 2])
})

cases('test/chan/select6.go')(
  'a select that loses leaves the queue of a channel that others wait on whole',
  async ({ chan, spawn, parked }) => {
    const [c1, c2, c3] = [chan<boolean>(), chan<boolean>(), chan<boolean>()]
    void spawn(async (_, a: Chan<boolean>) => a.recv(), c1)
    await parked(1)
    void spawn(
      async ({ select, equal }, a: Chan<boolean>, b: Chan<boolean>, c: Chan<boolean>) => {
        equal((await select({ a, b })).case, 'b')
        await c.send(true)
        await a.recv()
      },
      c1,
      c2,
      c3,
    )
    await parked(2)
    void spawn(async (_, b: Chan<boolean>) => b.send(true), c2)
    await c3.recv()
    await c1.send(true)
    await c1.send(true)
  },
)

const select7 = cases('test/chan/select7.go')

for (const sender of ['a send', 'a select of one', 'a select of two'] as const) {
  for (const receiver of ['a receive', 'a select of one', 'a select of two'] as const) {
    select7(
      `${sender} to ${receiver} that waits, which drops the value`,
      async ({ chan, select, send, spawn, parked }) => {
        const c = chan<number>()
        void spawn(
          async (t, from: Chan<number>, how: string) => {
            if (how === 'a receive') await from.recv()
            else if (how === 'a select of one') await t.select({ from })
            else await t.select({ from, other: t.chan<number>() })
          },
          c,
          receiver,
        )
        await parked(1)
        if (sender === 'a send') await c.send(1)
        else if (sender === 'a select of one') await select({ c: send(c, 1) })
        else await select({ c: send(c, 1), other: send(chan<number>(), 1) })
      },
    )
  }
}

cases('test/chan/select8.go')(
  'a loop left by break from inside a select leaves everything usable',
  async ({ chan, select, send, spawn, equal }) => {
    const ch = chan<number>()
    const sender = spawn(async (_, c: Chan<number>) => {
      for (let i = 0; i < 5; i++) await c.send(5)
      return 'done'
    }, ch)
    for (;;) {
      const hit = await select({ ch })
      if (hit.case === 'ch') break
    }
    while (select.try({}) !== undefined) throw new Error('nothing is ready')
    equal((await select({ ch })).value, 5)
    equal((await select({ ch, out: send(null, 10) })).value, 5)
    for (let i = 0; i < 2; i++) equal(await ch.recv(), 5)
    equal(await sender, 'done')
  },
)

const sendstmt = cases('test/chan/sendstmt.go')

sendstmt(
  'a channel of channels: what is received is the channel itself',
  async ({ chan, select, send, spawn, ok, equal }) => {
    const [cc, c] = [chan<Chan<number>>(1), chan<number>(1)]
    await cc.send(c)
    const inner = (await cc.recv())!
    ok(inner === c)
    equal(select.try({ inner: send(inner, 2) })?.case, 'inner')
    equal(await spawn(async (_, from: Chan<number>) => from.recv(), c), 2)
  },
)

sendstmt('a reply channel travels with the request', async ({ chan, spawn, equal }) => {
  const requests = chan<{ n: number; reply: Chan<number> }>()
  void spawn(async (_, from: typeof requests) => {
    for await (const { n, reply } of from) await reply.send(n * n)
  }, requests)
  for (let n = 0; n < 10; n++) {
    const reply = chan<number>()
    await requests.send({ n, reply })
    equal(await reply.recv(), n * n)
  }
  requests.close()
})

for (const [source, way] of [
  ['test/chan/sieve1.go', 'a goroutine for each prime, by recv and send'],
  ['test/chan/sieve2.go', 'a goroutine for each prime, by for await'],
] as const) {
  cases(source)(`prime sieve: ${way}`, async ({ chan, spawn, equal }) => {
    const stop = chan<never>()
    const start = chan<number>(1)
    void spawn(
      async ({ select, send }, out: Chan<number>, end: Chan<never>) => {
        for (let i = 2; (await select({ sent: send(out, i), end })).case === 'sent'; i++);
        out.close()
      },
      start,
      stop,
    )
    let from = start
    const primes: number[] = []
    for (let i = 0; i < 15; i++) {
      const prime = (await from.recv()) as number
      primes.push(prime)
      const to = chan<number>(i % 3)
      void spawn(
        async (
          { select, send },
          source: Chan<number>,
          out: Chan<number>,
          p: number,
          end: Chan<never>,
          loop: boolean,
        ) => {
          const pass = async (v: number) => v % p === 0 || (await select({ sent: send(out, v), end })).case === 'sent'
          if (loop) for await (const v of source) if (!(await pass(v))) break
          for (; !loop; ) {
            const { value, done } = await source.next()
            if (done || !(await pass(value))) break
          }
          out.close()
        },
        from,
        to,
        prime,
        stop,
        way.endsWith('await'),
      )
      from = to
    }
    stop.close()
    for await (const _rest of from);
    equal(primes, [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47])
  })
}

cases('test/chan/zerosize.go')('channels of values that hold nothing', async ({ chan, spawn, equal }) => {
  for (const capacity of [0, 1]) {
    for (const nothing of [undefined, null, {}, [], '']) {
      const ch = chan<unknown>(capacity)
      const sent = spawn(async (_, c: Chan<unknown>, v: unknown) => c.send(v), ch, nothing)
      equal(await ch.next(), { value: nothing, done: false })
      await sent
    }
  }
})

// --- test/*.go

const chancap = cases('test/chancap.go')

chancap(
  'length and capacity of channels, full, half full and unbuffered',
  async ({ chan, equal }) => {
    const c = chan<number>(10)
    equal([c.length, c.capacity], [0, 10])
    for (let i = 0; i < 3; i++) await c.send(i)
    equal([c.length, c.capacity], [3, 10])
    const u = chan<number>()
    equal([u.length, u.capacity], [0, 0])
  },
  { places: ALONE },
)

for (const bad of [-1, -(2 ** 40), 2 ** 59, 2 ** 63, Number.POSITIVE_INFINITY, Number.NaN, 1.5, '1', null]) {
  chancap(
    `a capacity of ${typeof bad === 'string' ? `'${bad}'` : bad} is out of range`,
    ({ chan, throws }) => {
      throws(() => chan(bad as number), { name: 'RangeError', message: /capacity/ })
    },
    { places: ALONE },
  )
}

const chanlinear = cases('test/chanlinear.go')

chanlinear(
  '1000 selects on one shared channel and one of their own leave the shared queue in constant time',
  async ({ chan, spawn, equal }) => {
    const [shared, rounds] = [chan<boolean>(), 5]
    const own = Array.from({ length: 200 }, () => chan<boolean>())
    const done = own.map((d) =>
      spawn(
        async ({ select }, c: Chan<boolean>, mine: Chan<boolean>, n: number) => {
          let count = 0
          for (let j = 0; j < n; j++) if ((await select({ c, mine })).case === 'mine') count++
          return count
        },
        shared,
        d,
        rounds,
      ),
    )
    for (let i = 0; i < rounds; i++) for (const d of own) await d.send(true)
    for (const each of done) equal(await each, rounds)
    equal(shared.trySend(true), false)
  },
)

const makechan = cases('test/makechan.go')

makechan(
  'a channel is unbuffered by default and for 0',
  ({ chan, equal }) => {
    equal([chan().capacity, chan(0).capacity, chan(undefined).capacity], [0, 0, 0])
  },
  { places: ALONE },
)

makechan('a channel of a large capacity holds so much', async ({ chan, spawn, equal }) => {
  const ch = chan<number>(5000)
  for (let i = 0; i < 5000; i++) equal(ch.trySend(i), true)
  equal([ch.trySend(0), ch.length], [false, 5000])
  equal(
    await spawn((_, c: Chan<number>) => {
      let sum = 0
      for (let i = 0; i < 5000; i++) sum += c.tryRecv()!.value as number
      return sum
    }, ch),
    (5000 * 4999) / 2,
  )
})

// --- closedchan: every manner of sending and receiving, on closed channels without and with something in them

const closedchan = cases('test/closedchan.go')

for (const manner of ['operators', 'select', 'a larger select'] as const) {
  for (const inside of [0, 1, 3]) {
    closedchan(
      `by ${manner}, ${inside === 0 ? 'empty' : `with ${inside} inside`}: drains, then is done for ever`,
      async ({ chan, select, recv, equal }) => {
        const c = chan<number>(inside)
        const dummy = chan<number>()
        for (let i = 1; i <= inside; i++) await c.send(i)
        c.close()
        const next = async () => {
          if (manner === 'operators') return c.next()
          const { value, done } = manner === 'select' ? await select({ c }) : await select({ dummy, c: recv(c) })
          return { value, done }
        }
        const tryNext = () => {
          if (manner === 'operators') return c.tryRecv()
          const hit = manner === 'select' ? select.try({ c }) : select.try({ dummy, c: recv(c) })
          return hit && { value: hit.value, done: hit.done }
        }
        for (let i = 1; i <= inside; i++) equal(i % 2 ? await next() : tryNext(), { value: i, done: false })
        for (let i = 0; i < 3; i++) {
          equal(await next(), { value: undefined, done: true })
          equal(tryNext(), { value: undefined, done: true })
        }
      },
      { places: ALONE },
    )
  }

  closedchan(
    `by ${manner}: sends on a closed channel throw, each time`,
    async ({ chan, select, send, throws, rejects }) => {
      const closed = { name: 'ChannelClosedError', message: 'send on closed channel' }
      for (const capacity of [0, 2]) {
        const [c, dummy] = [chan<number>(capacity), chan<number>()]
        c.close()
        for (let i = 0; i < 3; i++) {
          const sent =
            manner === 'operators'
              ? c.send(2)
              : manner === 'select'
                ? select({ c: send(c, 2) })
                : select({ dummy, c: send(c, 2) })
          await rejects(sent, closed)
          throws(() => {
            if (manner === 'operators') c.trySend(2)
            else if (manner === 'select') select.try({ c: send(c, 2) })
            else select.try({ dummy, c: send(c, 2) })
          }, closed)
        }
      }
    },
    { places: ALONE },
  )
}

closedchan('closing a closed channel throws', async ({ chan, spawn, throws, rejects }) => {
  for (const capacity of [0, 1]) {
    const c = chan<number>(capacity)
    c.close()
    const closed = { name: 'ChannelClosedError', message: 'close of closed channel' }
    throws(() => c.close(), closed)
    await spawn(
      (t, x: Chan<number>) =>
        t.throws(() => x.close(), { name: 'ChannelClosedError', message: 'close of closed channel' }),
      c,
    )
    await rejects(
      Promise.reject(Object.assign(new Error('close of closed channel'), { name: 'ChannelClosedError' })),
      closed,
    )
  }
})

closedchan('of many that close one channel exactly one succeeds', async ({ chan, spawn, equal }) => {
  for (let i = 0; i < 10; i++) {
    const c = chan<number>()
    const closers = Array.from({ length: 6 }, () =>
      spawn((_, x: Chan<number>) => {
        try {
          x.close()
          return 1
        } catch {
          return 0
        }
      }, c),
    )
    const sum = (await Promise.all(closers)).reduce((a: number, b) => a + b, 0)
    equal([sum, c.closed], [1, true])
  }
})

closedchan('a closed channel is closed on every thread at once', async ({ chan, spawn, equal }) => {
  const c = chan<number>(1)
  await spawn((_, x: Chan<number>) => x.close(), c)
  equal(c.closed, true)
  equal(await spawn((_, x: Chan<number>) => x.closed, c), true)
})

// --- ken

const ken = cases('test/ken/chan.go')

/** Senders and receivers on plain channels and in selects of up to eight cases, each channel with its own sequence. */
for (const capacity of [0, 1, 10, 100]) {
  ken(`sequences through plain and selected channels of capacity ${capacity}`, async ({ chan, spawn, equal }) => {
    const plain = [chan<number>(capacity), chan<number>(capacity)] as const
    const mixed = Array.from({ length: 4 }, () => chan<number>(capacity))
    const N = 50
    for (const c of [...plain, mixed[0]!, mixed[1]!]) {
      void spawn(
        async ({ turn }, to: Chan<number>, n: number) => {
          for (let i = 0; i < n; i++) {
            if (i % 17 === 0) await turn()
            await to.send(i)
          }
        },
        c,
        N,
      )
    }
    for (const c of [...plain, mixed[2]!, mixed[3]!]) {
      void spawn(
        async ({ turn, equal: same }, from: Chan<number>, n: number) => {
          for (let i = 0; i < n; i++) {
            if (i % 13 === 0) await turn()
            same(await from.recv(), i)
          }
        },
        c,
        N,
      )
    }
    const counts = await spawn(
      async (
        { select, send, equal: same },
        n: number,
        r0: Chan<number>,
        r1: Chan<number>,
        s0: Chan<number>,
        s1: Chan<number>,
      ) => {
        const next: Record<string, number> = { r0: 0, r1: 0, s0: 0, s1: 0 }
        const open: Record<string, Chan<number> | null> = { r0, r1, s0, s1 }
        while (Object.values(open).some((c) => c !== null)) {
          const hit = await select({
            r0: open.r0,
            r1: open.r1,
            s0: send(open.s0, next.s0!),
            s1: send(open.s1, next.s1!),
          })
          if (hit.case.startsWith('r')) same(hit.value, next[hit.case])
          if (++next[hit.case]! === n) open[hit.case] = null
        }
        return next
      },
      N,
      ...(mixed as [Chan<number>, Chan<number>, Chan<number>, Chan<number>]),
    )
    equal(counts, { r0: N, r1: N, s0: N, s1: N })
  })
}

cases('test/ken/chan1.go')(
  'many senders on one channel into a table: each index comes as often as it was sent',
  async ({ chan, spawn, equal }) => {
    const [N, M] = [100, 10]
    const ch = chan<number>()
    for (let i = 0; i < M; i++) {
      void spawn(
        async (_, c: Chan<number>, n: number) => {
          for (let k = 0; k < n; k++) await c.send(k)
        },
        ch,
        N,
      )
    }
    const table = new Array<number>(N).fill(0)
    for (let i = 0; i < N * M; i++) table[(await ch.recv()) as number]!++
    equal(table, new Array<number>(N).fill(M))
  },
)

cases('test/range.go')(
  'for await over a channel ends with its close; leaving it early closes nothing',
  async ({ chan, spawn, equal }) => {
    const ch = chan<number>(2)
    const sender = spawn(async (_, c: Chan<number>) => {
      for (let i = 0; i < 10; i++) await c.send(i)
      c.close()
    }, ch)
    for await (const v of ch) if (v === 4) break
    equal(ch.closed && ch.length === 0, false)
    const rest: number[] = []
    for await (const v of ch) rest.push(v)
    equal(rest, [5, 6, 7, 8, 9])
    await sender
  },
)

cases('test/range.go')(
  'two loops over one channel share its values',
  async ({ chan, spawn, equal }) => {
    const ch = chan<number>()
    const loops = [0, 1].map(() =>
      spawn(async (_, c: Chan<number>) => {
        const got: number[] = []
        for await (const v of c) got.push(v)
        return got
      }, ch),
    )
    for (let i = 0; i < 100; i++) await ch.send(i)
    ch.close()
    const [a, b] = await Promise.all(loops)
    equal(
      [...a!, ...b!].sort((x, y) => x - y),
      Array.from({ length: 100 }, (_, i) => i),
    )
  },
  { places: THREADS },
)
