// Threads die at random moments under a load of everything that goroutines do: KILLS of them, in rounds. Whatever had not started runs,
// whatever had started ends, by itself or with ThreadDiedError; in the end nothing is left. `node …/kills.mjs KILLS SEED`;
// with `alone` behind it nobody is killed but by what else kills threads: `GORODEBUG=dieinlock=…`.

import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import {
  AtomicBool,
  after,
  Cond,
  chan,
  context,
  go,
  Mutex,
  Once,
  RWMutex,
  runtime,
  Semaphore,
  SyncMap,
  select,
  send,
  sleep,
  Ticker,
  WaitGroup,
} from 'goro'
import { ended, threads } from './threads.mjs'

const KILLS = Number(process.argv[2] ?? 40)
setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc')
const ALONE = process.argv[4] === 'alone'
let seed = Number(process.argv[3] ?? 1)
const random = (n) => {
  seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff
  return (seed >> 8) % n
}

const PROCS = runtime.gomaxprocs()
const NAP = new Int32Array(new SharedArrayBuffer(4))
const outcomes = { fine: 0, died: 0 }
let all = []
/** Bytes of shared memory in use when half of the threads had died. */
let halfway = 0

/** `promise` comes to what it should, or its thread has died. */
function expectEnd(promise, wanted) {
  all.push(
    promise.then(
      (value) => {
        if (wanted !== undefined && value !== wanted) throw new Error(`${value} came, and not ${wanted}`)
        outcomes.fine++
      },
      (error) => {
        if (error?.name !== 'ThreadDiedError') throw error
        outcomes.died++
      },
    ),
  )
}

/** As long as `stop` says so; what others that have died leave behind ends it too. */
async function until(stop, work) {
  try {
    for (let i = 0; !stop.load(); i++) await work(i)
  } catch (error) {
    if (error.name !== 'ChannelClosedError' && error.name !== 'ThreadDiedError') throw error
  }
}

const compute = (n) => {
  let x = n
  for (let i = 0; i < 2000; i++) x = Math.imul(x, 31) + i
  return x === 0.5 ? -1 : n
}

/** Of what children return that have not died. */
async function sumOf(children) {
  const died = (error) => (error.name === 'ThreadDiedError' ? 0 : Promise.reject(error))
  const results = await Promise.all(children.map((child) => child.catch(died)))
  return results.reduce((sum, result) => sum + result, 0)
}

/** More children than a local queue holds. */
async function parent(n) {
  const children = []
  for (let i = 0; i < n; i++) children.push(go(compute, i))
  return (await sumOf(children)) >= 0
}

