/** The sync types, on the main thread and between threads. */
import * as workerThreads from 'node:worker_threads'
import {
  AtomicBool,
  AtomicInt32,
  AtomicInt64,
  type Chan,
  Cond,
  chan,
  context,
  go,
  Mutex,
  Once,
  RWMutex,
  runtime,
  Semaphore,
  SyncError,
  sleep,
  WaitGroup,
} from 'goro'
import { describe, expect, test } from 'vitest'
import { run } from './run.ts'

describe('Mutex', () => {
  test('lets one in at a time, across threads', async () => {
    const [mutex, inside, total] = [new Mutex(), new AtomicInt32(), new AtomicInt32()]
    const workers = Array.from({ length: 8 }, () =>
      go(
        async (m: Mutex, now: AtomicInt32, all: AtomicInt32) => {
          for (let i = 0; i < 200; i++) {
            const guard = await m.lock()
            if (now.add(1) !== 1) throw new Error('two inside')
            if (i % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 0))
            all.add(1)
            now.add(-1)
            guard.unlock()
          }
        },
        mutex,
        inside,
        total,
      ),
    )
    for (let i = 0; i < 100; i++) {
      await mutex.withLock(() => {
        expect(inside.add(1)).toBe(1)
        inside.add(-1)
      })
    }
    await Promise.all(workers)
    expect(total.load()).toBe(1600)
    expect(mutex.tryLock()).toBe(true)
    expect(mutex.tryLock()).toBe(false)
    mutex.unlock()
  })

  test('misuse, guards, errors', async () => {
    const mutex = new Mutex()
    expect(() => mutex.unlock()).toThrow(SyncError)
    expect(() => mutex.unlock()).toThrow('sync: unlock of unlocked mutex')
    const guard = await mutex.lock()
    guard.unlock()
    guard[Symbol.dispose]()
    await expect(mutex.withLock(() => Promise.reject(new RangeError('inside')))).rejects.toThrow('inside')
    expect(mutex.tryLock()).toBe(true)
  })

  test('a holder that dies fails those who wait and those who come', async () => {
    const mutex = new Mutex()
    const isWaitedFor = new AtomicBool()
    const holder = go(
      async (m: Mutex, isWaitedFor: AtomicBool) => {
        await m.lock()
        while (!isWaitedFor.load()) await new Promise((resolve) => setTimeout(resolve, 1))
        process.exit(3)
      },
      mutex,
      isWaitedFor,
    )
    while (mutex.tryLock()) {
      mutex.unlock()
      await sleep(1)
    }
    const waits = mutex.lock()
    isWaitedFor.store(true)
    await expect(waits).rejects.toMatchObject({ name: 'ThreadDiedError' })
    await expect(holder).rejects.toMatchObject({ name: 'ThreadDiedError' })
    await expect(mutex.lock()).rejects.toMatchObject({ name: 'ThreadDiedError' })
  })
})

const lockWaiters = () => runtime.goroutines().filter(({ waitReason }) => waitReason === 'sync.Mutex.Lock').length

test('Mutex: one that takes it again at once, every time, does not starve those who wait', async () => {
  const mutex = new Mutex()
  const had = new AtomicBool()
  expect(mutex.tryLock()).toBe(true)
  const waiter = go(
    async (m: Mutex, had: AtomicBool) => {
      await m.lock()
      had.store(true)
      m.unlock()
      return true
    },
    mutex,
    had,
  )
  while (lockWaiters() < 1) await sleep(1)
  let times = 0
  do {
    // Long enough for the one that was woken to find it taken.
    for (const start = performance.now(); performance.now() - start < 3; );
    mutex.unlock()
    times++
    // Nobody that has to wake up first is as fast as this, unless this thread loses its core just then.
  } while (mutex.tryLock() && !had.load() && times < 500)
  expect(times).toBeLessThan(500)
  expect(await waiter).toBe(true)
})

test('Mutex: those who wait are served in the order in which they came, also if others come in between', async () => {
  const [mutex, order] = [new Mutex(), chan<number>(100)]
  const guard = await mutex.lock()
  const waiters: PromiseLike<void>[] = []
  const waiter = async (m: Mutex, out: Chan<number>, n: number) => {
    await m.lock()
    out.trySend(n)
    m.unlock()
  }
  for (let n = 0; n < 20; n++) {
    waiters.push(n % 2 === 0 ? waiter(mutex, order, n) : go(waiter, mutex, order, n))
    while (lockWaiters() < n + 1) await sleep(1)
  }
  guard.unlock()
  for (let i = 0; i < 1000 && order.length < 20; i++) {
    if (mutex.tryLock()) mutex.unlock()
    if (i % 10 === 0) await sleep(1)
  }
  await Promise.all(waiters)
  const served: number[] = []
  for (let i = 0; i < 20; i++) served.push((await order.recv())!)
  expect(served).toEqual(Array.from({ length: 20 }, (_, n) => n))
})

