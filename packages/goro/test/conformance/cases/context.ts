import type { Chan, Context, RecvChan } from 'goro'
import { ALONE, cases, type T, THREADS } from '../harness.ts'

const test = cases('context/x_test.go')

const CANCELED = 'context canceled'
const EXCEEDED = 'context deadline exceeded'

/** Whether the context is done, seen without waiting. */
const isDone = ({ select }: T, ctx: Context): boolean => select.try({ done: ctx.done() }) !== undefined

test(
  'TestBackground: it is never done, and has nothing',
  async (t) => {
    const { context, equal, ok, blocks } = t
    const ctx = context.background()
    equal([ctx.err(), ctx.deadline(), ctx.value('key'), isDone(t, ctx)], [undefined, undefined, undefined, false])
    ok(ctx === context.background())
    ok(!ctx.signal.aborted)
    await blocks(ctx.done().recv())
  },
  { places: ALONE },
)

test('background is background on every thread', async ({ context, spawn, equal }) => {
  const seen = await spawn(
    (_, c: Context) => [c.err(), c.deadline(), c.value('x'), c.done().closed],
    context.background(),
  )
  equal(seen, [undefined, undefined, undefined, false])
})

test(
  'TestWithCancel: done, with its error, once cancelled',
  async (t) => {
    const { context, equal, ok } = t
    const [ctx, cancel] = context.withCancel(context.background())
    equal([ctx.err(), isDone(t, ctx)], [undefined, false])
    const done = ctx.done()
    ok(done === ctx.done(), 'done is the same channel each time')
    cancel()
    equal([ctx.err()?.message, isDone(t, ctx)], [CANCELED, true])
    equal(await ctx.done().next(), { value: undefined, done: true })
    cancel()
    equal(ctx.err()?.message, CANCELED)
  },
  { places: ALONE },
)

test(
  'the two errors are the same objects each time, and told apart',
  async ({ context, equal, ok }) => {
    const [a, cancel] = context.withCancel(context.background())
    cancel()
    const [b] = context.withTimeout(context.background(), 0)
    ok(a.err() === context.Canceled && b.err() === context.DeadlineExceeded)
    equal([a.err()?.name, b.err()?.name], ['AbortError', 'TimeoutError'])
  },
  { places: ALONE },
)

test(
  'TestParentFinishesChild: cancelling a parent ends all that is derived from it',
  async (t) => {
    const { context, equal } = t
    const [parent, cancel] = context.withCancel(context.background())
    const [cancelChild] = context.withCancel(parent)
    const valueChild = context.withValue(parent, 'key', 'value')
    const [timerChild] = context.withTimeout(valueChild, 3_600_000)
    let called = 0
    context.afterFunc(parent, () => called++)
    const all = [parent, cancelChild, valueChild, timerChild]
    equal(
      all.map((c) => isDone(t, c)),
      [false, false, false, false],
    )
    cancel()
    // Before `cancel` returns.
    equal(
      all.map((c) => isDone(t, c)),
      [true, true, true, true],
    )
    equal(
      all.map((c) => c.err()?.message),
      [CANCELED, CANCELED, CANCELED, CANCELED],
    )
    await t.turn()
    equal(called, 1)
    // What is derived from something that is done is done from the start.
    const [late] = context.withCancel(parent)
    equal([isDone(t, late), late.err()?.message], [true, CANCELED])
    equal(isDone(t, context.withValue(parent, 'k', 1)), true)
  },
  { places: ALONE },
)

test(
  'TestChildFinishesFirst: a child that ends leaves its parent alone',
  async (t) => {
    const { context, equal } = t
    const [cancelable, stop] = context.withCancel(context.background())
    for (const parent of [context.background(), cancelable]) {
      const [child, cancel] = context.withCancel(parent)
      equal([isDone(t, parent), isDone(t, child)], [false, false])
      cancel()
      equal([isDone(t, child), child.err()?.message], [true, CANCELED])
      equal([isDone(t, parent), parent.err()], [false, undefined])
    }
    stop()
  },
  { places: ALONE },
)

