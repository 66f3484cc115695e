import type { AtomicInt32, Context, Semaphore } from 'goro'
import { ALONE, cases } from '../harness.ts'

const test = cases('golang.org/x/sync/semaphore/semaphore_test.go')

test('TestWeighted: 10 goroutines of different weights never hold more than there is', async ({
  Semaphore,
  AtomicInt32,
  spawn,
  equal,
}) => {
  const [sem, held] = [new Semaphore(10), new AtomicInt32()]
  const all = Array.from({ length: 10 }, (_, i) =>
    spawn(
      async (t, s: Semaphore, now: AtomicInt32, n: number) => {
        for (let k = 0; k < 20; k++) {
          await s.acquire(n)
          t.ok(now.add(n) <= 10)
          if (k % 5 === 0) await t.turn()
          now.add(-n)
          s.release(n)
        }
      },
      sem,
      held,
      i + 1,
    ),
  )
  await Promise.all(all)
  equal(held.load(), 0)
  equal(sem.tryAcquire(10), true)
})

test('TestWeightedPanic: releasing more than is held throws', async ({ Semaphore, spawn, throws }) => {
  const sem = new Semaphore(1)
  const misuse = { name: 'SyncError', message: 'semaphore: released more than held' }
  throws(() => sem.release(), misuse)
  await sem.acquire()
  throws(() => sem.release(2), misuse)
  await spawn((_, s: Semaphore) => s.release(), sem)
  throws(() => sem.release(), misuse)
})

test(
  'TestWeightedTryAcquire',
  async ({ Semaphore, equal }) => {
    const sem = new Semaphore(2)
    const tries: boolean[] = []
    await sem.acquire(1)
    tries.push(sem.tryAcquire(1))
    tries.push(sem.tryAcquire(1))
    sem.release(2)
    tries.push(sem.tryAcquire(1))
    await sem.acquire(1)
    tries.push(sem.tryAcquire(1))
    equal(tries, [true, false, true, false])
  },
  { places: ALONE },
)

test(
  'TestWeightedAcquire: a wait that its context ends takes nothing',
  async ({ Semaphore, context, rejects, equal }) => {
    const sem = new Semaphore(2)
    const attempt = async (n: number): Promise<boolean> => {
      const [ctx, cancel] = context.withTimeout(context.background(), 5)
      try {
        await sem.acquire(n, ctx)
        return true
      } catch {
        return false
      } finally {
        cancel()
      }
    }
    const tries = [await attempt(1), await attempt(1), await attempt(1)]
    sem.release(2)
    tries.push(await attempt(1))
    await sem.acquire(1)
    tries.push(await attempt(1))
    equal(tries, [true, true, false, true, false])
    const [ctx] = context.withTimeout(context.background(), 1)
    await rejects(sem.acquire(1, ctx), { message: 'context deadline exceeded' })
  },
  { places: ALONE },
)

test('TestWeightedDoesntBlockIfTooBig: who wants more than there ever is waits for its context alone', async ({
  Semaphore,
  AtomicInt32,
  context,
  spawn,
  parked,
  blocks,
  rejects,
  equal,
}) => {
  const [sem, n] = [new Semaphore(2), new AtomicInt32()]
  const [ctx, cancel] = context.withCancel(context.background())
  const big = sem.acquire(3, ctx)
  const failed = rejects(big, { message: 'context canceled' })
  await parked(0)
  const all = Array.from({ length: 5 }, () =>
    spawn(
      async (_, s: Semaphore, count: AtomicInt32) => {
        for (let i = 0; i < 10; i++) {
          await s.acquire(1)
          count.add(1)
          s.release(1)
        }
      },
      sem,
      n,
    ),
  )
  await Promise.all(all)
  equal(n.load(), 50)
  await blocks(big)
  cancel()
  await failed
})

test('TestLargeAcquireDoesntStarve: one that wants all gets it, though others take small parts all the time', async ({
  Semaphore,
  AtomicBool,
  spawn,
}) => {
  const [n, sem, stop] = [4, new Semaphore(4), new AtomicBool()]
  await sem.acquire(n)
  const small = Array.from({ length: n }, () =>
    spawn(
      async (t, s: Semaphore, end: typeof stop) => {
        await s.acquire(1)
        while (!end.load()) {
          await t.turn()
          s.release(1)
          await s.acquire(1)
        }
        s.release(1)
      },
      sem,
      stop,
    ),
  )
  sem.release(n)
  await sem.acquire(n)
  stop.store(true)
  sem.release(n)
  await Promise.all(small)
})

