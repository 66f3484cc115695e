import type { AtomicInt32, Chan, RecvChan } from 'goro'
import { ALONE, cases, THREADS } from '../harness.ts'

/** Times have lower bounds only: a timer is never early, and how late it is depends on the machine. A clock's grain is allowed for. */
const GRAIN_MS = 1.1

// --- sleep_test.go

const sleep = cases('time/sleep_test.go')

sleep('TestSleep: it lasts as long as it is told, at least', async ({ sleep: nap, spawn, ok }) => {
  const start = performance.now()
  await nap(15)
  ok(performance.now() - start >= 15 - GRAIN_MS)
  ok(
    (await spawn(async (t) => {
      const from = performance.now()
      await t.sleep(15)
      return performance.now() - from
    })) >=
      15 - 1.1,
  )
})

sleep(
  'sleeps of 0 and less do not wait for a timer',
  async ({ sleep: nap }) => {
    for (const ms of [0, -1, Number.NEGATIVE_INFINITY]) await nap(ms)
  },
  { places: ALONE },
)

sleep(
  'TestOverflowSleep: a very long sleep does not end at once, and one that ended in the past does',
  async ({ sleep: nap, leave, blocks, select, after, chan }) => {
    leave(async (t) => t.sleep(2 ** 40))
    leave(async (t) => t.sleep(Number.POSITIVE_INFINITY))
    await blocks(select({ long: after(2 ** 40), never: chan() }))
    await nap(-(2 ** 40))
  },
  { leaves: 2 },
)

sleep(
  'what is no number of milliseconds is refused',
  async ({ sleep: nap, after, Timer, Ticker, throws, rejects }) => {
    for (const bad of [Number.NaN, '5', undefined, null] as never[]) {
      await rejects(nap(bad), { name: 'TypeError' })
      throws(() => after(bad), { name: 'TypeError' })
      throws(() => new Timer(bad), { name: 'TypeError' })
      throws(() => new Ticker(bad), { name: 'TypeError' })
    }
  },
  { places: ALONE },
)

sleep(
  'sleepers wake in the order of their times, whatever order they came in',
  async ({ chan, spawn, parked, equal }) => {
    const order = chan<number>(5)
    for (const ms of [90, 10, 130, 50, 170]) {
      void spawn(
        async (t, out: Chan<number>, n: number) => {
          await t.sleep(n)
          await out.send(n)
        },
        order,
        ms,
      )
    }
    await parked(0)
    const seen: number[] = []
    for (let i = 0; i < 5; i++) seen.push((await order.recv()) as number)
    equal(seen, [10, 50, 90, 130, 170])
  },
  { places: ['main', 'goroutine'] },
)

sleep(
  'sleeps that begin at the same time and last as long end in the order in which they began',
  async ({ sleep: nap, equal }) => {
    const order: number[] = []
    await Promise.all(Array.from({ length: 20 }, (_, i) => nap(5).then(() => order.push(i))))
    equal(
      order,
      Array.from({ length: 20 }, (_, i) => i),
    )
  },
  { places: ALONE },
)

sleep(
  '1000 goroutines sleep at once',
  async ({ spawn, AtomicInt32, equal }) => {
    const n = new AtomicInt32()
    const all = Array.from({ length: 1000 }, () =>
      spawn(async (t, count: AtomicInt32) => {
        await t.sleep(10)
        count.add(1)
      }, n),
    )
    await Promise.all(all)
    equal(n.load(), 1000)
  },
  { places: THREADS },
)

sleep(
  'TestAfter: it gives the time, once, and not too early',
  async ({ after, select, ok, equal }) => {
    const start = Date.now()
    const c = after(10)
    const time = (await c.recv()) as number
    ok(time >= start + 9 && time <= Date.now() + 1)
    equal(select.try({ c }), undefined)
    equal(c.closed, false)
  },
  { places: ALONE },
)