test(
  'TestDeadline: it passes, whatever is derived from it',
  async (t) => {
    const { context, equal, ok } = t
    const deadline = new Date(Date.now() + 20)
    const [ctx] = context.withDeadline(context.background(), deadline)
    equal(ctx.deadline()?.getTime(), deadline.getTime())
    const derived = context.withValue(context.withCancel(ctx)[0], 'a', 1)
    equal(derived.deadline()?.getTime(), deadline.getTime())
    await derived.done().recv()
    ok(Date.now() >= deadline.getTime() - 1)
    equal([ctx.err()?.message, derived.err()?.message], [EXCEEDED, EXCEEDED])
    const [zero] = context.withDeadline(context.background(), new Date(0))
    equal([isDone(t, zero), zero.err()?.message], [true, EXCEEDED])
  },
  { places: ALONE },
)

test(
  'TestTimeout: it passes, and an earlier one of the parent comes first',
  async ({ context, equal, ok }) => {
    const start = Date.now()
    const [parent] = context.withTimeout(context.background(), 20)
    const [child, cancel] = context.withTimeout(parent, 3_600_000)
    equal(child.deadline()?.getTime(), parent.deadline()?.getTime())
    await child.done().recv()
    ok(Date.now() - start >= 19)
    equal(child.err()?.message, EXCEEDED)
    cancel()
    equal(child.err()?.message, EXCEEDED, 'the first reason stays')
    const [later, stop] = context.withTimeout(context.background(), 3_600_000)
    const [sooner] = context.withTimeout(later, 1)
    await sooner.done().recv()
    equal([sooner.err()?.message, later.err()], [EXCEEDED, undefined])
    stop()
  },
  { places: ALONE },
)

test(
  'TestCanceledTimeout: one that is cancelled does not expire',
  async ({ context, equal, sleep }) => {
    const [ctx, cancel] = context.withTimeout(context.background(), 10)
    cancel()
    equal(ctx.err()?.message, CANCELED)
    await sleep(15)
    equal(ctx.err()?.message, CANCELED)
  },
  { places: ALONE },
)

test('TestValues: the nearest value of a key counts; others go on', async ({ context, equal, spawn, throws }) => {
  const one = context.withValue(context.background(), 'k1', 'one')
  const two = context.withValue(one, 'k2', { n: 2 })
  const [three, cancel] = context.withCancel(two)
  const four = context.withValue(three, 'k1', 'again')
  equal([one.value('k1'), one.value('k2')], ['one', undefined])
  equal([four.value('k1'), four.value('k2'), four.value('k3')], ['again', { n: 2 }, undefined])
  equal(two.value('k1'), 'one')
  equal(await spawn((_, c: Context) => [c.value('k1'), c.value('k2'), c.value('k3')], four), [
    'again',
    { n: 2 },
    undefined,
  ])
  const key = Symbol('key')
  equal(context.withValue(four, key, 5).value(key), 5)
  for (const bad of [null, undefined]) throws(() => context.withValue(one, bad, 1), { message: /nil key/ })
  cancel()
})

test('a value that is a handle is the handle on the other thread', async ({ context, chan, spawn, equal }) => {
  const ch = chan<number>()
  const ctx = context.withValue(context.background(), 'results', ch)
  const sent = spawn(async (_, c: Context) => (c.value('results') as Chan<number>).send(7), ctx)
  equal(await ch.recv(), 7)
  await sent
})

test('TestSimultaneousCancels: many contexts, cancelled by many, are all done', async ({ context, spawn, equal }) => {
  const [root, cancelRoot] = context.withCancel(context.background())
  const all: [Context, () => void][] = []
  const queue: Context[] = [root]
  for (let i = 0; i < 31; i++) {
    const parent = queue.shift()!
    for (let k = 0; k < 2; k++) {
      const pair = context.withCancel(parent)
      all.push(pair)
      queue.push(pair[0])
    }
  }
  const waiting = all.map(([c]) =>
    spawn(async (_, ctx: Context) => {
      await ctx.done().recv()
      return ctx.err()?.message
    }, c),
  )
  for (const [, cancel] of all) queueMicrotask(cancel)
  for (const each of waiting) equal(await each, CANCELED)
  cancelRoot()
})

test('TestInterlockedCancels: each cancels the other', async ({ context, spawn, equal }) => {
  const [parent, cancelParent] = context.withCancel(context.background())
  const [child, cancelChild] = context.withCancel(parent)
  const first = parent.done().recv().then(cancelChild)
  cancelParent()
  await child.done().recv()
  await first
  equal(
    await spawn(async (_, c: Context) => {
      await c.done().recv()
      return c.err()?.message
    }, child),
    CANCELED,
  )
})

