import { execFile } from 'node:child_process'
import { writeSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import type { AtomicInt32, Chan, Cond, Context, Mutex, Once, RWMutex, Semaphore, WaitGroup } from 'goro'
import { programsOf } from '../harness.ts'

const program = programsOf('runtime/crash_test.go')

/** Go's first line, a blank one, and then the main program. */
const FATAL = /^fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 \[/
const deadlock = (...stderr: RegExp[]) => ({ code: 2, stderr: [FATAL, ...stderr] })
/** Of the main program: what it waits for. */
const main = (reason: string) => new RegExp(`\\n\\ngoroutine 1 \\[${reason}(, \\d+ minutes?)?\\]:\\nmain`)
/** Of a goroutine: what it waits for, its function, where that is, and who has started it. */
const goroutine = (reason: string) =>
  new RegExp(`\\n\\ngoroutine \\d+ \\[${reason}\\]:\\n\\w+\\n {4}at \\S+:\\d+:\\d+\\ncreated by `)

const woken = { stdout: 'woken\n' }
const say = () => writeSync(1, 'woken\n')

// --- the main program alone

program('TestSimpleDeadlock: an empty select', deadlock(main('select.*')), ({ select }) => select({}))

program('main receives from a channel that nobody has', deadlock(main('chan receive')), ({ chan }) => chan().recv())

program('main sends to a channel that nobody has', deadlock(main('chan send')), ({ chan }) => chan().send(1))

program('main ranges over a channel that is never closed', deadlock(main('chan receive')), async ({ chan }) => {
  const ch = chan<number>(3)
  for (let i = 0; i < 3; i++) await ch.send(i)
  for await (const _value of ch);
})

program('main selects from channels that nobody has', deadlock(main('select')), ({ chan, select, send }) =>
  select({ a: chan(), b: send(chan(), 1) }),
)

program('main locks a mutex twice', deadlock(main('sync.Mutex.Lock')), async ({ Mutex }) => {
  const m = new Mutex()
  await m.lock()
  await m.lock()
})

program('main asks to write what it reads', deadlock(main('sync.RWMutex.Lock')), async ({ RWMutex }) => {
  const rw = new RWMutex()
  await rw.rLock()
  await rw.lock()
})

program('main asks to read what it writes', deadlock(main('sync.RWMutex.RLock')), async ({ RWMutex }) => {
  const rw = new RWMutex()
  await rw.lock()
  await rw.rLock()
})

program('main waits for a group that nobody finishes', deadlock(main('sync.WaitGroup.Wait')), async ({ WaitGroup }) => {
  const wg = new WaitGroup()
  wg.add(1)
  await wg.wait()
})

program('main waits for a signal that nobody gives', deadlock(main('sync.Cond.Wait')), async ({ Mutex, Cond }) => {
  const m = new Mutex()
  await m.lock()
  await new Cond(m).wait()
})

program('main acquires more than there is', deadlock(main('semacquire')), async ({ Semaphore }) => {
  await new Semaphore(1).acquire(2)
})

program('main does a once inside itself', deadlock(main('sync.Once.Do')), async ({ Once }) => {
  const once = new Once()
  await once.do(() => once.do(() => undefined))
})

program('main waits for a context that nobody cancels', deadlock(main('chan receive')), async ({ context }) => {
  const [ctx] = context.withCancel(context.background())
  await ctx.done().recv()
})

program('several tasks of main wait for one another', deadlock(main('chan receive')), async ({ chan }) => {
  const [a, b] = [chan<number>(), chan<number>()]
  const first = a.recv().then(() => b.send(1))
  const second = b.recv().then(() => a.send(1))
  await Promise.all([first, second])
})

// --- with goroutines

program(
  'TestLockedDeadlock2: main and a goroutine, each in a select without cases',
  deadlock(main('select.*'), goroutine('select.*')),
  async ({ spawn, select }) => {
    void spawn(async (t) => t.select({}))
    await select({})
  },
)

program(
  'main waits for a goroutine that waits for main',
  deadlock(goroutine('chan receive')),
  async ({ chan, spawn }) => {
    await spawn(async (_, c: Chan<number>) => c.recv(), chan<number>())
  },
)

program(
  'a ring of goroutines, each waits for the one before it',
  deadlock(main('chan receive'), goroutine('chan receive')),
  async ({ chan, spawn }) => {
    const ring = Array.from({ length: 5 }, () => chan<number>())
    ring.forEach((c, i) => {
      void spawn(
        async (_, from: Chan<number>, to: Chan<number>) => to.send(((await from.recv()) as number) + 1),
        c,
        ring[(i + 1) % 5]!,
      )
    })
    await chan<number>().recv()
  },
)

program(
  'every kind of wait is in the dump',
  deadlock(
    goroutine('chan receive'),
    goroutine('chan send'),
    goroutine('select'),
    goroutine('sync.Mutex.Lock'),
    goroutine('sync.RWMutex.Lock'),
    goroutine('sync.RWMutex.RLock'),
    goroutine('sync.WaitGroup.Wait'),
    goroutine('semacquire'),
    goroutine('sync.Once.Do'),
    goroutine('sync.Cond.Wait'),
  ),
  async ({ chan, spawn, Mutex, RWMutex, WaitGroup, Semaphore, Once, Cond }) => {
    const [ch, m, rw, wg, sem, once] = [
      chan<number>(),
      new Mutex(),
      new RWMutex(),
      new WaitGroup(),
      new Semaphore(1),
      new Once(),
    ]
    const c = new Cond(new Mutex())
    await m.lock()
    await rw.lock()
    wg.add(1)
    await sem.acquire()
    void once.do(() => new Promise(() => undefined))
    void spawn(async (t) => t.chan<number>().recv())
    void spawn(async (t) => t.chan<number>().send(1))
    void spawn(async (t) => t.select({ a: t.chan(), b: t.chan() }))
    void spawn(async (_, x: Mutex) => void (await x.lock()), m)
    void spawn(async (_, x: RWMutex) => void (await x.lock()), rw)
    void spawn(async (_, x: RWMutex) => void (await x.rLock()), rw)
    void spawn(async (_, x: WaitGroup) => x.wait(), wg)
    void spawn(async (_, x: Semaphore) => x.acquire(), sem)
    void spawn(async (_, x: Once) => x.do(() => undefined), once)
    void spawn(async (_, x: Cond) => {
      await x.mutex.lock()
      await x.wait()
    }, c)
    await ch.recv()
  },
)

program(
  'TestGoexitDeadlock: the last goroutine that could have woken main has ended',
  deadlock(main('chan receive')),
  async ({ chan, spawn }) => {
    const ch = chan<number>()
    for (let i = 0; i < 5; i++) void spawn(() => undefined)
    await ch.recv()
  },
)

program(
  'a thousand goroutines that wait are a deadlock like one',
  deadlock(goroutine('chan receive')),
  async ({ chan, spawn }) => {
    const ch = chan<number>()
    for (let i = 0; i < 1000; i++) void spawn(async (_, c: Chan<number>) => c.recv(), ch)
    await ch.recv()
  },
)

program(
  'a deadlock after much has happened',
  deadlock(main('sync.WaitGroup.Wait')),
  async ({ chan, spawn, sleep, WaitGroup }) => {
    const ch = chan<number>(2)
    const senders = Array.from({ length: 20 }, () =>
      spawn(async (t, c: Chan<number>) => {
        await t.sleep(1)
        await c.send(1)
      }, ch),
    )
    for (let i = 0; i < 20; i++) await ch.recv()
    await Promise.all(senders)
    await sleep(5)
    const wg = new WaitGroup()
    wg.add(1)
    await wg.wait()
  },
)

program(
  'a deadlock once the last timer has passed, and not before',
  deadlock(main('chan receive')),
  async ({ chan, spawn, sleep }) => {
    const ch = chan<number>()
    void spawn(async (t, c: Chan<number>) => {
      await t.sleep(50)
      await c.send(1)
    }, ch)
    await ch.recv()
    await sleep(20)
    await ch.recv()
  },
)

program('a stopped timer wakes nobody', deadlock(main('chan receive')), async ({ Timer }) => {
  const timer = new Timer(60_000)
  timer.stop()
  await timer.c.recv()
})

program('a stopped ticker wakes nobody', deadlock(main('chan receive')), async ({ Ticker }) => {
  const ticker = new Ticker(1)
  await ticker.c.recv()
  ticker.stop()
  await ticker.c.recv()
})

program(
  'a mutex that a goroutine has taken along to its end',
  deadlock(main('sync.Mutex.Lock')),
  async ({ Mutex, spawn }) => {
    const m = new Mutex()
    await spawn(async (_, lock: Mutex) => void (await lock.lock()), m)
    await m.lock()
  },
)

program(
  'two goroutines take two mutexes in opposite order',
  deadlock(goroutine('sync.Mutex.Lock')),
  async ({ Mutex, WaitGroup, spawn }) => {
    const [a, b, both] = [new Mutex(), new Mutex(), new WaitGroup()]
    both.add(2)
    const take = (x: Mutex, y: Mutex) =>
      spawn(
        async (_, first: Mutex, second: Mutex, g: WaitGroup) => {
          await first.lock()
          g.done()
          await g.wait()
          await second.lock()
        },
        x,
        y,
        both,
      )
    await Promise.all([take(a, b), take(b, a)])
  },
)

program(
  'the name of go.with and where it was created are in the dump',
  deadlock(/goroutine \d+ \[chan receive\]:\nreader of nothing\n {4}at \S+\ncreated by \S+/),
  async ({ chan, go }) => {
    await go.with({ name: 'reader of nothing' }, async (c: Chan<number>) => c.recv(), chan<number>())
  },
)

// --- no deadlock: something can still wake somebody

program('none while a sleeping goroutine will wake main', woken, async ({ chan, spawn }) => {
  const ch = chan<number>()
  void spawn(async (t, c: Chan<number>) => {
    await t.sleep(150)
    await c.send(1)
  }, ch)
  await ch.recv()
  say()
})

program('none while main itself sleeps in another task', woken, async ({ chan, sleep }) => {
  const ch = chan<number>()
  const other = sleep(150).then(() => ch.send(1))
  await ch.recv()
  await other
  say()
})

program('none while a timer of Node’s is pending on main', woken, async ({ chan }) => {
  const ch = chan<number>()
  setTimeout(() => void ch.send(1), 150)
  await ch.recv()
  say()
})

program('none while a timer of Node’s is pending in a goroutine', woken, async ({ chan, spawn }) => {
  const ch = chan<number>()
  void spawn(async (_, c: Chan<number>) => {
    await new Promise((resolve) => setTimeout(resolve, 150))
    await c.send(1)
  }, ch)
  await ch.recv()
  say()
})

program('none while after, a Timer or a Ticker is pending', woken, async ({ after, Timer, Ticker }) => {
  await after(60).recv()
  await new Timer(60).c.recv()
  const ticker = new Ticker(30)
  for (let i = 0; i < 2; i++) await ticker.c.recv()
  ticker.stop()
  say()
})

program('none while a deadline is pending', woken, async ({ context, chan, select }) => {
  const [ctx] = context.withTimeout(context.background(), 100)
  await select({ never: chan(), done: ctx.done() })
  say()
})

program('none while a goroutine waits for a deadline', woken, async ({ context, spawn }) => {
  const [ctx] = context.withTimeout(context.background(), 100)
  await spawn(async (_, c: Context) => c.done().recv(), ctx)
  say()
})

program('TestNetpollDeadlock: none while a goroutine waits for a socket', woken, async ({ spawn }) => {
  await spawn(async () => {
    const { createServer, connect } = await import('node:net')
    const server = createServer((socket) => void setTimeout(() => socket.end('x'), 100))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const socket = connect((server.address() as { port: number }).port, '127.0.0.1')
    await new Promise((resolve) => socket.on('data', resolve))
    await new Promise((resolve) => server.close(resolve))
  })
  say()
})

program('none while a goroutine waits for a file', woken, async ({ spawn, chan }) => {
  const ch = chan<number>()
  void spawn(async (_, c: Chan<number>) => {
    const { readFile } = await import('node:fs/promises')
    await c.send((await readFile(process.execPath)).length)
  }, ch)
  await ch.recv()
  say()
})

program('none while a goroutine waits for a child process', woken, async ({ spawn, chan }) => {
  const ch = chan<number>()
  void spawn(async (_, c: Chan<number>) => {
    const { execFile } = await import('node:child_process')
    await new Promise((resolve) => execFile(process.execPath, ['-e', 'setTimeout(() => {}, 100)'], resolve))
    await c.send(1)
  }, ch)
  await ch.recv()
  say()
})

program('none while main waits for a child process', woken, async ({ chan }) => {
  const ch = chan<number>()
  execFile(process.execPath, ['-e', ''], () => void ch.send(1))
  await ch.recv()
  say()
})

program('none while a worker of the user’s own may answer', woken, async ({ chan }) => {
  const ch = chan<number>()
  const worker = new Worker("setTimeout(() => require('worker_threads').parentPort.postMessage(1), 100)", {
    eval: true,
  })
  worker.on('message', (n: number) => void ch.send(n))
  await ch.recv()
  say()
})

program('none while work of the thread pool is under way in a goroutine', woken, async ({ spawn }) => {
  await spawn(async () => {
    const { scrypt } = await import('node:crypto')
    await new Promise((resolve) => scrypt('a', 'b', 64, resolve))
  })
  say()
})

program('none while a goroutine computes', woken, async ({ spawn, chan }) => {
  const ch = chan<number>()
  void spawn(async (_, c: Chan<number>) => {
    for (const end = performance.now() + 150; performance.now() < end; ) Math.sqrt(2)
    await c.send(1)
  }, ch)
  await ch.recv()
  say()
})

program('none while goroutines hand a turn round for long', woken, async ({ spawn, chan }) => {
  const [a, b, done] = [chan<number>(), chan<number>(), chan<number>()]
  void spawn(
    async (_, from: Chan<number>, to: Chan<number>) => {
      for await (const v of from) await to.send(v + 1)
      to.close()
    },
    a,
    b,
  )
  void spawn(
    async (_, from: Chan<number>, to: Chan<number>, end: Chan<number>) => {
      await to.send(0)
      for await (const v of from) {
        if (v >= 2000) break
        await to.send(v + 1)
      }
      to.close()
      await end.send(1)
    },
    b,
    a,
    done,
  )
  await done.recv()
  say()
})

program('none while a promise of a select may settle', woken, async ({ select, chan }) => {
  const hit = await select({ never: chan(), late: new Promise((resolve) => setTimeout(resolve, 100, 'late')) })
  if (hit.case === 'late') say()
})

program(
  'none when main waits for nothing of goro: the process ends, as when Go’s main returns',
  {},
  ({ leave, chan }) => {
    leave(async (_, c: Chan<number>) => c.recv(), chan<number>())
  },
)

program(
  'none when main awaits a foreign promise that never settles: Node’s own exit code 13',
  { code: 13, stderr: [/^$|unsettled top-level await/i] },
  async ({ leave, chan }) => {
    leave(async (_, c: Chan<number>) => c.recv(), chan<number>())
    await new Promise(() => undefined)
  },
)

program(
  'TestPanic…: a goroutine that fails while others wait is a panic, not a deadlock',
  { code: 1, stderr: [/panic: .*lost/s, /goroutine \d+ \[running\]:/] },
  async ({ go, chan }) => {
    const ch = chan<number>()
    void go(async (c: Chan<number>) => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      if (!c.closed) throw new RangeError('lost')
    }, ch)
    await ch.recv()
  },
)

program(
  'TestMainGoroutineID: main is goroutine 1, and the others are not',
  {},
  async ({ chan, runtime, spawn, parked, turn, ok }) => {
    const ch = chan<number>()
    const own = ch.recv()
    const other = spawn(async (_, c: Chan<number>) => c.recv(), ch)
    await parked(2)
    await turn()
    const list = runtime.goroutines()
    ok(list.filter(({ id }) => id === 1).length === 1)
    ok(list.some(({ id, waitReason }) => id > 1 && waitReason === 'chan receive'))
    await ch.send(1)
    await ch.send(2)
    await Promise.all([own, other])
  },
)

program(
  'a counter that never comes up to what is waited for',
  deadlock(main('sync.Cond.Wait')),
  async ({ AtomicInt32, Mutex, Cond, spawn }) => {
    const n = new AtomicInt32()
    const c = new Cond(new Mutex())
    void spawn(
      (_, count: AtomicInt32, cv: Cond) => {
        count.add(1)
        cv.broadcast()
      },
      n,
      c,
    )
    await c.mutex.lock()
    while (n.load() < 2) await c.wait()
  },
)