/** Each starts some of the load, and returns what ends what would go on for ever. */
const LOADS = {
  short() {
    for (let i = 0; i < 200; i++) expectEnd(go(compute, i), i)
  },
  deep() {
    for (let i = 0; i < 3; i++) expectEnd(go(parent, 600), true)
  },
  nested() {
    const tree = async (depth) => {
      if (depth === 0) return 1
      return sumOf([go(tree, depth - 1), go(tree, depth - 1)])
    }
    expectEnd(go(tree, 7))
  },
  payload() {
    for (let i = 0; i < 30; i++) {
      const list = Array.from({ length: i * 40 }, (_, n) => ({ n, text: 'x'.repeat(n % 20) }))
      expectEnd(
        go((given) => given.map(({ n }) => ({ n, more: 'y'.repeat(50) })).length, list),
        list.length,
      )
    }
    const large = new Uint8Array(400_000)
    for (let i = 0; i < 3; i++)
      expectEnd(
        go((bytes) => bytes.map((b) => b + 1).length, large),
        large.length,
      )
  },
  abort() {
    for (let i = 0; i < 60; i++) {
      const controller = new AbortController()
      const aborted = go.with({ signal: controller.signal }, compute, i)
      all.push(
        aborted.catch((error) => (['AbortError', 'ThreadDiedError'].includes(error.name) ? 0 : Promise.reject(error))),
      )
      if (i % 2 === 0) setTimeout(() => controller.abort(), random(3))
    }
  },
  channels() {
    const [one, two, stop] = [chan(random(3)), chan(random(2)), new AtomicBool()]
    for (let i = 0; i < 4; i++) {
      expectEnd(
        go(() => until(stop, (n) => (n % 3 === 0 ? select({ one: send(one, n), two: send(two, n) }) : one.send(n)))),
      )
      expectEnd(
        go(() =>
          until(stop, async (n) => {
            const { done } = n % 4 === 0 ? await select({ one, two, late: after(5) }) : await one.next()
            if (done && one.closed) stop.store(true)
          }),
        ),
      )
    }
    return () => {
      stop.store(true)
      one.close()
      two.close()
    }
  },
  locks() {
    const [stop, rw, mutex, map, sema, once] = [
      new AtomicBool(),
      new RWMutex(),
      new Mutex(),
      new SyncMap(),
      new Semaphore(2),
      new Once(),
    ]
    const changes = async (i) => {
      if (i % 5 === 0) await rw.withLock(() => map.set(i % 50, { i }))
      else await rw.withRLock(() => map.get(i % 50))
      await mutex.withLock(() => map.set(`key ${i % 300}`, 'x'.repeat(i % 90)))
      map.delete(`key ${(i * 7) % 300}`)
    }
    for (let i = 0; i < 4; i++) expectEnd(go(() => until(stop, changes)))
    const waits = async () => {
      const ctx = context.withTimeout(context.background(), 20)
      await sema.acquire(1, ctx[0]).then(
        () => sema.release(1),
        () => {},
      )
      await once.do(() => 1)
    }
    for (let i = 0; i < 4; i++) expectEnd(go(() => until(stop, waits)))
    return () => stop.store(true)
  },
  contexts() {
    const [root, cancelRoot] = context.withCancel(context.background())
    const waits = (ctx) =>
      ctx
        .done()
        .recv()
        .then(() => (ctx.err() === undefined ? -1 : 0))
    const makes = async (ms) => {
      const [ctx, cancel] = ms % 2 === 0 ? context.withCancel(root) : context.withTimeout(root, 600_000)
      const children = [go(waits, ctx), go(waits, ctx)]
      try {
        await sleep(ms)
      } finally {
        cancel()
      }
      return (await sumOf(children)) >= 0
    }
    const times = async (ms) => {
      const [c, ticker] = [after(ms), new Ticker(ms + 1)]
      const child = go((c, ticks) => Promise.all([c.recv(), ticks.recv()]).then(() => 0), c, ticker.c)
      return (await sumOf([child])) >= 0
    }
    for (let i = 0; i < 8; i++) expectEnd(go(i % 2 === 0 ? makes : times, random(12)), true)
    return cancelRoot
  },
  groups() {
    const [group, mutex, over] = [new WaitGroup(), new Mutex(), new AtomicBool()]
    const cond = new Cond(mutex)
    for (let i = 0; i < 20; i++) expectEnd(group.go(compute, i), i)
    expectEnd(group.wait())
    expectEnd(
      go(() =>
        mutex.withLock(async () => {
          while (!over.load()) await cond.wait()
        }),
      ),
    )
    return () => {
      const end = () => {
        over.store(true)
        cond.broadcast()
      }
      expectEnd(mutex.withLock(end))
    }
  },
  io() {
    const self = fileURLToPath(import.meta.url)
    for (let i = 0; i < 6; i++)
      expectEnd(
        go(async () => (await readFile(self)).length > 0),
        true,
      )
    for (let i = 0; i < 6; i++)
      expectEnd(
        go((ms) => sleep(ms).then(() => true), random(12)),
        true,
      )
    expectEnd(
      go(async () => {
        const ticker = new Ticker(1)
        for (let i = 0; i < 5; i++) await ticker.c.recv()
        ticker.stop()
        return true
      }),
      true,
    )
  },
  blocking() {
    for (let i = 0; i < 4; i++)
      expectEnd(
        go((ms) => runtime.blocking(() => Atomics.wait(NAP, 0, 0, ms)), 10 + random(30)),
        'timed-out',
      )
  },
  locked() {
    for (let i = 0; i < 2; i++) {
      expectEnd(
        go(async (ms) => {
          try {
            runtime.lockOSThread()
          } catch {
            // Another one, whose code came at the same time, has done so before.
          }
          await sleep(ms)
          return true
        }, 5 + random(10)),
        true,
      )
    }
  },
  suicides() {
    expectEnd(go(() => process.exit(1)))
    expectEnd(
      go(async () => {
        setTimeout(() => {
          throw new Error('uncaught')
        }, 1)
        await sleep(50)
      }),
    )
    for (let i = 0; i < 50; i++) expectEnd(go(compute, i), i)
  },
  procs() {
    runtime.gomaxprocs(1 + random(2 * PROCS))
    return () => runtime.gomaxprocs(PROCS)
  },
  nothing() {},
}

