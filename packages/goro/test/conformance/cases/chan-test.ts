import type { Chan } from 'goro'
import { ALONE, cases, THREADS } from '../harness.ts'

const test = cases('runtime/chan_test.go')

test('a receive from an empty channel waits', async ({ chan, spawn, parked, blocks, equal }) => {
  for (const capacity of [0, 1, 10]) {
    const ch = chan<number>(capacity)
    const received = spawn(async (_, c: Chan<number>) => c.recv(), ch)
    await parked(1)
    await blocks(received)
    await ch.send(capacity)
    equal(await received, capacity)
  }
})

test(
  'a receive by try and by select.try from an empty channel finds nothing',
  async ({ chan, select, recv, equal }) => {
    for (const capacity of [0, 1, 10]) {
      const ch = chan<number>(capacity)
      equal(ch.tryRecv(), undefined)
      equal(select.try({ ch: recv(ch) }), undefined)
    }
  },
  { places: ALONE },
)

test('a send to a full channel waits', async ({ chan, spawn, parked, blocks, equal }) => {
  for (const capacity of [0, 1, 10]) {
    const ch = chan<number>(capacity)
    for (let i = 0; i < capacity; i++) await ch.send(i)
    const sent = spawn(async (_, c: Chan<number>, v: number) => c.send(v), ch, capacity)
    await parked(1)
    await blocks(sent)
    for (let i = 0; i <= capacity; i++) equal(await ch.recv(), i)
    await sent
  }
})

test(
  'a send by try and by select.try to a full channel finds no room',
  async ({ chan, select, send, equal }) => {
    for (const capacity of [0, 1, 10]) {
      const ch = chan<number>(capacity)
      for (let i = 0; i < capacity; i++) equal(ch.trySend(i), true)
      equal(ch.trySend(99), false)
      equal(select.try({ ch: send(ch, 99) }), undefined)
      equal(ch.length, capacity)
    }
  },
  { places: ALONE },
)

test('a closed channel gives what is in it, then undefined without waiting', async ({ chan, spawn, equal }) => {
  for (const capacity of [1, 2, 10]) {
    const ch = chan<number>(capacity)
    await spawn(
      async (_, c: Chan<number>, n: number) => {
        for (let i = 0; i < n; i++) await c.send(i)
        c.close()
      },
      ch,
      capacity,
    )
    for (let i = 0; i < capacity; i++) equal(await ch.recv(), i)
    for (let i = 0; i < 3; i++) equal(await ch.recv(), undefined)
  }
})

test('done tells the value undefined from the end', async ({ chan, spawn, equal }) => {
  const ch = chan<number | undefined>(2)
  await spawn(async (_, c: Chan<number | undefined>) => {
    await c.send(undefined)
    await c.send(0)
    c.close()
  }, ch)
  equal(await ch.next(), { value: undefined, done: false })
  equal(await ch.next(), { value: 0, done: false })
  equal(await ch.next(), { value: undefined, done: true })
  equal(await ch.next(), { value: undefined, done: true })
})

test('closing wakes a parked receiver with the end', async ({ chan, spawn, parked, equal }) => {
  for (const capacity of [0, 1, 10]) {
    const ch = chan<number>(capacity)
    const [received, ended] = [
      spawn(async (_, c: Chan<number>) => c.recv(), ch),
      spawn(async (_, c: Chan<number>) => c.next(), ch),
    ]
    await parked(2)
    ch.close()
    equal(await received, undefined)
    equal(await ended, { value: undefined, done: true })
  }
})

test('closing wakes every receiver', async ({ chan, spawn, parked, equal }) => {
  const ch = chan<number>()
  const all = Array.from({ length: 30 }, () => spawn(async (_, c: Chan<number>) => (await c.next()).done, ch))
  await parked(30)
  ch.close()
  for (const each of all) equal(await each, true)
})

test('closing wakes receivers that wait by recv, next, select and for await', async ({
  chan,
  spawn,
  parked,
  equal,
}) => {
  const ch = chan<number>()
  const all = [
    spawn(async (_, c: Chan<number>) => (await c.recv()) === undefined, ch),
    spawn(async (_, c: Chan<number>) => (await c.next()).done, ch),
    spawn(async ({ select }, c: Chan<number>) => (await select({ c })).done, ch),
    spawn(async (_, c: Chan<number>) => {
      for await (const _value of c) return false
      return true
    }, ch),
  ]
  await parked(4)
  ch.close()
  equal(await Promise.all(all), [true, true, true, true])
})