describe('RWMutex', () => {
  test('readers that die with their thread let writers in, those on other threads do not', async () => {
    const [rw, inside] = [new RWMutex(), new AtomicInt32()]
    await rw.rLock()
    const reader = go(
      async (lock: RWMutex, n: AtomicInt32) => {
        await lock.rLock()
        await lock.rLock()
        n.add(1)
        await new Promise((resolve) => setTimeout(resolve, 50))
        process.exit(3)
      },
      rw,
      inside,
    )
    while (inside.load() === 0) await sleep(1)
    const writer = rw.lock()
    await expect(reader).rejects.toMatchObject({ name: 'ThreadDiedError' })
    expect(rw.tryLock()).toBe(false)
    rw.rUnlock()
    const guard = await writer
    guard.unlock()
    expect(() => rw.rUnlock()).toThrow('sync: RUnlock of unlocked RWMutex')
  })

  test('many readers or one writer; a waiting writer keeps new readers out', async () => {
    const rw = new RWMutex()
    await rw.rLock()
    await rw.rLock()
    expect([rw.tryLock(), rw.tryRLock()]).toEqual([false, true])
    const order: string[] = []
    const writer = rw.lock().then(() => order.push('writer'))
    expect(rw.tryRLock()).toBe(false)
    const reader = rw.rLock().then(() => order.push('reader'))
    for (let i = 0; i < 3; i++) rw.rUnlock()
    await writer
    rw.unlock()
    await reader
    rw.rUnlock()
    expect(order).toEqual(['writer', 'reader'])
    expect(() => rw.unlock()).toThrow('sync: Unlock of unlocked RWMutex')
    expect(() => rw.rUnlock()).toThrow('sync: RUnlock of unlocked RWMutex')
  })

  test('keeps writers apart from everybody, across threads', async () => {
    const [rw, state] = [new RWMutex(), new AtomicInt32()]
    const parties = Array.from({ length: 6 }, (_, i) =>
      go(
        async (lock: RWMutex, count: AtomicInt32, writes: boolean) => {
          for (let n = 0; n < 200; n++) {
            if (writes) {
              await lock.withLock(() => {
                if (count.swap(-1000) !== 0) throw new Error('not alone')
                count.store(0)
              })
            } else {
              await lock.withRLock(() => {
                if (count.add(1) < 1) throw new Error('a writer beside a reader')
                count.add(-1)
              })
            }
          }
        },
        rw,
        state,
        i < 2,
      ),
    )
    await Promise.all(parties)
    expect(rw.tryLock()).toBe(true)
  })
})

describe('WaitGroup', () => {
  test('waits for all, from any thread', async () => {
    const [group, count] = [new WaitGroup(), new AtomicInt32()]
    group.add(20)
    for (let i = 0; i < 20; i++) {
      void go(
        (g: WaitGroup, n: AtomicInt32) => {
          n.add(1)
          g.done()
        },
        group,
        count,
      )
    }
    const elsewhere = go(async (g: WaitGroup) => g.wait(), group)
    await group.wait()
    expect(count.load()).toBe(20)
    await elsewhere
    await group.wait()
    expect(() => group.done()).toThrow('sync: negative WaitGroup counter')
  })

  test('reused before those who wait are home is misuse, in Go’s words', async () => {
    const [group, flag] = [new WaitGroup(), new Int32Array(new SharedArrayBuffer(4))]
    group.add()
    const waits = group.wait()
    void go(
      (g: WaitGroup, done: Int32Array) => {
        g.done()
        g.add()
        Atomics.store(done, 0, 1)
        Atomics.notify(done, 0)
      },
      group,
      flag,
    )
    // This thread sees that it was released only when something has been added again.
    Atomics.wait(flag, 0, 0)
    await expect(waits).rejects.toThrow('sync: WaitGroup is reused before previous Wait has returned')
    await expect(waits).rejects.toThrow(SyncError)
    group.done()
    await group.wait()
  })

  test('go adds and is done, also when the goroutine fails', async () => {
    const group = new WaitGroup()
    const good = group.go((x: number) => x * 2, 4)
    const bad = group.go(() => {
      throw new RangeError('bad')
    })
    const failed = expect(bad).rejects.toThrow('bad')
    await group.wait()
    expect(await good).toBe(8)
    await failed
  })
})