sleep(
  'TestAfterTick: a series of afters',
  async ({ after, ok }) => {
    const start = performance.now()
    for (let i = 0; i < 5; i++) await after(4).recv()
    ok(performance.now() - start >= 20 - 5 * GRAIN_MS)
  },
  { places: ALONE },
)

sleep(
  'TestAfterQueuing: afters that were asked for out of order come in the order of their times',
  async ({ after, chan, equal, spawn }) => {
    const slots = [60, 30, 120, 30, 0, 90]
    const out = chan<number>(slots.length)
    for (const slot of slots) {
      void (async () => {
        await after(slot).recv()
        await out.send(slot)
      })()
    }
    const seen: number[] = []
    for (let i = 0; i < slots.length; i++) seen.push((await out.recv()) as number)
    equal(
      seen,
      [...slots].sort((a, b) => a - b),
    )
    await spawn(() => undefined)
  },
  { places: ALONE },
)

sleep('after goes to another thread like any channel', async ({ after, spawn, equal }) => {
  equal(
    await spawn(async (t, c: RecvChan<number>) => (await t.select({ c, never: t.chan() })).case, after(5) as never),
    'c',
  )
})

sleep(
  'of two afters in a select the earlier one comes first',
  async ({ after, select, equal }) => {
    equal((await select({ late: after(500), early: after(2) })).case, 'early')
  },
  { places: ALONE },
)

sleep(
  'TestAfterStop: a stopped timer gives nothing',
  async ({ Timer, select, sleep: nap, equal }) => {
    const timer = new Timer(10)
    equal(timer.stop(), true)
    equal(timer.stop(), false)
    await nap(15)
    equal(select.try({ c: timer.c }), undefined)
  },
  { places: ALONE },
)

sleep(
  'TestStopResult: whether it was still to come',
  async ({ Timer, equal }) => {
    const pending = new Timer(3_600_000)
    equal([pending.stop(), pending.stop()], [true, false])
    const fired = new Timer(1)
    await fired.c.recv()
    equal(fired.stop(), false)
  },
  { places: ALONE },
)

sleep(
  'stop takes back what had come and was not received, and says so',
  async ({ Timer, sleep: nap, select, equal }) => {
    const timer = new Timer(1)
    await nap(10)
    equal(timer.stop(), true)
    equal(select.try({ c: timer.c }), undefined)
    equal(timer.stop(), false)
  },
  { places: ALONE },
)

sleep(
  'TestReset: it starts anew, with the new time',
  async ({ Timer, sleep: nap, select, equal, ok }) => {
    const timer = new Timer(3_600_000)
    await nap(5)
    equal(timer.reset(1_800_000), true)
    await nap(5)
    equal(select.try({ c: timer.c }), undefined)
    const start = performance.now()
    equal(timer.reset(15), true)
    await timer.c.recv()
    ok(performance.now() - start >= 15 - GRAIN_MS)
    equal(timer.reset(5), false)
    await timer.c.recv()
  },
  { places: ALONE },
)

sleep(
  'TestResetResult: whether it was still to come',
  async ({ Timer, equal }) => {
    const timer = new Timer(3_600_000)
    equal(timer.reset(3_600_000), true)
    equal(timer.stop(), true)
    equal(timer.reset(1), false)
    await timer.c.recv()
    equal(timer.reset(3_600_000), false)
    timer.stop()
  },
  { places: ALONE },
)

sleep(
  'a reset leaves no old time behind',
  async ({ Timer, sleep: nap, select, equal, ok }) => {
    const timer = new Timer(1)
    await nap(8)
    const start = Date.now()
    timer.reset(10)
    equal(select.try({ c: timer.c }), undefined)
    ok(((await timer.c.recv()) as number) >= start + 9)
    equal(select.try({ c: timer.c }), undefined)
  },
  { places: ALONE },
)