test('closing fails every parked sender', async ({ chan, spawn, parked, equal }) => {
  const ch = chan<number>(1)
  await ch.send(0)
  const all = Array.from({ length: 20 }, (_, i) =>
    spawn(
      async (_, c: Chan<number>, v: number) => {
        try {
          await c.send(v)
          return 'sent'
        } catch (error) {
          return `${(error as Error).name}: ${(error as Error).message}`
        }
      },
      ch,
      i,
    ),
  )
  await parked(20)
  ch.close()
  for (const each of all) equal(await each, 'ChannelClosedError: send on closed channel')
  equal(await ch.next(), { value: 0, done: false }, 'what was in it stays')
  equal(await ch.next(), { value: undefined, done: true }, 'what waited is not sent')
})

test('a send that waits is not done before its receiver has come', async ({
  chan,
  spawn,
  parked,
  equal,
  AtomicInt32,
}) => {
  const [ch, sent] = [chan<number>(), new AtomicInt32()]
  const sender = spawn(
    async (_, c: Chan<number>, s: typeof sent) => {
      for (let i = 0; i < 3; i++) {
        await c.send(i)
        s.add(1)
      }
    },
    ch,
    sent,
  )
  await parked(1)
  equal(sent.load(), 0)
  for (let i = 0; i < 3; i++) equal(await ch.recv(), i)
  await sender
  equal(sent.load(), 3)
})

test('100 values from one sender come in order, for any capacity', async ({ chan, spawn, equal }) => {
  for (const capacity of [0, 1, 2, 50, 200]) {
    const ch = chan<number>(capacity)
    const sender = spawn(async (_, c: Chan<number>) => {
      for (let i = 0; i < 100; i++) await c.send(i)
    }, ch)
    for (let i = 0; i < 100; i++) equal(await ch.recv(), i)
    await sender
  }
})

test('1000 values from 4 senders to 4 receivers: each arrives once', async ({ chan, spawn, equal }) => {
  for (const capacity of [0, 5]) {
    const ch = chan<number>(capacity)
    const receivers = Array.from({ length: 4 }, () =>
      spawn(async (_, c: Chan<number>) => {
        const got: number[] = []
        for (let i = 0; i < 250; i++) got.push((await c.recv()) as number)
        return got
      }, ch),
    )
    const senders = Array.from({ length: 4 }, (_, s) =>
      spawn(
        async (_, c: Chan<number>, from: number) => {
          for (let i = 0; i < 250; i++) await c.send(from + i)
        },
        ch,
        s * 250,
      ),
    )
    await Promise.all(senders)
    const all = (await Promise.all(receivers)).flat().sort((a, b) => a - b)
    equal(
      all,
      Array.from({ length: 1000 }, (_, i) => i),
    )
  }
})

test('each sender’s own values stay in order among many senders', async ({ chan, spawn, ok }) => {
  const ch = chan<[number, number]>(3)
  const senders = Array.from({ length: 5 }, (_, s) =>
    spawn(
      async (_, c: Chan<[number, number]>, from: number) => {
        for (let i = 0; i < 50; i++) await c.send([from, i])
      },
      ch,
      s,
    ),
  )
  const last = [-1, -1, -1, -1, -1]
  for (let i = 0; i < 250; i++) {
    const [from, n] = (await ch.recv())!
    ok(n === last[from]! + 1, `sender ${from}: ${n} after ${last[from]}`)
    last[from] = n
  }
  await Promise.all(senders)
})

test('length and capacity', async ({ chan, spawn, equal }) => {
  const ch = chan<number>(3)
  equal([ch.length, ch.capacity], [0, 3])
  for (let i = 1; i <= 3; i++) {
    await spawn(async (_, c: Chan<number>) => c.send(1), ch)
    equal([ch.length, ch.capacity], [i, 3])
  }
  equal(await spawn((_, c: Chan<number>) => [c.length, c.capacity], ch), [3, 3])
  await ch.recv()
  equal(ch.length, 2)
})

test('TestNonblockRecvRace: a try beside a close finds the value or the end, never nothing twice', async ({
  chan,
  spawn,
  ok,
}) => {
  for (let i = 0; i < 50; i++) {
    const ch = chan<number>(1)
    await ch.send(1)
    const closer = spawn((_, c: Chan<number>) => c.close(), ch)
    const first = ch.tryRecv()
    ok(first?.done === false && first.value === 1)
    await closer
    ok(ch.tryRecv()?.done === true)
  }
})