test('TestAllocCancelDoesntStarve: a large wait that is cancelled lets the small ones behind it in', async ({
  Semaphore,
  context,
  spawn,
  parked,
  rejects,
  equal,
}) => {
  const sem = new Semaphore(10)
  await sem.acquire(1)
  const [ctx, cancel] = context.withCancel(context.background())
  const big = spawn(
    async (t, s: Semaphore, c: Context) => t.rejects(s.acquire(10, c), { message: 'context canceled' }),
    sem,
    ctx,
  )
  await parked(1)
  equal(sem.tryAcquire(1), false, 'nobody passes the one that waits')
  const small = spawn(async (_, s: Semaphore) => s.acquire(1), sem)
  await parked(2)
  cancel()
  await big
  await small
  await rejects(sem.acquire(1, ctx), { message: 'context canceled' })
  equal(sem.tryAcquire(8), true)
})

test(
  'TestWeightedReleaseCancelledWaiter: a wait that has been served is not cancelled any more',
  async ({ Semaphore, context, equal }) => {
    for (let i = 0; i < 20; i++) {
      const sem = new Semaphore(1)
      await sem.acquire()
      const [ctx, cancel] = context.withCancel(context.background())
      const waits = sem.acquire(1, ctx)
      sem.release()
      cancel()
      await waits
      equal(sem.tryAcquire(), false)
      sem.release()
    }
  },
  { places: ALONE },
)

test('waiters are served in the order in which they came', async ({ Semaphore, chan, spawn, parked, equal }) => {
  const [sem, order] = [new Semaphore(1), chan<number>(10)]
  await sem.acquire()
  for (let i = 0; i < 6; i++) {
    void spawn(
      async (_, s: Semaphore, out: typeof order, me: number) => {
        await s.acquire()
        await out.send(me)
        s.release()
      },
      sem,
      order,
      i,
    )
    await parked(i + 1)
  }
  sem.release()
  for (let i = 0; i < 6; i++) equal(await order.recv(), i)
})

test('one release serves as many as there is room for', async ({
  Semaphore,
  AtomicInt32,
  spawn,
  parked,
  blocks,
  until,
  equal,
}) => {
  const [sem, n] = [new Semaphore(4), new AtomicInt32()]
  await sem.acquire(4)
  const all = [1, 1, 2, 1].map((want) =>
    spawn(
      async (_, s: Semaphore, count: AtomicInt32, w: number) => {
        await s.acquire(w)
        count.add(1)
      },
      sem,
      n,
      want,
    ),
  )
  await parked(4)
  sem.release(4)
  await until(() => n.load() === 3)
  await blocks(Promise.all(all))
  sem.release(1)
  await Promise.all(all)
  equal(sem.tryAcquire(1), false)
})

test(
  'an acquire of nothing does not wait; sizes and weights are whole numbers',
  async ({ Semaphore, throws, rejects, equal }) => {
    const sem = new Semaphore(0)
    await sem.acquire(0)
    equal([sem.tryAcquire(0), sem.tryAcquire(1)], [true, false])
    sem.release(0)
    for (const bad of [-1, 0.5, Number.NaN, '1' as never]) {
      throws(() => new Semaphore(bad), { name: 'RangeError' })
      throws(() => sem.tryAcquire(bad), { name: 'RangeError' })
      throws(() => sem.release(bad), { name: 'RangeError' })
      await rejects(sem.acquire(bad), { name: 'RangeError' })
    }
  },
  { places: ALONE },
)

test(
  'a context that is done already takes nothing',
  async ({ Semaphore, context, rejects, equal }) => {
    const sem = new Semaphore(1)
    const [ctx, cancel] = context.withCancel(context.background())
    cancel()
    await rejects(sem.acquire(1, ctx), { message: 'context canceled' })
    equal(sem.tryAcquire(1), true)
  },
  { places: ALONE },
)