sleep(
  'TestTimerModifiedEarlier: a far timer that is made near comes near',
  async ({ Timer, select, after, equal }) => {
    for (let i = 0; i < 5; i++) {
      const timer = new Timer(3_600_000)
      timer.reset(1)
      equal((await select({ timer: timer.c, late: after(5000) })).case, 'timer')
    }
  },
  { places: ALONE },
)

sleep(
  'TestAdjustTimers: many timers, moved, stopped and started, each comes once, or not at all',
  async ({ Timer, spawn, equal }) => {
    const all = Array.from({ length: 4 }, () =>
      spawn(async (t) => {
        let fired = 0
        let expected = 0
        const timers = Array.from({ length: 40 }, (_, i) => new t.Timer(i % 2 ? 5 : 3_600_000))
        for (const [i, timer] of timers.entries()) {
          if (i % 4 === 0) timer.reset(3)
          if (i % 4 === 1) timer.stop()
          if (i % 4 !== 1 && i % 4 !== 2) expected++
        }
        for (const [i, timer] of timers.entries()) {
          if (i % 4 === 1 || i % 4 === 2) continue
          await timer.c.recv()
          fired++
        }
        for (const timer of timers) timer.stop()
        return fired === expected
      }),
    )
    equal(await Promise.all(all), [true, true, true, true])
    new Timer(1).stop()
  },
)

sleep(
  'TestTimerStopStress: 1000 timers that are stopped leave nothing',
  async ({ Timer, after, runtime, turn, ok }) => {
    const round = async () => {
      for (let i = 0; i < 1000; i++) new Timer(3_600_000).stop()
      await turn()
    }
    await round()
    await after(1).recv()
    ok(runtime.stats().memory.used > 0)
  },
  { places: ALONE },
)

sleep('TestAfterFunc: a chain of timers, each starts the next', async ({ Timer, chan, spawn, equal }) => {
  const out = chan<number>()
  void spawn(async (t, to: Chan<number>) => {
    for (let i = 0; i < 10; i++) {
      await new t.Timer(1).c.recv()
      await to.send(i)
    }
  }, out)
  for (let i = 0; i < 10; i++) equal(await out.recv(), i)
  new Timer(1).stop()
})

sleep(
  'TestMultiWakeupTimer: a timer that is reset at each wake-up is never early',
  async ({ Timer, ok }) => {
    const start = performance.now()
    const timer = new Timer(3)
    for (let i = 0; i < 5; i++) {
      await timer.c.recv()
      timer.reset(3)
    }
    timer.stop()
    ok(performance.now() - start >= 15 - 5 * GRAIN_MS)
  },
  { places: ALONE },
)

sleep('a timer wakes whoever receives, on whatever thread', async ({ Timer, spawn, equal }) => {
  const timer = new Timer(20)
  equal(await spawn(async (_, c: RecvChan<number>) => typeof (await c.recv()), timer.c as never), 'number')
})

// --- tick_test.go

const tick = cases('time/tick_test.go')

tick(
  'TestTicker: ticks come in time and order, and not too early',
  async ({ Ticker, ok }) => {
    const start = performance.now()
    const ticker = new Ticker(5)
    let last = 0
    for (let i = 0; i < 5; i++) {
      const time = (await ticker.c.recv()) as number
      ok(time >= last)
      last = time
    }
    ticker.stop()
    ok(performance.now() - start >= 25 - GRAIN_MS * 5)
  },
  { places: ALONE },
)

tick(
  'a stopped ticker ticks no more, and its channel stays open',
  async ({ Ticker, sleep: nap, select, equal }) => {
    const ticker = new Ticker(2)
    await ticker.c.recv()
    ticker.stop()
    await nap(8)
    equal(select.try({ c: ticker.c }), undefined)
    equal(ticker.c.closed, false)
    ticker.stop()
  },
  { places: ALONE },
)

tick(
  'a slow receiver misses ticks',
  async ({ Ticker, sleep: nap, select, equal }) => {
    const ticker = new Ticker(2)
    await nap(20)
    equal(select.try({ c: ticker.c }) !== undefined, true)
    equal(select.try({ c: ticker.c }), undefined)
    ticker.stop()
  },
  { places: ALONE },
)

