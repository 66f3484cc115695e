/** Channels and select, with the other party on the main thread and on other threads; GOMAXPROCS is the environment's. */
import { type Chan, ChannelClosedError, chan, go, recv, runtime, select, send, sleep } from 'goro'
import { describe, expect, test } from 'vitest'
import { run } from './run.ts'

/** Where a party runs: the same function, called or started. */
type Start = <A extends unknown[], R>(fn: (...args: A) => Promise<R>, ...args: A) => Promise<R>
const placements: [string, Start][] = [
  ['main', (fn, ...args) => fn(...args)],
  ['a goroutine', async (fn, ...args) => await go(fn, ...args)],
]

const closedSend = { name: 'ChannelClosedError', message: 'send on closed channel' }

describe.each(placements)('channels with %s', (_where, start) => {
  test('a send waits for its receiver', async () => {
    const ch = chan<number>()
    const sender = start(async (out: Chan<number>) => out.send(1), ch)
    expect(await ch.recv()).toBe(1)
    await sender
  })

  test('values come in the order in which they were sent, for any capacity', async () => {
    for (const capacity of [0, 1, 7, 100]) {
      const ch = chan<number>(capacity)
      const sender = start(async (out: Chan<number>) => {
        for (let i = 0; i < 1000; i++) await out.send(i)
        out.close()
      }, ch)
      let expected = 0
      for await (const value of ch) expect(value).toBe(expected++)
      expect(expected).toBe(1000)
      await sender
    }
  })

  test('what is in a closed channel can still be received, then undefined and done', async () => {
    const ch = chan<string>(3)
    await start(async (out: Chan<string>) => {
      await out.send('a')
      await out.send('b')
      out.close()
    }, ch)
    expect(ch.closed).toBe(true)
    expect(await ch.next()).toEqual({ value: 'a', done: false })
    expect(await ch.recv()).toBe('b')
    expect(await ch.recv()).toBeUndefined()
    expect(await ch.next()).toEqual({ value: undefined, done: true })
    expect(ch.tryRecv()).toEqual({ value: undefined, done: true })
  })

  test('close wakes every receiver', async () => {
    const ch = chan<number>()
    const waiting = Array.from({ length: 20 }, () => start(async (c: Chan<number>) => c.next(), ch))
    await sleep(20)
    ch.close()
    for (const each of waiting) expect(await each).toEqual({ value: undefined, done: true })
  })

  test('close fails every parked sender', async () => {
    const ch = chan<number>()
    const waiting = Array.from({ length: 20 }, () =>
      start(async (c: Chan<number>) => {
        try {
          await c.send(1)
          return 'sent'
        } catch (error) {
          return `${(error as Error).name}: ${(error as Error).message}`
        }
      }, ch),
    )
    await sleep(20)
    ch.close()
    for (const each of waiting) expect(await each).toBe('ChannelClosedError: send on closed channel')
  })

  test('4 senders and 4 receivers: every value arrives once', async () => {
    for (const capacity of [0, 3]) {
      const ch = chan<number>(capacity)
      const receivers = Array.from({ length: 4 }, () =>
        start(async (c: Chan<number>) => {
          const got: number[] = []
          for await (const value of c) got.push(value)
          return got
        }, ch),
      )
      const senders = Array.from({ length: 4 }, (_, s) =>
        start(
          async (c: Chan<number>, from: number) => {
            for (let i = 0; i < 500; i++) await c.send(from * 500 + i)
          },
          ch,
          s,
        ),
      )
      await Promise.all(senders)
      ch.close()
      const all = (await Promise.all(receivers)).flat().sort((a, b) => a - b)
      expect(all).toEqual(Array.from({ length: 2000 }, (_, i) => i))
    }
  })

  test('a value is a copy; errors keep their class; handles stay the same', async () => {
    const ch = chan<unknown>(4)
    const value = { list: [1, 2], when: new Date(5), error: new RangeError('far') }
    await start(async (c: Chan<unknown>, v: unknown) => c.send(v), ch, value)
    const got = (await ch.recv()) as typeof value
    expect(got).toEqual(value)
    expect(got).not.toBe(value)
    expect(got.error).toBeInstanceOf(RangeError)
    await start(async (c: Chan<unknown>) => c.send({ self: c, again: [c] }), ch)
    const box = (await ch.recv()) as { self: unknown; again: unknown[] }
    expect(box.self).toBe(ch)
    expect(box.again[0]).toBe(ch)
  })
})