test('TestLayersCancel: a tree of 30 mixed layers is done from the top', async (t) => {
  const { context, equal, spawn } = t
  const [root, cancel] = context.withCancel(context.background())
  let ctx: Context = root
  const stops: (() => void)[] = []
  for (let i = 0; i < 30; i++) {
    if (i % 3 === 0) ctx = context.withValue(ctx, `key${i}`, i)
    else {
      const [next, stop] = i % 3 === 1 ? context.withCancel(ctx) : context.withTimeout(ctx, 3_600_000)
      stops.push(stop)
      ctx = next
    }
  }
  equal([ctx.value('key0'), ctx.value('key27'), isDone(t, ctx)], [0, 27, false])
  const elsewhere = spawn(async (_, c: Context) => {
    await c.done().recv()
    return [c.err()?.message, c.value('key15')]
  }, ctx)
  await t.parked(1)
  cancel()
  equal([ctx.err()?.message, isDone(t, ctx)], [CANCELED, true])
  equal(await elsewhere, [CANCELED, 15])
  for (const stop of stops) stop()
})

test('TestLayersTimeout: a deadline at the top reaches the bottom', async ({ context, equal, spawn }) => {
  const [root] = context.withTimeout(context.background(), 20)
  let ctx: Context = root
  for (let i = 0; i < 10; i++) ctx = context.withValue(context.withCancel(ctx)[0], `k${i}`, i)
  equal(
    await spawn(async (_, c: Context) => {
      await c.done().recv()
      return [c.err()?.message, c.value('k3')]
    }, ctx),
    [EXCEEDED, 3],
  )
})

test(
  'TestWithCancelCanceledParent: derived from what is done, it is done, with its cause',
  async (t) => {
    const { context, equal } = t
    const [parent, cancel] = context.withCancelCause(context.background())
    cancel(new RangeError('because'))
    const [child] = context.withCancel(parent)
    equal(
      [isDone(t, child), child.err()?.message, (context.cause(child) as Error).message],
      [true, CANCELED, 'because'],
    )
  },
  { places: ALONE },
)

test(
  'TestWithValueChecksKey and TestInvalidDerivedFail: nonsense is refused',
  ({ context, throws }) => {
    for (const bad of [null, undefined, {}, 5] as never[]) {
      throws(() => context.withCancel(bad), { name: 'TypeError' })
      throws(() => context.withCancelCause(bad), { name: 'TypeError' })
      throws(() => context.withTimeout(bad, 1), { name: 'TypeError' })
      throws(() => context.withDeadline(bad, new Date()), { name: 'TypeError' })
      throws(() => context.withValue(bad, 'k', 1), { name: 'TypeError' })
      throws(() => context.withoutCancel(bad), { name: 'TypeError' })
      throws(() => context.afterFunc(bad, () => undefined), { name: 'TypeError' })
      throws(() => context.fromSignal(bad), { name: 'TypeError' })
    }
    const root = context.background()
    throws(() => context.withTimeout(root, Number.NaN), { name: 'TypeError' })
    throws(() => context.withDeadline(root, new Date(Number.NaN)), { name: 'TypeError' })
    throws(() => context.afterFunc(root, 5 as never), { name: 'TypeError' })
  },
  { places: ALONE },
)

// --- causes

test(
  'TestCause: background and what is not done have none',
  ({ context, equal }) => {
    const [ctx, cancel] = context.withCancelCause(context.background())
    equal([context.cause(context.background()), context.cause(ctx)], [undefined, undefined])
    cancel()
  },
  { places: ALONE },
)

test(
  'TestCause: a cause is kept; without one it is the error',
  ({ context, equal, ok }) => {
    const [a, cancelA] = context.withCancelCause(context.background())
    const why = new RangeError('why')
    cancelA(why)
    ok(context.cause(a) === why)
    equal(a.err()?.message, CANCELED)
    const [b, cancelB] = context.withCancelCause(context.background())
    cancelB()
    ok(context.cause(b) === b.err())
    const [c, cancelC] = context.withCancel(context.background())
    cancelC()
    ok(context.cause(c) === c.err())
    const [d] = context.withTimeout(context.background(), 0)
    ok(context.cause(d) === d.err() && d.err() === context.DeadlineExceeded)
  },
  { places: ALONE },
)