const NAMES = Object.keys(LOADS).filter((name) => !ALONE || name !== 'suicides')

/** Bytes of shared memory in use, once the channels and locks that are garbage have been given back. */
async function used() {
  gc()
  for (let turns = 0; turns < 5; turns++) await sleep(5)
  return runtime.stats().memory.used
}

/** How many were killed in each state. */
const killed = new Map()

/** Ends one thread that has started; before that it is Piscina's. */
function kill() {
  if (ALONE) return undefined
  const running = runtime.stats().threads.filter(({ threadId }) => threads.has(threadId))
  if (running.length === 0) return undefined
  // Every other time one in a state in which few have been killed.
  const rare = Math.min(...running.map(({ state }) => killed.get(state) ?? 0))
  const some = random(2) === 0 ? running : running.filter(({ state }) => (killed.get(state) ?? 0) === rare)
  const { threadId, state } = some[random(some.length)]
  killed.set(state, (killed.get(state) ?? 0) + 1)
  const thread = threads.get(threadId)
  threads.delete(threadId)
  return thread?.terminate()
}

// One whose creator has died before it did: there is nobody left to tell but the process.
process.on('unhandledRejection', (error) => {
  if (error?.name !== 'ThreadDiedError') throw error
})

// Threads that have had nothing to do sleep on the futex.
chan()
for (let n = 0; n < 100 && runtime.stats().threads.every(({ state }) => state !== 'sleeping'); n++) await sleep(10)
await kill()

const first = random(NAMES.length)
for (let round = 0; ended.count < KILLS; round++) {
  const chosen = new Set([
    NAMES[(first + round) % NAMES.length],
    NAMES[random(NAMES.length)],
    NAMES[random(NAMES.length)],
  ])
  const stuck = setTimeout(() => {
    console.error(`stuck in round ${round}: ${[...chosen]}`, JSON.stringify(runtime.stats()))
    runtime.dump()
    process.exit(3)
  }, 60_000)
  all = []
  const ends = [...chosen].map((name) => LOADS[name]()).filter((end) => end !== undefined)
  for (let kills = 1 + random(4); kills > 0; kills--) {
    await sleep(random(12))
    void kill()
  }
  await sleep(random(5))
  // At once all there are, now and then.
  if (round % 5 === 4) await Promise.all(runtime.stats().threads.map(() => kill()))
  for (const end of ends) end()
  await Promise.all(all)
  // Somebody new gets through.
  all = []
  expectEnd(go(compute, round), round)
  await Promise.all(all)
  clearTimeout(stuck)
  if (halfway === 0 && ended.count >= KILLS / 2) halfway = await used()
}
// What had lost its creator ends by itself; and threads that are too many do, if nobody needs them for so long.
for (let tries = 0; runtime.numGoroutine() > 0 && tries < 500; tries++) await sleep(10)
for (let tries = 0; KILLS >= 200 && runtime.numThread() > PROCS && tries < 6000; tries++) await sleep(10)
const left = { goroutines: runtime.numGoroutine(), threads: runtime.numThread() }
if (left.goroutines !== 0 || (KILLS >= 200 && left.threads > PROCS)) {
  throw new Error(`left: ${JSON.stringify(left)}: ${JSON.stringify(runtime.stats())}`)
}
console.log(JSON.stringify({ deaths: ended.count, ...outcomes, used: [halfway, await used()] }))