test('TestNonblockSelectRace: of two channels one of which always has a value, select.try finds it', async ({
  chan,
  spawn,
  select,
  ok,
}) => {
  for (let i = 0; i < 100; i++) {
    const [c1, c2] = [chan<number>(1), chan<number>(1)]
    c1.trySend(1)
    const other = spawn(
      async ({ select: choose }, a: Chan<number>, b: Chan<number>) => {
        b.trySend(1)
        // Removes what c1 has only once c2 has something.
        return choose.try({ a })
      },
      c1,
      c2,
    )
    ok(select.try({ c1, c2 }) !== undefined, 'found neither')
    await other
  }
})

test('TestNonblockSelectRace2: the same, with a close in place of the second value', async ({
  chan,
  spawn,
  select,
  ok,
}) => {
  for (let i = 0; i < 100; i++) {
    const [c1, c2] = [chan<number>(1), chan<number>()]
    c1.trySend(1)
    const other = spawn(
      async (_, a: Chan<number>, b: Chan<number>) => {
        b.close()
        a.tryRecv()
      },
      c1,
      c2,
    )
    ok(select.try({ c1, c2 }) !== undefined, 'found neither')
    await other
  }
})

test('TestSelfSelect: selects that send and receive on the same channel never talk to themselves', async ({
  chan,
  spawn,
}) => {
  for (const capacity of [0, 10]) {
    const ch = chan<number>(capacity)
    const parties = [0, 1].map((p) =>
      spawn(
        async ({ select, recv, send, ok }, c: Chan<number>, self: number, buffered: boolean) => {
          for (let i = 0; i < 200; i++) {
            const cases = self === i % 2 ? { put: send(c, self), get: recv(c) } : { get: recv(c), put: send(c, self) }
            const hit = await select(cases)
            if (hit.case === 'get') ok(buffered || hit.value !== self, 'received from itself')
          }
          // Unbuffered, the other may be left alone with an odd number.
          c.trySend(self)
        },
        ch,
        p,
        capacity > 0,
      ),
    )
    const drain = spawn(async (_, c: Chan<number>) => {
      for await (const _value of c);
    }, ch)
    await Promise.all(parties)
    ch.close()
    await drain
  }
})

test('TestSelectStress: 4 channels, each with its sender, receiver, and all in one select', async ({ chan, spawn }) => {
  const N = 100
  const c = [chan<number>(0), chan<number>(0), chan<number>(2), chan<number>(3)] as const
  for (const ch of c) {
    void spawn(
      async (_, out: Chan<number>, n: number) => {
        for (let i = 0; i < n; i++) await out.send(0)
      },
      ch,
      N,
    )
    void spawn(
      async (_, from: Chan<number>, n: number) => {
        for (let i = 0; i < n; i++) await from.recv()
      },
      ch,
      N,
    )
  }
  void spawn(
    async ({ select, send }, a: Chan<number>, b: Chan<number>, d: Chan<number>, e: Chan<number>, n: number) => {
      const sent: Record<string, number> = { a: 0, b: 0, d: 0, e: 0 }
      const open: Record<string, Chan<number> | null> = { a, b, d, e }
      for (let i = 0; i < 4 * n; i++) {
        const hit = await select(Object.fromEntries(Object.entries(open).map(([k, ch]) => [k, send(ch, 0)])))
        sent[hit.case]!++
        if (sent[hit.case] === n) open[hit.case] = null
      }
    },
    ...c,
    N,
  )
  await spawn(
    async ({ select, equal }, a: Chan<number>, b: Chan<number>, d: Chan<number>, e: Chan<number>, n: number) => {
      const got: Record<string, number> = { a: 0, b: 0, d: 0, e: 0 }
      const open: Record<string, Chan<number> | null> = { a, b, d, e }
      for (let i = 0; i < 4 * n; i++) {
        const hit = await select(open)
        got[hit.case]!++
        if (got[hit.case] === n) open[hit.case] = null
      }
      equal(got, { a: n, b: n, d: n, e: n })
    },
    ...c,
    N,
  )
})

test('TestSelectFairness: of the cases that are ready each is as likely', async ({ chan, spawn, select, ok }) => {
  const [c1, c2, never] = [chan<number>(1), chan<number>(1), chan<number>()]
  const trials = 900
  let count = 0
  for (let i = 0; i < trials; i++) {
    c1.trySend(1)
    c2.trySend(1)
    if ((await select({ c1, never, c2 })).case === 'c1') count++
  }
  // A binomial of 900 halves: off by 120 (8 deviations) once in 10^15.
  ok(Math.abs(count - trials / 2) < 120, `${count} of ${trials}`)
  await spawn(() => undefined)
})