tick(
  'reset changes the interval, and forgets what had come',
  async ({ Ticker, sleep: nap, select, ok, equal }) => {
    const ticker = new Ticker(2)
    await nap(8)
    ticker.reset(3_600_000)
    equal(select.try({ c: ticker.c }), undefined)
    const start = performance.now()
    ticker.reset(5)
    for (let i = 0; i < 3; i++) await ticker.c.recv()
    ticker.stop()
    ok(performance.now() - start >= 15 - 3 * GRAIN_MS)
  },
  { places: ALONE },
)

tick(
  'a stopped ticker ticks again after reset',
  async ({ Ticker }) => {
    const ticker = new Ticker(3_600_000)
    ticker.stop()
    ticker.reset(2)
    await ticker.c.recv()
    ticker.stop()
  },
  { places: ALONE },
)

tick(
  'TestNewTickerLtZeroDuration and TestTickerResetLtZeroDuration',
  ({ Ticker, throws }) => {
    for (const bad of [0, -1]) {
      throws(() => new Ticker(bad), { name: 'RangeError', message: /non-positive interval/ })
      const ticker = new Ticker(1000)
      throws(() => ticker.reset(bad), { name: 'RangeError', message: /non-positive interval/ })
      ticker.stop()
    }
  },
  { places: ALONE },
)

tick(
  'TestTeardown: making and stopping tickers in quick succession',
  async ({ Ticker }) => {
    for (let i = 0; i < 3; i++) {
      const ticker = new Ticker(1)
      await ticker.c.recv()
      ticker.stop()
    }
  },
  { places: ALONE },
)

tick(
  'TestLongAdjustTimers: a near timer comes though many far ones stand before it',
  async ({ Timer, after, spawn, equal }) => {
    const far = Array.from({ length: 500 }, (_, i) => new Timer(1_000_000 + i))
    equal(typeof (await after(2).recv()), 'number')
    for (const timer of far) equal(timer.stop(), true)
    await spawn(() => undefined)
  },
  { places: ALONE },
)

tick('a ticker serves receivers on other threads, one tick each', async ({ Ticker, spawn, equal }) => {
  const ticker = new Ticker(2)
  const all = Array.from({ length: 4 }, () =>
    spawn(async (_, c: RecvChan<number>) => typeof (await c.recv()), ticker.c as never),
  )
  equal(await Promise.all(all), ['number', 'number', 'number', 'number'])
  ticker.stop()
})

tick(
  'TestChan: the channels of timers and tickers are channels',
  async ({ Timer, Ticker, after, equal }) => {
    const [timer, ticker] = [new Timer(3_600_000), new Ticker(3_600_000)]
    for (const c of [timer.c, ticker.c, after(3_600_000)]) {
      equal([c.length, c.closed, c.tryRecv()], [0, false, undefined])
    }
    timer.stop()
    ticker.stop()
  },
  { places: ALONE },
)

tick(
  'TestTimerGC: timers and tickers that were stopped and dropped',
  async ({ Timer, Ticker, collect, runtime, ok }) => {
    const used: number[] = []
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 1500; i++) {
        new Timer(3_600_000).stop()
        new Ticker(3_600_000).stop()
      }
      await collect()
      used.push(runtime.stats().memory.used)
    }
    // 6000 channels of 144 bytes would show.
    ok(used[2]! - used[0]! < 200 * 1024, `${used}`)
  },
  { places: ALONE },
)

tick(
  'Math on time: the value of a tick is Date’s',
  async ({ Ticker, ok }) => {
    const before = Date.now()
    const ticker = new Ticker(2)
    const time = (await ticker.c.recv()) as number
    ticker.stop()
    ok(time >= before && time <= Date.now() + 1)
  },
  { places: ALONE },
)
