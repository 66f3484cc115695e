// Processors that always have something to do, and what has to get its turn all the same: `fair.mjs CASE`. A case that starves never
// ends; others print what was counted.
import { AtomicInt32, chan, go, runtime } from 'goro'

const name = process.argv[2]
// With no thread to spare the monitor can't help: it is the queues that have to be fair.
runtime.configure({ maxThreads: runtime.gomaxprocs() + (name === 'left' ? 1 : 0) })

/** Its successor is always the newest goroutine: Go runs that next. */
function chain(stopped, steps) {
  steps.add(1)
  if (!stopped.load()) go(chain, stopped, steps)
}

/** One for each processor. */
function chains() {
  for (let i = 0; i < runtime.gomaxprocs(); i++) go(chain, stopped, steps)
}

const [stopped, steps, ran] = [new AtomicInt32(), new AtomicInt32(), new AtomicInt32()]
const later = () => new Promise((resolve) => setTimeout(resolve, 1))

const cases = {
  // What stands in the queue of a thread that always has a next goroutine.
  async next() {
    const at = await go(async () => {
      const waiting = Array.from({ length: 20 }, () => go(() => steps.load()))
      go(chain, stopped, steps)
      return Promise.all(waiting)
    })
    // The queue of all, where the successor is by then, comes first now and then, and the thread's turn may end: a few times in the middle of
    // them. If one began at each turn there would be twenty rows.
    return new Set(at).size <= 5 ? 'in a row' : at
  },

  // What two goroutines leave to others that start each other for ever.
  async pair() {
    const ping = () => stopped.load() || go(pong)
    const pong = () => stopped.load() || go(ping)
    await go(async () => {
      const waiting = go(() => 1)
      go(ping)
      await waiting
    })
  },

  // What the main thread starts, of which it runs none itself: more than its queue holds.
  async main() {
    chains()
    while (steps.load() < 100) await later()
    for (let i = 0; i < 1000; i++) go(() => ran.add(1))
    while (ran.load() < 1000) await later()
  },

  // What stands in the queue of a thread that has given its processor away.
  async left() {
    const blocking = new AtomicInt32()
    const pause = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    const blocked = go(() =>
      runtime.blocking(() => {
        blocking.store(1)
        while (steps.load() === 0) pause()
        for (let i = 0; i < 20; i++) go(() => ran.add(1))
        while (ran.load() < 20) pause()
      }),
    )
    while (blocking.load() === 0) await later()
    chains()
    await blocked
  },

  // What stands behind the children of one that starts goroutines for ever, and lets others run in between.
  async gosched() {
    await go(async () => {
      const waiting = Array.from({ length: 20 }, () => go(() => ran.add(1)))
      const spawner = go(async () => {
        while (!stopped.load()) {
          go(() => steps.add(1))
          await runtime.gosched()
        }
      })
      await Promise.all(waiting)
      stopped.store(1)
      await spawner
    })
  },

  // Two that always find each other ready and start others in between: those run as fast as they are made.
  async spawner() {
    const [spawned, most] = await go(async () => {
      const ch = chan()
      const receiver = go(async () => {
        for await (const _ of ch);
      })
      let most = 0
      let spawned = 0
      for (; spawned < 100_000; spawned++) {
        go(() => ran.add(1))
        await ch.send(spawned)
        most = Math.max(most, spawned - ran.load())
      }
      ch.close()
      await receiver
      return [spawned, most]
    })
    return { spawned, mostlyRun: most < spawned / 4 }
  },

  // Goroutines that yield for ever: all of them get as far.
  async yields() {
    const counts = Array.from({ length: 8 }, () => new AtomicInt32())
    await go(async () => {
      const yielding = counts.map((count) =>
        go(async () => {
          while (!stopped.load()) {
            count.add(1)
            await runtime.gosched()
          }
        }),
      )
      while (Math.max(...counts.map((count) => count.load())) < 20_000) await go(() => ran.add(1))
      stopped.store(1)
      await Promise.all(yielding)
    })
    const steps = counts.map((count) => count.load())
    return { alike: Math.min(...steps) > Math.max(...steps) / 2, othersToo: ran.load() > 1000 }
  },
}

const result = await cases[name]()
stopped.store(1)
console.log(JSON.stringify(result ?? 'ended'))
process.exit(0)