describe('channels', () => {
  test('tell their capacity and length', async () => {
    const ch = chan<number>(2)
    expect([ch.capacity, ch.length, ch.closed]).toEqual([2, 0, false])
    await ch.send(1)
    expect(ch.length).toBe(1)
    expect(chan().capacity).toBe(0)
  })

  test('trySend and tryRecv never wait', () => {
    const ch = chan<number>(1)
    expect(ch.tryRecv()).toBeUndefined()
    expect([ch.trySend(1), ch.trySend(2)]).toEqual([true, false])
    expect(ch.tryRecv()).toEqual({ value: 1, done: false })
    ch.close()
    expect(() => ch.trySend(3)).toThrow(ChannelClosedError)
    expect(() => ch.trySend(3)).toThrow('send on closed channel')
  })

  test('a value with shared memory or a Blob in it is there at once, from any thread', async () => {
    const [out, back] = [chan<unknown>(4), chan<unknown>(4)]
    const memory = new SharedArrayBuffer(16)
    expect(out.trySend({ memory, blob: new Blob(['hi']) })).toBe(true)
    const first = out.tryRecv()!.value as { memory: SharedArrayBuffer; blob: Blob }
    expect([first.memory === memory, first.blob instanceof Blob, first.blob.size]).toEqual([true, true, 2])
    const other = go(
      async (from: Chan<unknown>, to: Chan<unknown>) => {
        const { memory: theirs } = (await from.recv()) as { memory: SharedArrayBuffer }
        const own = new SharedArrayBuffer(8)
        new Int32Array(theirs)[0] = 42
        new Int32Array(own)[1] = 7
        await to.send([theirs, own, own])
        // A third thread has it from here.
        await to.send(own)
        return new Int32Array(own)[0]
      },
      out,
      back,
    )
    await out.send({ memory })
    while (back.length < 2) await new Promise((resolve) => setImmediate(resolve))
    const [same, own, again] = select.try({ back })!.value as SharedArrayBuffer[]
    expect([same === memory, own === again, new Int32Array(memory)[0]]).toEqual([true, true, 42])
    expect(new Int32Array(own as SharedArrayBuffer)[1]).toBe(7)
    expect(back.tryRecv()!.value).toBe(own)
    await other
  })

  test('refuse misuse in Go’s words', async () => {
    const ch = chan<unknown>()
    await expect(ch.send(() => 1)).rejects.toMatchObject({ name: 'DataCloneError' })
    ch.close()
    expect(() => ch.close()).toThrow('close of closed channel')
    await expect(ch.send(1)).rejects.toMatchObject(closedSend)
    for (const bad of [-1, 0.5, Number.NaN, '3' as unknown as number])
      expect(() => chan(bad)).toThrow(/^chan: the capacity/)
  })

  test('leaving a loop does not close the channel', async () => {
    const ch = chan<number>(3)
    for (const i of [1, 2, 3]) await ch.send(i)
    for await (const value of ch) if (value === 2) break
    expect([ch.closed, await ch.recv()]).toEqual([false, 3])
  })

  test('parked receivers are served in their order', async () => {
    const ch = chan<number>()
    const order: string[] = []
    const waiting = ['a', 'b', 'c'].map(async (name) => order.push(`${name}${await ch.recv()}`))
    for (const i of [1, 2, 3]) await ch.send(i)
    await Promise.all(waiting)
    expect(order).toEqual(['a1', 'b2', 'c3'])
  })

  test('that nobody refers to are freed, with what is in them', async () => {
    const used = () => runtime.stats().memory.used
    const round = async () => {
      for (let i = 0; i < 50_000; i++) {
        const ch = chan<unknown>(1)
        await ch.send({ text: 'x'.repeat(100) })
        if (i % 1000 === 0) await sleep(1)
      }
    }
    await round()
    await round()
    const before = used()
    for (let i = 0; i < 4; i++) await round()
    expect(used() - before).toBeLessThan(40 * 2 ** 20)
  }, 120_000)

  test('two goroutines that always find something ready leave their thread to others', async () => {
    const outcome = await run('ready-for-ever.mjs', { env: { GOMAXPROCS: '1' } })
    expect(outcome).toMatchObject({ code: 0, stdout: 'third ran\ntimer ran\n' })
  })
})