describe('Once, Cond, Semaphore', () => {
  test('Once: one does it, the others wait for that', async () => {
    const [once, count] = [new Once(), new AtomicInt32()]
    const all = Array.from({ length: 10 }, () =>
      go(
        async (o: Once, n: AtomicInt32) => {
          await o.do(async () => {
            await new Promise((resolve) => setTimeout(resolve, 10))
            n.add(1)
          })
          return n.load()
        },
        once,
        count,
      ),
    )
    expect(await Promise.all(all)).toEqual(Array(10).fill(1))
    const other = new Once()
    await expect(other.do(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
    let again = false
    await other.do(() => {
      again = true
    })
    expect(again).toBe(false)
  })

  test('Cond: signal wakes one, broadcast all; without the lock it is misuse', async () => {
    const mutex = new Mutex()
    const [cond, ready, woken] = [new Cond(mutex), new AtomicBool(), new AtomicInt32()]
    await expect(cond.wait()).rejects.toThrow('sync: unlock of unlocked mutex')
    const waiters = Array.from({ length: 6 }, () =>
      go(
        async (c: Cond, r: AtomicBool, n: AtomicInt32) => {
          await c.mutex.withLock(async () => {
            while (!r.load()) await c.wait()
            n.add(1)
          })
        },
        cond,
        ready,
        woken,
      ),
    )
    await sleep(30)
    cond.signal()
    await sleep(10)
    expect(woken.load()).toBe(0)
    await mutex.withLock(() => ready.store(true))
    cond.broadcast()
    await Promise.all(waiters)
    expect(woken.load()).toBe(6)
  })

  test('WaitGroup: one `done` too many for `go` is a panic, and the goroutine settles', async () => {
    const { stdout, stderr } = await run('wait-group-misuse.mjs')
    expect(stderr).toBe('')
    const negative = 'sync: negative WaitGroup counter'
    const messages = [negative, negative, negative, negative]
    expect(JSON.parse(stdout)).toEqual({ here: [7, 8], there: [7, 8], again: 9, messages })
  })

  test('Cond: a wait without the lock takes no signal from those that wait with it', async () => {
    const mutex = new Mutex()
    const cond = new Cond(mutex)
    const waits = Array.from({ length: 3 }, async () => {
      await mutex.lock()
      await cond.wait()
      mutex.unlock()
    })
    await mutex.withLock(() => {})
    for (let i = 0; i < 3; i++) {
      await expect(cond.wait()).rejects.toThrow('sync: unlock of unlocked mutex')
      cond.signal()
      await waits[i]
    }
  })

  test('Semaphore: bounds, is first come first served, and can be cancelled', async () => {
    const sema = new Semaphore(3)
    await sema.acquire(2)
    expect([sema.tryAcquire(2), sema.tryAcquire()]).toEqual([false, true])
    const [ctx, cancel] = context.withCancel(context.background())
    const big = sema.acquire(3, ctx)
    const small = sema.acquire(1)
    sema.release()
    expect(sema.tryAcquire()).toBe(false)
    cancel()
    await expect(big).rejects.toThrow('context canceled')
    await small
    sema.release(3)
    expect(() => sema.release()).toThrow('semaphore: released more than held')
  })
})

test('a copy of a handle is refused where Node can refuse it, and handles themselves travel', async () => {
  const mutex = new Mutex()
  const refuses = 'markAsUncloneable' in workerThreads
  for (const handle of [mutex, new WaitGroup(), new AtomicInt32(), new Cond(mutex)]) {
    const copy = () => structuredClone(handle)
    if (refuses) expect(copy).toThrow(expect.objectContaining({ name: 'DataCloneError' }))
    else expect(Object.keys(copy())).toEqual([])
  }
  expect(await go((m: Mutex) => m.tryLock(), mutex)).toBe(true)
})

test('atomics count across threads, and wrap', async () => {
  const [a, b] = [new AtomicInt32(), new AtomicInt64(2n ** 40n)]
  const all = Array.from({ length: 8 }, () =>
    go(
      (x: AtomicInt32, y: AtomicInt64) => {
        for (let i = 0; i < 1000; i++) {
          x.add(1)
          y.add(-1n)
        }
      },
      a,
      b,
    ),
  )
  await Promise.all(all)
  expect([a.load(), b.load()]).toEqual([8000, 2n ** 40n - 8000n])
  expect([a.compareAndSwap(1, 2), a.compareAndSwap(8000, 2), a.swap(3), a.load()]).toEqual([false, true, 2, 3])
  b.store(2n ** 63n - 1n)
  expect([b.add(1n), b.compareAndSwap(-(2n ** 63n), 5n), b.load()]).toEqual([-(2n ** 63n), true, 5n])
  const flag = new AtomicBool()
  expect([flag.swap(true), flag.load(), flag.compareAndSwap(true, false), flag.load()]).toEqual([
    false,
    true,
    true,
    false,
  ])
})