test(
  'TestCause: the first cause counts',
  ({ context, equal }) => {
    const [ctx, cancel] = context.withCancelCause(context.background())
    cancel('first')
    cancel('second')
    equal(context.cause(ctx), 'first')
  },
  { places: ALONE },
)

test(
  'TestCause: a parent’s cause reaches the child; a child’s stays its own',
  ({ context, equal }) => {
    const [parent, cancelParent] = context.withCancelCause(context.background())
    const [one, cancelOne] = context.withCancelCause(parent)
    const [two] = context.withCancelCause(parent)
    cancelOne('child')
    equal([context.cause(one), context.cause(parent), parent.err()], ['child', undefined, undefined])
    cancelParent('parent')
    equal([context.cause(one), context.cause(two), context.cause(parent)], ['child', 'parent', 'parent'])
  },
  { places: ALONE },
)

test(
  'TestCause: a cause that comes before the deadline stays, and after it is too late',
  async ({ context, sleep, equal }) => {
    const [parent, cancel] = context.withCancelCause(context.background())
    const [ctx] = context.withTimeout(parent, 5)
    cancel('early')
    await sleep(10)
    equal([context.cause(ctx), ctx.err()?.message], ['early', CANCELED])
    const [late, cancelLate] = context.withCancelCause(context.background())
    const [timed] = context.withTimeout(late, 1)
    await timed.done().recv()
    cancelLate('late')
    equal([(context.cause(timed) as Error).message, context.cause(late)], [EXCEEDED, 'late'])
  },
  { places: ALONE },
)

test('a cause reaches other threads with its class and its properties', async ({ context, spawn, parked, equal }) => {
  const [ctx, cancel] = context.withCancelCause(context.background())
  const seen = spawn(async ({ context: here }, c: Context) => {
    await c.done().recv()
    const why = here.cause(c) as RangeError & { code: string }
    return [why instanceof RangeError, why.message, why.code, c.err()?.message, c.err() === here.Canceled]
  }, ctx)
  await parked(1)
  cancel(Object.assign(new RangeError('too far'), { code: 'E_FAR' }))
  equal(await seen, [true, 'too far', 'E_FAR', CANCELED, true])
})

test('TestCauseRace: of many that cancel one has its cause kept, the same for all', async ({
  context,
  chan,
  spawn,
  equal,
  ok,
}) => {
  for (let i = 0; i < 10; i++) {
    const [ctx, cancel] = context.withCancelCause(context.background())
    const start = chan<never>()
    const watchers = Array.from({ length: 3 }, () =>
      spawn(
        async ({ context: here }, c: Context, gate: RecvChan<never>) => {
          await gate.recv()
          await c.done().recv()
          return here.cause(c)
        },
        ctx,
        start as never,
      ),
    )
    start.close()
    for (const why of ['a', 'b', 'c']) queueMicrotask(() => cancel(why))
    const seen = await Promise.all(watchers)
    equal(new Set([...seen, context.cause(ctx)]).size, 1)
    ok(['a', 'b', 'c'].includes(context.cause(ctx) as string))
  }
})

// --- withoutCancel, afterFunc

test('TestWithoutCancel: the values stay, the rest is gone', async (t) => {
  const { context, equal, spawn } = t
  const [parent, cancel] = context.withCancelCause(context.withValue(context.background(), 'key', 'value'))
  const [timed] = context.withTimeout(parent, 3_600_000)
  const free = context.withoutCancel(timed)
  equal(
    [free.value('key'), free.deadline(), free.err(), context.cause(free)],
    ['value', undefined, undefined, undefined],
  )
  cancel('stop')
  equal([isDone(t, timed), isDone(t, free), free.err(), context.cause(free)], [true, false, undefined, undefined])
  const [again, stop] = context.withCancel(free)
  equal([isDone(t, again), again.value('key')], [false, 'value'])
  equal(await spawn((_, c: Context) => [c.err(), c.value('key'), c.done().closed], free), [undefined, 'value', false])
  stop()
  equal([isDone(t, again), isDone(t, free)], [true, false])
})

