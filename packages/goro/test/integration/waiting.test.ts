/** Contexts, time, deadlock, dumps. */
import { after, type Context, chan, context, go, Mutex, recv, runtime, select, sleep, Ticker, Timer } from 'goro'
import { describe, expect, test } from 'vitest'
import { run } from './run.ts'

describe('context', () => {
  test('cancelling reaches what is derived, on every thread', async () => {
    const [ctx, cancel] = context.withCancel(context.background())
    const [child] = context.withTimeout(ctx, 60_000)
    const seen = go(async (c: Context) => {
      await c.done().recv()
      return [c.err()?.message, c.signal.aborted]
    }, child)
    expect([ctx.err(), child.err(), child.deadline() instanceof Date]).toEqual([undefined, undefined, true])
    cancel()
    expect([ctx.err()?.message, child.err()?.message]).toEqual(['context canceled', 'context canceled'])
    expect(await seen).toEqual(['context canceled', true])
    expect(context.cause(child)).toBe(ctx.err())
  })

  test('a deadline passes', async () => {
    const [ctx] = context.withTimeout(context.background(), 10)
    await ctx.done().recv()
    expect(ctx.err()?.message).toBe('context deadline exceeded')
    expect(ctx.signal.reason).toBe(ctx.err())
    const [over] = context.withDeadline(context.background(), new Date(0))
    expect(over.err()?.message).toBe('context deadline exceeded')
  })

  test('causes, values, withoutCancel, afterFunc, fromSignal', async () => {
    const [ctx, cancel] = context.withCancelCause(context.withValue(context.background(), 'user', { id: 3 }))
    const valued = context.withValue(ctx, 'role', 'admin')
    const free = context.withoutCancel(valued)
    let called = 0
    const stop = context.afterFunc(ctx, () => called++)
    const stopped = context.afterFunc(ctx, () => called++)
    expect(stopped()).toBe(true)
    cancel(new RangeError('why'))
    await sleep(1)
    expect([called, stop()]).toEqual([1, false])
    expect(context.cause(valued)).toMatchObject({ message: 'why' })
    expect([free.err(), free.value('role'), free.value('user')]).toEqual([undefined, 'admin', { id: 3 }])
    const there = go((c: Context) => [c.value('role'), c.value('user'), c.value('x'), c.err()?.message], valued)
    expect(await there).toEqual(['admin', { id: 3 }, undefined, 'context canceled'])
    const aborter = new AbortController()
    const from = context.fromSignal(aborter.signal)
    aborter.abort('reason')
    expect([from.err()?.message, context.cause(from)]).toEqual(['context canceled', 'reason'])
    expect(() => context.withValue(ctx, null, 1)).toThrow('nil key')
  })

  test('a goroutine’s own context is cancelled by the signal of go.with', async () => {
    const aborter = new AbortController()
    const started = chan<void>()
    const g = go.with({ signal: aborter.signal }, async () => {
      await started.send()
      await new Promise((resolve) => setTimeout(resolve, 1))
      const ctx = runtime.context()
      await ctx.done().recv()
      return [ctx.err()?.message, ctx.signal.reason]
    })
    await started.recv()
    aborter.abort('enough')
    expect(await g).toEqual(['context canceled', 'enough'])
    expect(runtime.context()).toBe(context.background())
  })
})

describe('time', () => {
  test('sleep, and its early end', async () => {
    const start = performance.now()
    await sleep(20)
    expect(performance.now() - start).toBeGreaterThan(19)
    const [ctx, cancel] = context.withCancel(context.background())
    const slept = sleep(60_000, ctx)
    cancel()
    await expect(slept).rejects.toThrow('context canceled')
    await expect(sleep('1' as unknown as number)).rejects.toThrow(TypeError)
  })

  test('after, Timer and Ticker', async () => {
    const hit = await select({ tick: after(5), never: chan() })
    expect([hit.case, typeof hit.value]).toEqual(['tick', 'number'])
    const timer = new Timer(1)
    await sleep(10)
    // What had come and was not received is gone with the stop.
    expect([timer.stop(), timer.stop(), timer.c.length]).toEqual([true, false, 0])
    expect(timer.reset(1)).toBe(false)
    expect(typeof (await timer.c.recv())).toBe('number')
    const ticker = new Ticker(5)
    for (let i = 0; i < 3; i++) await ticker.c.recv()
    await sleep(30)
    // A slow receiver has missed ticks.
    expect(ticker.c.length).toBe(1)
    ticker.stop()
    await sleep(10)
    expect(select.try({ tick: recv(ticker.c) })).toBeUndefined()
    expect(() => new Ticker(0)).toThrow('non-positive interval')
  })

  test('10,000 goroutines sleep at once', async () => {
    const all = Array.from({ length: 10_000 }, () =>
      go(async () => {
        await sleep(20)
        return 1
      }),
    )
    expect((await Promise.all(all)).length).toBe(10_000)
  })
})