test('TestChanSendInterface: a value from a send, a try and a select are the same to the receiver', async ({
  chan,
  spawn,
  select,
  send,
  equal,
}) => {
  const ch = chan<{ n: number }>(1)
  const receive = () => spawn(async (_, c: Chan<{ n: number }>) => c.recv(), ch)
  await ch.send({ n: 1 })
  equal(await receive(), { n: 1 })
  equal(ch.trySend({ n: 2 }), true)
  equal(await receive(), { n: 2 })
  equal((await select({ ch: send(ch, { n: 3 }) })).case, 'ch')
  equal(await receive(), { n: 3 })
  equal(select.try({ ch: send(ch, { n: 4 }) }), { case: 'ch', value: undefined, done: false })
  equal(await receive(), { n: 4 })
})

test('TestPseudoRandomSend: a select of two sends on one channel chooses either', async ({ chan, spawn, ok }) => {
  const n = 200
  for (const capacity of [0, n]) {
    const ch = chan<number>(capacity)
    const receiver = spawn(
      async (_, c: Chan<number>, count: number) => {
        let ones = 0
        for (let i = 0; i < count; i++) ones += (await c.recv()) as number
        return ones
      },
      ch,
      n,
    )
    await spawn(
      async ({ select, send }, c: Chan<number>, count: number) => {
        for (let i = 0; i < count; i++) await select({ zero: send(c, 0), one: send(c, 1) })
      },
      ch,
      n,
    )
    const ones = await receiver
    // A binomial of 200 halves: off by 60 (8.5 deviations) once in 10^16. But parked, it is the receiver who takes the first in the queue,
    // which select has put there in a random order, too.
    ok(Math.abs(ones - n / 2) < 60, `${ones} of ${n}, capacity ${capacity}`)
  }
})

test('TestMultiConsumer: work goes through many consumers, each item once', async ({ chan, spawn, equal }) => {
  const [jobs, results] = [chan<number>(23), chan<number>(23)]
  for (let i = 0; i < 10; i++) {
    void spawn(
      async ({ turn }, from: Chan<number>, to: Chan<number>, who: number) => {
        for await (const v of from) {
          if (who % 3 === v % 3) await turn()
          await to.send(v)
        }
      },
      jobs,
      results,
      i,
    )
  }
  const feeder = spawn(async (_, to: Chan<number>) => {
    let sum = 0
    for (let i = 0; i < 500; i++) {
      sum += (i * 7) % 31
      await to.send((i * 7) % 31)
    }
    to.close()
    return sum
  }, jobs)
  let sum = 0
  for (let i = 0; i < 500; i++) sum += (await results.recv()) as number
  equal(sum, await feeder)
})

test('TestShrinkStackDuringBlockedSend: a parked send keeps its value, whatever its sender does meanwhile', async ({
  chan,
  spawn,
  equal,
}) => {
  const ch = chan<{ text: string; list: number[] }>()
  const sender = spawn(async (_, c: Chan<{ text: string; list: number[] }>) => {
    for (let i = 0; i < 10; i++) {
      const value = { text: 'x'.repeat(i * 100), list: Array.from({ length: i }, (_, k) => k) }
      const sent = c.send(value)
      value.text = 'changed'
      value.list.length = 0
      await sent
    }
  }, ch)
  for (let i = 0; i < 10; i++) {
    equal(await ch.recv(), { text: 'x'.repeat(i * 100), list: Array.from({ length: i }, (_, k) => k) })
  }
  await sender
})

test('TestSelectDuplicateChannel: a select that has one channel twice leaves its queue whole', async ({
  chan,
  spawn,
  parked,
  equal,
}) => {
  const [c, d] = [chan<number>(), chan<number>()]
  const a = spawn(
    async ({ select }, x: Chan<number>, y: Chan<number>) => {
      const hit = await select({ first: x, second: x, y })
      return hit.value
    },
    c,
    d,
  )
  await parked(1)
  const b = spawn(async (_, x: Chan<number>) => x.recv(), c)
  await parked(2)
  await d.send(7)
  equal(await a, 7)
  await c.send(8)
  equal(await b, 8)
})

test('a select that has one channel twice receives one value once', async ({ chan, spawn, parked, equal }) => {
  const c = chan<number>()
  const a = spawn(async ({ select }, x: Chan<number>) => (await select({ first: x, second: x })).value, c)
  await parked(1)
  equal(c.trySend(1), true)
  equal(c.trySend(2), false)
  equal(await a, 1)
})