test(
  'TestAfterFuncCalledAfterCancel: once, and not before',
  async ({ context, turn, equal }) => {
    const [ctx, cancel] = context.withCancel(context.background())
    let called = 0
    const stop = context.afterFunc(ctx, () => called++)
    await turn(2)
    equal(called, 0)
    cancel()
    await turn()
    equal(called, 1)
    equal(stop(), false, 'too late')
    cancel()
    await turn()
    equal(called, 1)
  },
  { places: ALONE },
)

test(
  'TestAfterFuncCalledAfterTimeout',
  async ({ context, chan, equal }) => {
    const [ctx] = context.withTimeout(context.background(), 5)
    const done = chan<number>(1)
    context.afterFunc(ctx, () => done.trySend(1))
    equal(await done.recv(), 1)
    equal(ctx.err()?.message, EXCEEDED)
  },
  { places: ALONE },
)

test(
  'TestAfterFuncCalledImmediately: of what is done it is called at once, but not within the call',
  async ({ context, turn, equal }) => {
    const [ctx, cancel] = context.withCancel(context.background())
    cancel()
    let called = false
    context.afterFunc(ctx, () => {
      called = true
    })
    equal(called, false)
    await turn()
    equal(called, true)
  },
  { places: ALONE },
)

test(
  'TestAfterFuncNotCalledAfterStop',
  async ({ context, turn, equal }) => {
    const [ctx, cancel] = context.withCancel(context.background())
    let called = 0
    const stop = context.afterFunc(ctx, () => called++)
    context.afterFunc(ctx, () => {
      called += 10
    })
    equal([stop(), stop()], [true, false])
    cancel()
    await turn()
    equal(called, 10)
  },
  { places: ALONE },
)

test(
  'TestAfterFuncCalledAsynchronously: cancel does not wait for it',
  async ({ context, turn, equal }) => {
    const [ctx, cancel] = context.withCancel(context.background())
    const order: string[] = []
    context.afterFunc(ctx, () => order.push('func'))
    cancel()
    order.push('cancelled')
    await turn()
    equal(order, ['cancelled', 'func'])
  },
  { places: ALONE },
)

test('afterFunc runs where it was asked for, when another thread cancels', async ({
  context,
  chan,
  spawn,
  until,
  equal,
}) => {
  // A goroutine derives from what it was given, hands that on, and cancels.
  const [ctx, cancel] = context.withCancel(context.background())
  let called = false
  context.afterFunc(ctx, () => {
    called = true
  })
  const order = chan<number>()
  const other = spawn(
    async (_, c: Context, go: Chan<number>) => {
      await go.send(1)
      await c.done().recv()
      return c.err()?.message
    },
    ctx,
    order,
  )
  await order.recv()
  cancel()
  equal(await other, CANCELED)
  await until(() => called)
})

test(
  'ExampleAfterFunc_merge: a context that ends with either of two',
  async (t) => {
    const { context, equal } = t
    const merge = (ctx: Context, other: Context): [Context, () => void] => {
      const [merged, cancel] = context.withCancelCause(ctx)
      const stop = context.afterFunc(other, () => cancel(context.cause(other)))
      return [
        merged,
        () => {
          stop()
          cancel(context.Canceled)
        },
      ]
    }
    const [one, cancelOne] = context.withCancelCause(context.background())
    const [two, cancelTwo] = context.withCancelCause(context.background())
    const [merged, stop] = merge(one, two)
    cancelTwo('two')
    await merged.done().recv()
    equal([context.cause(merged), one.err()], ['two', undefined])
    stop()
    cancelOne('one')
  },
  { places: ALONE },
)

test('TestContextErrDoneRace: once done is closed err is there, on every thread', async ({ context, spawn, equal }) => {
  for (let i = 0; i < 20; i++) {
    const [ctx, cancel] = context.withCancel(context.background())
    const watchers = Array.from({ length: 2 }, () =>
      spawn(async (_, c: Context) => {
        await c.done().recv()
        return c.err()?.message
      }, ctx),
    )
    cancel()
    equal(await Promise.all(watchers), [CANCELED, CANCELED])
  }
})

test(
  'TestCancelRemoves: what is cancelled leaves nothing behind in its parent',
  async ({ context, runtime, turn, ok }) => {
    const [parent, stop] = context.withCancel(context.background())
    const round = async () => {
      for (let i = 0; i < 500; i++) {
        const [ctx, cancel] = context.withTimeout(parent, 3_600_000)
        context.afterFunc(ctx, () => undefined)()
        cancel()
      }
      await turn()
      return runtime.stats().memory.used
    }
    const before = await round()
    for (let i = 0; i < 5; i++) await round()
    ok((await round()) - before < 256 * 1024)
    stop()
  },
  { places: ALONE },
)