describe('a dump', () => {
  const whats = [
    'chan receive',
    'chan receive',
    'sync.Mutex.Lock',
    'select',
    'sleep',
    'chan send',
    'chan receive',
    'sync.Mutex.Lock',
  ]

  /** Whether Node keeps track of what continues what (docs/internals/parking.md). */
  const tracks = Number(process.versions.node.split('.')[0]) >= 24

  test('says what each goroutine waits for, also after its first step, and how it was named on any thread', async () => {
    const [ch, full, mutex] = [chan<number>(), chan<number>(), new Mutex()]
    const guard = await mutex.lock()
    void go(() => {
      for (const what of whats) {
        void go.with({ name: `waits for ${what}` }, async () => {
          await new Promise((resolve) => setImmediate(resolve))
          if (what === 'chan receive') await ch.recv()
          if (what === 'chan send') await full.send(1)
          if (what === 'sync.Mutex.Lock') await mutex.lock()
          if (what === 'select') await select({ ch })
          if (what === 'sleep') await sleep(5_000)
        })
      }
    })
    const ours = () => runtime.goroutines().filter(({ name }) => name.startsWith('waits for'))
    const settled = () => ours().filter(({ waitReason }) => ![undefined, 'waiting for a promise'].includes(waitReason))
    // A sleeper stands in no queue: where Node does not keep track, nobody knows who it is.
    const known = tracks ? whats : whats.filter((what) => what !== 'sleep')
    while (settled().length < known.length) await sleep(1)
    if (tracks)
      expect(settled().map(({ name }) => name)).toEqual(settled().map(({ waitReason }) => `waits for ${waitReason}`))
    expect(settled().map(({ name }) => name).length).toBe(known.length)
    for (const { state, age, definedAt } of settled()) {
      expect([state, age < 60]).toEqual(['waiting', true])
      expect(definedAt).toMatch(/waiting\.test\.ts:\d+:\d+$/)
    }
    ch.close()
    guard.unlock()
    await full.recv()
  })
})

describe('deadlock', () => {
  test('is reported, with all goroutines and what they wait for', async () => {
    const { code, stderr, time } = await run('deadlock.mjs')
    expect(code).toBe(2)
    expect(stderr).toMatch(/^fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 \[/)
    expect(stderr).toMatch(
      /goroutine \d+ \[chan receive\]:\nworker\n {4}at .*deadlock\.mjs:\d+:\d+\ncreated by .*deadlock\.mjs/,
    )
    expect(stderr).toMatch(/goroutine \d+ \[sync\.Mutex\.Lock\]:\nlocker\n/)
    expect(time).toBeLessThan(10_000)
  })

  test.each(['computes', 'reads', 'zips'])('is reported within 100 ms (a goroutine that %s)', async (way) => {
    const lags: number[] = []
    // The fastest of a few: on a busy machine a thread may have to wait for its turn.
    while (lags.length < 5 && Math.min(...lags) >= 100) {
      const { code, stdout } = await run('deadlock-lag.mjs', { args: [way] })
      expect(code).toBe(2)
      lags.push(Number(stdout))
    }
    expect(Math.min(...lags)).toBeLessThan(100)
  })

  test('of the main thread alone', async () => {
    const { code, stderr } = await run('deadlock-main.mjs')
    expect([code, stderr]).toEqual([2, expect.stringMatching(/goroutine 1 \[chan receive\]:\nmain/)])
  })

  test('is none while a timer, I/O or the main thread’s own loop can wake somebody', async () => {
    for (const way of ['timer', 'sleep', 'io', 'main', 'after']) {
      const { code, stdout, stderr } = await run('no-deadlock.mjs', { args: [way] })
      expect({ way, code, stdout, stderr }).toEqual({ way, code: 0, stdout: 'woken\n', stderr: '' })
    }
  })

  test('a timer that nobody waits for any more holds up neither the end nor the report', async () => {
    expect(await run('timers-left.mjs', { args: ['taken'] })).toMatchObject({ code: 0, stdout: 'main ends\n' })
    const { code, stderr } = await run('timers-left.mjs', { args: ['stopped'] })
    expect([code, stderr]).toEqual([2, expect.stringMatching(/goroutine 1 \[chan receive\]:\nmain/)])
  })

  test('is none when the main thread waits for nothing: the process ends', async () => {
    expect(await run('blocked-and-done.mjs')).toMatchObject({ code: 0, stdout: 'main ends\n', stderr: '' })
  })
})

test('a thread that has slept in its event loop has no hook left on its promises: each await would cost twice as much', async () => {
  // A process of its own: before Node 24 a goroutine with a context of its own leaves one, and other tests here have such.
  expect(await run('no-hook.mjs')).toMatchObject({ code: 0, stdout: '0\n', stderr: '' })
})