test('TestSelectStackAdjust: what a parked select was given arrives intact after much garbage', async ({
  chan,
  spawn,
  parked,
  equal,
}) => {
  const [c, d] = [chan<{ big: number[] }>(), chan<number>()]
  const a = spawn(
    async ({ select }, x: Chan<{ big: number[] }>, y: Chan<number>) => {
      const waiting = select({ x, y })
      let garbage: unknown[] = []
      for (let i = 0; i < 20_000; i++) garbage = [garbage.length, { i }]
      const hit = await waiting
      return hit.value
    },
    c,
    d,
  )
  await parked(1)
  await c.send({ big: Array.from({ length: 500 }, (_, i) => i) })
  equal(await a, { big: Array.from({ length: 500 }, (_, i) => i) })
})

test('waiting receivers are served in the order in which they came', async ({ chan, spawn, parked, equal }) => {
  const ch = chan<number>()
  const all: Promise<number | undefined>[] = []
  for (let i = 0; i < 8; i++) {
    all.push(spawn(async (_, c: Chan<number>) => c.recv(), ch))
    await parked(i + 1)
  }
  for (let i = 0; i < 8; i++) await ch.send(i)
  equal(await Promise.all(all), [0, 1, 2, 3, 4, 5, 6, 7])
})

test(
  'waiting senders are served in the order in which they came',
  async ({ chan, spawn, parked, equal }) => {
    for (const capacity of [0, 2]) {
      const ch = chan<number>(capacity)
      for (let i = 0; i < capacity; i++) await ch.send(-1)
      for (let i = 0; i < 8; i++) {
        void spawn(async (_, c: Chan<number>, v: number) => c.send(v), ch, i)
        await parked(i + 1)
      }
      for (let i = 0; i < capacity; i++) equal(await ch.recv(), -1)
      for (let i = 0; i < 8; i++) equal(await ch.recv(), i)
    }
  },
  { places: ['main', 'goroutine', 'main+go'] },
)

test('selects and receivers stand in one queue in the order in which they came', async ({
  chan,
  spawn,
  parked,
  equal,
}) => {
  const [ch, other] = [chan<number>(), chan<number>()]
  const all: Promise<unknown>[] = []
  for (let i = 0; i < 6; i++) {
    all.push(
      i % 2 === 0
        ? spawn(async (_, c: Chan<number>) => c.recv(), ch)
        : spawn(async ({ select }, c: Chan<number>, o: Chan<number>) => (await select({ o, c })).value, ch, other),
    )
    await parked(i + 1)
  }
  for (let i = 0; i < 6; i++) await ch.send(i)
  equal(await Promise.all(all), [0, 1, 2, 3, 4, 5])
  equal(other.trySend(1), false)
})

test('a value goes straight to the receiver that waits: the buffer stays empty', async ({
  chan,
  spawn,
  parked,
  equal,
}) => {
  const ch = chan<number>(4)
  const received = spawn(async (_, c: Chan<number>) => c.recv(), ch)
  await parked(1)
  equal(ch.trySend(1), true)
  equal(ch.length, 0)
  equal(await received, 1)
})

test('a receive from a full channel lets the first waiting sender in, behind what is there', async ({
  chan,
  spawn,
  parked,
  equal,
}) => {
  const ch = chan<number>(2)
  await ch.send(1)
  await ch.send(2)
  const sent = spawn(async (_, c: Chan<number>) => c.send(3), ch)
  await parked(1)
  equal(ch.tryRecv(), { value: 1, done: false })
  equal(ch.length, 2)
  await sent
  equal([await ch.recv(), await ch.recv()], [2, 3])
})

test('a ring goes round many times and stays in order', async ({ chan, spawn, equal }) => {
  const ch = chan<number>(3)
  const sender = spawn(async (_, c: Chan<number>) => {
    for (let i = 0; i < 300; i++) await c.send(i)
    c.close()
  }, ch)
  let expected = 0
  for await (const v of ch) equal(v, expected++)
  equal(expected, 300)
  await sender
})

test(
  'what is ready is taken without a turn of the loop',
  async ({ chan, equal }) => {
    const ch = chan<number>(2)
    let turned = false
    setImmediate(() => {
      turned = true
    })
    for (let i = 0; i < 20; i++) {
      await ch.send(i)
      equal(await ch.recv(), i)
    }
    equal(turned, false)
  },
  { places: ALONE },
)

test(
  'a goroutine parked on a channel holds no thread: others run on it',
  async ({ chan, spawn, parked, equal }) => {
    const ch = chan<number>()
    const waiting = Array.from({ length: 100 }, () => spawn(async (_, c: Chan<number>) => c.recv(), ch))
    await parked(100)
    equal(await spawn(() => 'ran'), 'ran')
    for (let i = 0; i < 100; i++) await ch.send(i)
    equal(
      (await Promise.all(waiting)).sort((a, b) => a! - b!),
      Array.from({ length: 100 }, (_, i) => i),
    )
  },
  { places: THREADS },
)