// --- what Node has beside it

const node = cases('api.md: context')

test(
  'a context sent to the same thread twice, or back, is the same object',
  async ({ context, spawn, ok }) => {
    const [ctx, cancel] = context.withCancel(context.background())
    ok((await spawn((_, c: Context) => c, ctx)) === ctx)
    ok(await spawn((_, a: Context, b: Context) => a === b, ctx, ctx))
    cancel()
  },
  { places: THREADS },
)

node('signal aborts with the context, its reason is the cause', async ({ context, spawn, parked, equal, ok }) => {
  const [ctx, cancel] = context.withCancelCause(context.background())
  const { signal } = ctx
  ok(signal === ctx.signal)
  const elsewhere = spawn(async (_, c: Context) => {
    const { signal } = c
    await c.done().recv()
    await new Promise((resolve) => setImmediate(resolve))
    return [signal.aborted, signal.reason as unknown]
  }, ctx)
  await parked(1)
  equal(ctx.signal.aborted, false)
  cancel('stop')
  equal([ctx.signal.aborted, ctx.signal.reason as unknown], [true, 'stop'])
  equal(await elsewhere, [true, 'stop'])
})

node(
  'signal of what is done is aborted from the start',
  async ({ context, equal }) => {
    const [ctx, cancel] = context.withCancel(context.background())
    cancel()
    equal([ctx.signal.aborted, ctx.signal.reason], [true, context.Canceled])
    const [timed] = context.withTimeout(context.background(), 0)
    equal([timed.signal.aborted, (timed.signal.reason as Error).name], [true, 'TimeoutError'])
  },
  { places: ALONE },
)

for (const how of [
  'timers/promises',
  'events.once',
  'fs.promises.readFile',
  'fetch',
  'child_process',
  'stream pipeline',
] as const) {
  node(
    `signal ends ${how}`,
    async ({ context, spawn, chan, equal }) => {
      const [ctx, cancel] = context.withCancel(context.background())
      const ready = chan<number>()
      const ended = spawn(
        async (_, c: Context, go: Chan<number>, way: string) => {
          const { signal } = c
          const name = (error: Error) => error.name
          if (way === 'timers/promises') {
            const { setTimeout: delay } = await import('node:timers/promises')
            const waits = delay(60_000, 0, { signal }).catch(name)
            await go.send(1)
            return waits
          }
          if (way === 'events.once') {
            const { default: events } = await import('node:events')
            const waits = events.once(new events.EventEmitter(), 'never', { signal }).catch(name)
            await go.send(1)
            return waits
          }
          if (way === 'fs.promises.readFile') {
            const { readFile } = await import('node:fs/promises')
            await go.send(1)
            await c.done().recv()
            return readFile(process.execPath, { signal }).catch(name)
          }
          if (way === 'child_process') {
            const { execFile } = await import('node:child_process')
            const waits = new Promise((resolve) =>
              execFile(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'], { signal }, (error) =>
                resolve(error?.name),
              ),
            )
            await go.send(1)
            return waits
          }
          if (way === 'stream pipeline') {
            const { pipeline } = await import('node:stream/promises')
            const { PassThrough } = await import('node:stream')
            const waits = pipeline(new PassThrough(), new PassThrough(), { signal }).catch(name)
            await go.send(1)
            return waits
          }
          const { createServer } = await import('node:http')
          const server = createServer(() => undefined)
          await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
          const { port } = server.address() as { port: number }
          const waits = fetch(`http://127.0.0.1:${port}/`, { signal }).then(() => 'answered', name)
          await go.send(1)
          const seen = await waits
          server.closeAllConnections()
          await new Promise((resolve) => server.close(resolve))
          return seen
        },
        ctx,
        ready,
        how,
      )
      await ready.recv()
      cancel()
      equal(await ended, 'AbortError')
    },
    { places: ['main', 'main+go', 'go+go'] },
  )
}