describe('select', () => {
  test('does the case that is ready', async () => {
    const [a, b] = [chan<number>(1), chan<string>(1)]
    await b.send('x')
    expect(await select({ a: recv(a), b: recv(b) })).toEqual({ case: 'b', value: 'x', done: false })
    expect(await select({ a: send(a, 5), b })).toEqual({ case: 'a', value: undefined, done: false })
    expect(a.length).toBe(1)
  })

  test('waits for whatever comes first, from another thread too', async () => {
    const [a, b] = [chan<number>(), chan<number>()]
    const sender = go(async (out: Chan<number>) => out.send(7), b)
    expect(await select({ a, b })).toEqual({ case: 'b', value: 7, done: false })
    await sender
  })

  test('a parked select leaves no trace in the others', async () => {
    const [a, b] = [chan<number>(), chan<number>()]
    const hit = select({ a: recv(a), b: send(b, 1) })
    await a.send(3)
    expect(await hit).toMatchObject({ case: 'a', value: 3 })
    expect(a.trySend(1)).toBe(false)
    expect(b.tryRecv()).toBeUndefined()
  })

  test('a closed channel is ready; a send on one throws', async () => {
    const ch = chan<number>()
    ch.close()
    expect(await select({ ch })).toEqual({ case: 'ch', value: undefined, done: true })
    await expect(select({ ch: send(ch, 1) })).rejects.toMatchObject(closedSend)
    const later = chan<number>()
    const parked = select({ later: send(later, 1) })
    later.close()
    await expect(parked).rejects.toMatchObject(closedSend)
  })

  test('null and undefined never happen; select.try takes what is ready', async () => {
    const ch = chan<number>(1)
    expect(select.try({ ch, none: null, never: undefined })).toBeUndefined()
    await ch.send(1)
    expect(select.try({ ch })).toEqual({ case: 'ch', value: 1, done: false })
    expect(select.try({})).toBeUndefined()
  })

  test.each([0, 1, 2, 3, 4, 5, 6, 7])(
    'a promise that settles %i microtasks late takes nothing from what was chosen, nor from later waits',
    async (turns) => {
      const late = async () => {
        for (let i = 0; i < turns; i++) await null
        return 'late'
      }
      const thenable = { then: (settle: (value: string) => void) => settle('now') } as unknown
      for (let round = 0; round < 5; round++) {
        const full = chan<string>(1)
        full.trySend('full')
        const hits = [
          await select({ now: Promise.resolve('now'), late: late() }),
          await select({ full, late: late() }),
          await select({ thenable: thenable as PromiseLike<string>, full, late: late() }),
        ]
        for (const { value } of hits) expect(['now', 'full', 'late']).toContain(value)
        // More than a thread keeps sudogs for.
        const chans = Array.from({ length: 100 }, () => chan<number>())
        const waits = chans.map((ch) => ch.recv())
        const other = chan<number>()
        const hit = select({ first: chan<number>(), other })
        for (const [i, ch] of chans.entries()) await ch.send(i)
        await other.send(9)
        expect([await Promise.all(waits), await hit]).toEqual([
          chans.map((_, i) => i),
          { case: 'other', value: 9, done: false },
        ])
      }
    },
  )

  test.each([
    ['waits', 0, /^$/],
    ['fails', 1, /RangeError: lost/],
  ])('a goroutine that has lost is waited for no longer (it %s)', async (way, code, stderr) => {
    const outcome = await run('select-loser.mjs', { args: [way] })
    expect([outcome.stdout, outcome.code]).toEqual(['timeout undefined timeout timeout\n', code])
    expect(outcome.stderr).toMatch(stderr)
  })

  test('select.try knows at once whether a goroutine has ended', async () => {
    const done = go(() => 5)
    await done
    expect(select.try({ done })).toEqual({ case: 'done', value: 5, done: false })
    const failed = go(() => {
      throw new RangeError('no')
    })
    await failed.catch(() => {})
    expect(() => select.try({ failed })).toThrow('no')
  })

  test('a getter of what is sent may wait itself', async () => {
    const [ch, other] = [chan<object>(), chan<number>()]
    let inner: Promise<number | undefined> | undefined
    const outer = ch.send({
      get x() {
        inner = other.recv()
        return 1
      },
    })
    expect(await Promise.all([ch.recv(), outer])).toEqual([{ x: 1 }, undefined])
    await other.send(2)
    expect(await inner).toBe(2)
  })

  test('promises are cases; one that rejects rejects the select', async () => {
    const ch = chan<number>()
    expect(await select({ ch, p: Promise.resolve(5) })).toEqual({ case: 'p', value: 5, done: false })
    await expect(select({ ch, p: Promise.reject(new RangeError('no')) })).rejects.toThrow('no')
    expect(await select({ ch, late: sleep(5).then(() => 'late') })).toMatchObject({ case: 'late', value: 'late' })
    expect(ch.trySend(1)).toBe(false)
  })

  test('the choice among the ready is uniform', async () => {
    const counts = [0, 0, 0]
    const channels = [chan<number>(1), chan<number>(1), chan<number>(1)] as const
    for (let i = 0; i < 3000; i++) {
      for (const ch of channels) ch.trySend(1)
      const hit = await select({ 0: channels[0], 1: channels[1], 2: channels[2] })
      counts[Number(hit.case)]!++
    }
    // Chi-square with two degrees of freedom: above 45 once in six thousand million runs.
    expect(counts.reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0)).toBeLessThan(45)
  })

  test('many selects against many senders: every value arrives once', async () => {
    const [a, b] = [chan<number>(), chan<number>()]
    const senders = [a, b].map((ch, s) =>
      go(
        async (out: Chan<number>, from: number) => {
          for (let i = 0; i < 1000; i++) await out.send(from * 1000 + i)
          out.close()
        },
        ch,
        s,
      ),
    )
    const receivers = Array.from({ length: 3 }, () =>
      go(
        async (x: Chan<number>, y: Chan<number>) => {
          const got: number[] = []
          let [left, right]: (Chan<number> | null)[] = [x, y]
          while (left !== null || right !== null) {
            const hit = await select({ left, right })
            if (!hit.done) got.push(hit.value as number)
            else if (hit.case === 'left') left = null
            else right = null
          }
          return got
        },
        a,
        b,
      ),
    )
    await Promise.all(senders)
    const all = (await Promise.all(receivers)).flat().sort((x, y) => x - y)
    expect(all).toEqual(Array.from({ length: 2000 }, (_, i) => i))
  })

  test('100,000 with a losing case keep the memory flat', async () => {
    const [ready, never] = [chan<number>(1), chan<number>()]
    const round = async () => {
      for (let i = 0; i < 50_000; i++) {
        ready.trySend(i)
        await select({ ready, never })
      }
    }
    await round()
    const before = runtime.stats().memory.used
    await round()
    expect(runtime.stats().memory.used).toBe(before)
  })

  test('refuses what is no case', async () => {
    await expect(select({ x: 5 as never })).rejects.toThrow('select: case x is no channel')
    await expect(select(null as never)).rejects.toThrow(TypeError)
    expect(() => recv({} as never)).toThrow(TypeError)
  })
})