node(
  'fromSignal: a signal of Node’s cancels on every thread, with its reason',
  async ({ context, spawn, parked, equal }) => {
    const aborter = new AbortController()
    const ctx = context.fromSignal(aborter.signal)
    const [child] = context.withCancel(ctx)
    const elsewhere = spawn(async ({ context: here }, c: Context) => {
      await c.done().recv()
      return [c.err()?.message, here.cause(c)]
    }, child)
    await parked(1)
    equal(ctx.err(), undefined)
    aborter.abort('enough')
    equal([ctx.err()?.message, context.cause(ctx)], [CANCELED, 'enough'])
    equal(await elsewhere, [CANCELED, 'enough'])
  },
)

node(
  'fromSignal of what has aborted is done; AbortSignal.timeout works',
  async (t) => {
    const { context, equal } = t
    const ctx = context.fromSignal(AbortSignal.abort('before'))
    equal([isDone(t, ctx), context.cause(ctx)], [true, 'before'])
    // A timer of Node's that is not ref'd: something else has to keep the loop turning.
    const timed = context.fromSignal(AbortSignal.timeout(5))
    const keep = setInterval(() => undefined, 1000)
    await timed.done().recv()
    clearInterval(keep)
    equal((context.cause(timed) as Error).name, 'TimeoutError')
  },
  { places: ALONE },
)

node(
  'go.with: a signal that aborts cancels the goroutine’s own context',
  async ({ go, chan, parked, equal }) => {
    const [aborter, ready] = [new AbortController(), chan<number>(1)]
    const g = go.with(
      { signal: aborter.signal },
      async (c: Chan<number>) => {
        const { runtime, context } = await import('goro')
        const ctx = runtime.context()
        await c.send(1)
        await ctx.done().recv()
        return [ctx.err()?.message, context.cause(ctx)]
      },
      ready,
    )
    await ready.recv()
    await parked(1)
    aborter.abort('why')
    equal(await g, [CANCELED, 'why'])
  },
  { places: ['main+go'] },
)

node(
  'go.with: a signal that has aborted starts nothing',
  async ({ go, AtomicInt32, rejects, equal }) => {
    const ran = new AtomicInt32()
    const g = go.with({ signal: AbortSignal.abort(new RangeError('before')) }, (n: typeof ran) => n.add(1), ran)
    await rejects(g, { name: 'RangeError', message: 'before' })
    equal(ran.load(), 0)
  },
  { places: ['main+go', 'go+go'] },
)

node(
  'sleep, acquire and select end with the context',
  async ({ context, sleep, select, chan, spawn, Semaphore, parked, equal }) => {
    const [ctx, cancel] = context.withCancel(context.background())
    const sem = new Semaphore(0)
    const all = [
      spawn(async (t, c: Context) => t.sleep(60_000, c).catch((e: Error) => e.message), ctx),
      spawn(async (_, c: Context, s: typeof sem) => s.acquire(1, c).catch((e: Error) => e.message), ctx, sem),
      spawn(async (t, c: Context) => (await t.select({ never: t.chan(), done: c.done() })).case, ctx),
    ]
    const own = select({ never: chan(), done: ctx.done() })
    const slept = sleep(60_000, ctx).catch((e: Error) => e.message)
    await parked(1)
    cancel()
    equal(await Promise.all(all), [CANCELED, CANCELED, 'done'])
    equal([(await own).case, await slept], ['done', CANCELED])
  },
)

node('a worker pool ends with its context, and nobody is left', async ({ context, chan, spawn, WaitGroup, equal }) => {
  const [ctx, cancel] = context.withCancel(context.background())
  const [jobs, results, wg] = [chan<number>(), chan<number>(), new WaitGroup()]
  wg.add(4)
  for (let i = 0; i < 4; i++) {
    void spawn(
      async ({ select, send }, c: Context, from: Chan<number>, to: Chan<number>, g: typeof wg) => {
        for (;;) {
          const job = await select({ job: from, done: c.done() })
          if (job.case === 'done') break
          if ((await select({ sent: send(to, (job.value as number) * 2), done: c.done() })).case === 'done') break
        }
        g.done()
      },
      ctx,
      jobs,
      results,
      wg,
    )
  }
  let sum = 0
  for (let i = 0; i < 20; i++) {
    await jobs.send(i)
    sum += (await results.recv()) as number
  }
  equal(sum, 380)
  cancel()
  await wg.wait()
})
