// Everything at once, for as long as GORO_SOAK_MINUTES says: goroutines that are started, talk, wait, compute, block, lock and pin, while
// threads are killed and GOMAXPROCS changes. In the end each goroutine is accounted for, memory was flat in the second half, and nothing
// uses a core any more. Prints one line; `GORO_SOAK_SEED` repeats what it does, though not when.
import { createRequire, syncBuiltinESMExports } from 'node:module'
import { createServer } from 'node:net'

const minutes = Number(process.env.GORO_SOAK_MINUTES ?? 2)
const seed = Number(process.env.GORO_SOAK_SEED ?? Math.floor(Math.random() * 2 ** 31))
/** Units of work under way at once. */
const DRIVERS = 10
/** A unit that takes longer hangs. */
const HANG_MS = 90_000

/** A generator of its own for each that draws (mulberry32). */
function generator(start) {
  let state = start | 0
  return (n) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % n
  }
}

// The threads that the runtime starts.
const threads = new Set()
const workerThreads = createRequire(import.meta.url)('node:worker_threads')
const Original = workerThreads.Worker
workerThreads.Worker = class Worker extends Original {
  constructor(...args) {
    super(...args)
    threads.add(this)
    this.once('exit', () => threads.delete(this))
  }
}
syncBuiltinESMExports()
const { AtomicInt32, chan, go, Mutex, pin, runtime, RWMutex, SyncMap, sleep, WaitGroup } = await import('goro')
const work = await import('./soak-work.mjs')

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

// --- the ledger

const ledger = { started: 0, fine: 0, died: 0, asMeant: 0, afterDeath: 0, orphans: 0, kills: 0, resizes: 0, units: 0 }
const problems = []
const problem = (text) => {
  if (problems.push(text) <= 10) console.error(text)
}

/** Goroutines whose creator has died report to nobody. */
process.on('unhandledRejection', (error) => {
  if (error?.name === 'ThreadDiedError') ledger.orphans++
  else problem(`nobody awaited: ${error?.stack ?? error}`)
})

/** One unit of work: goroutines that depend on each other, and what they use. */
class Unit {
  #members = []
  #closes = []
  deaths = 0

  /** What is closed when one of them dies, so that the others end. */
  uses(...channels) {
    this.#closes.push(...channels)
  }

  /** Notes a goroutine. `wants` is what it gives, or undefined for whatever; `meant` the message with which it fails. */
  start(goroutine, wants, meant) {
    ledger.started++
    const name = new Error('started').stack.split('\n')[2].trim()
    this.#members.push(
      Promise.resolve(goroutine).then(
        (value) => {
          if (meant !== undefined) problem(`${name}: did not fail with ${meant}`)
          ledger.fine++
          return { value, wants, name }
        },
        (error) => {
          if (error?.name === 'ThreadDiedError') {
            ledger.died++
            this.deaths++
            this.end()
          } else if (meant !== undefined && error?.message === meant) ledger.asMeant++
          else if (this.deaths > 0 && (error?.name === 'ChannelClosedError' || error?.name === 'SyncError'))
            ledger.afterDeath++
          else problem(`${name}: ${error?.stack ?? error}`)
          return undefined
        },
      ),
    )
    return goroutine
  }

  end() {
    for (const ch of this.#closes) if (!ch.closed) ch.close()
  }

  /** Resolves when all have ended; what they gave is looked at if nobody has died. */
  async done() {
    const results = await Promise.all(this.#members)
    if (this.deaths > 0) return false
    for (const result of results) {
      if (result === undefined || result.wants === undefined || Object.is(result.value, result.wants)) continue
      problem(`${result.name}: gave ${String(result.value)} instead of ${String(result.wants)}`)
    }
    return true
  }
}

// --- what there is to do

const server = createServer((socket) => {
  socket.on('error', () => {})
  socket.pipe(socket)
})
server.listen(0, '127.0.0.1')
await new Promise((resolve) => server.once('listening', resolve))
const { port } = server.address()

const kinds = {
  async fan(unit, random) {
    for (let n = 20 + random(300), i = 0; i < n; i++) unit.start(go(work.add, i, 1), i + 1)
  },
  async tree(unit, random) {
    const width = 2 + random(3)
    unit.start(go(work.tree, 3, width), (width ** 4 - 1) / (width - 1))
  },
  async pipeline(unit, random) {
    const [a, b] = [chan(random(4)), chan(random(4))]
    unit.uses(a, b)
    const n = 20 + random(200)
    const producers = [0, 1, 2].map((i) => unit.start(go(work.produce, a, i * n, (i + 1) * n), n))
    const forwarders = [0, 1].map(() => unit.start(go(work.forward, a, b)))
    unit.start(go(work.consume, b), (3 * n * (3 * n - 1)) / 2)
    await Promise.allSettled(producers)
    if (!a.closed) a.close()
    await Promise.allSettled(forwarders)
    if (!b.closed) b.close()
  },
  async select(unit, random) {
    const [a, b] = [chan(random(2)), chan(random(3))]
    unit.uses(a, b)
    const n = 20 + random(100)
    const senders = [0, 1].map(() => unit.start(go(work.chooseToSend, a, b, n)))
    unit.start(go(work.chooseToReceive, a, b), n * (n + 1))
    await Promise.allSettled(senders)
    if (!a.closed) a.close()
    if (!b.closed) b.close()
  },
  async mutex(unit, random) {
    const mutex = new Mutex()
    const cells = new Int32Array(new SharedArrayBuffer(4))
    const n = 10 + random(60)
    for (let i = 0; i < 4; i++) unit.start(go(work.count, mutex, cells, n), n)
    if ((await unit.done()) && cells[0] !== 4 * n) problem(`mutex: ${cells[0]} of ${4 * n}`)
  },
  async map(unit, random) {
    const [rw, map] = [new RWMutex(), new SyncMap()]
    const n = 10 + random(50)
    for (let i = 0; i < 4; i++) unit.start(go(work.readAndWrite, rw, map, `key ${i}`, n), Math.ceil(n / 5))
  },
  async group(unit, random) {
    const [group, counter] = [new WaitGroup(), new AtomicInt32()]
    const n = 5 + random(40)
    for (let i = 0; i < n; i++) {
      unit.start(
        group.go((counter) => void counter.add(1), counter),
        undefined,
      )
    }
    await group.wait()
    if ((await unit.done()) && counter.load() !== n) problem(`group: ${counter.load()} of ${n}`)
  },
  async timers(unit, random) {
    unit.start(go(work.ticks, 2 + random(10)))
    for (let n = random(50); n > 0; n--) unit.start(go(() => import('goro').then(({ sleep }) => sleep(5))))
    await sleep(random(20))
  },
  async sockets(unit, random) {
    for (let n = 1 + random(8); n > 0; n--) {
      const text = 'x'.repeat(1 + random(20_000))
      unit.start(go(work.echo, port, text), text)
    }
  },
  async files(unit, random) {
    const text = 'y'.repeat(random(50_000))
    unit.start(go(work.files, text), text)
  },
  async blocking(unit, random) {
    for (let n = 1 + random(4); n > 0; n--) unit.start(go(work.block, 5 + random(30)), 'timed-out')
  },
  async compute(unit, random) {
    unit.start(go(work.compute, 20 + random(40)), true)
  },
  async deadlines(unit, random) {
    for (let n = 1 + random(6); n > 0; n--) {
      unit.start(go(work.withDeadline, 5 + random(60)), 'context deadline exceeded')
    }
    const controller = new AbortController()
    const reason = new Error('enough')
    // It may be aborted before it has begun.
    const aborted = go.with({ signal: controller.signal }, work.untilAborted)
    unit.start(
      aborted.catch((error) => (error === reason ? 'context canceled' : Promise.reject(error))),
      'context canceled',
    )
    await pause(random(20))
    controller.abort(reason)
  },
  async locked(unit, random) {
    unit.start(go(work.locked, random(4) > 0), true)
  },
  async ends(unit) {
    const ch = chan(2)
    unit.start(go(work.exits, ch), undefined)
    unit.start(go(work.fails, 'on purpose'), undefined, 'on purpose')
    if ((await unit.done()) && ch.length !== 2) problem(`ends: ${ch.length} of 2`)
  },
  async pinned(unit, random) {
    const counter = await pin(work.makeCounter, random(100)).catch((error) => {
      if (error?.name !== 'ThreadDiedError') problem(`pin: ${error?.stack ?? error}`)
    })
    if (counter === undefined) return
    const before = await Promise.resolve(counter.n).catch(() => undefined)
    const seen = []
    unit.start(counter.add(1), before === undefined ? undefined : before + 1)
    unit.start(counter.report(pin.proxy((n) => void seen.push(n))))
    unit.start(counter.fail('on purpose'), undefined, 'on purpose')
    if ((await unit.done()) && seen[0] !== before + 1) problem(`pin: ${seen} after ${before}`)
    // Some are left to the collector.
    if (random(4) > 0) await counter[Symbol.asyncDispose]().catch(() => {})
  },
  async pinnedThere(unit, random) {
    const start = random(100)
    unit.start(go(work.pins, start), start + 5)
  },
}

// --- who does it

const start = performance.now()
const end = start + minutes * 60_000
const isOver = () => performance.now() >= end || problems.length > 0
const underWay = new Map()
const names = Object.keys(kinds)

async function drive(random) {
  while (!isOver()) {
    const name = names[random(names.length)]
    const unit = new Unit()
    underWay.set(unit, { name, since: performance.now() })
    await kinds[name](unit, random)
    await unit.done()
    underWay.delete(unit)
    ledger.units++
    if (random(8) === 0) await pause(random(20))
  }
}

async function kill(random) {
  while (!isOver()) {
    await pause(100 + random(900))
    // One that has started: before that it is Piscina's.
    const running = new Set(runtime.stats().threads.map(({ threadId }) => threadId))
    const list = [...threads].filter(({ threadId }) => running.has(threadId))
    const victim = list[random(list.length || 1)]
    if (victim === undefined) continue
    ledger.kills++
    await victim.terminate()
  }
}

async function resize(random) {
  const before = runtime.gomaxprocs()
  while (!isOver()) {
    await pause(random(2000))
    runtime.gomaxprocs(1 + random(4))
    ledger.resizes++
  }
  runtime.gomaxprocs(before)
}

const samples = []
async function sample() {
  while (!isOver()) {
    await pause(500)
    const { memory } = runtime.stats()
    samples.push({
      at: (performance.now() - start) / 60_000,
      threads: threads.size,
      rss: process.memoryUsage.rss() / 2 ** 20,
      shared: memory.used / 2 ** 20,
    })
    for (const [unit, { name, since }] of underWay) {
      if (performance.now() - since < HANG_MS) continue
      underWay.delete(unit)
      problem(`${name} hangs, with ${unit.deaths} of its goroutines dead`)
      runtime.dump()
      console.error(JSON.stringify(runtime.stats()))
      process.exitCode = 1
    }
  }
}

// --- what is to be so in the end

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

/**
 * By how many MiB a figure has grown over the second half, apart from what more threads cost, whose number goes up and down: least squares
 * by time and by threads.
 */
function growth(of) {
  const half = samples.slice(samples.length >> 1)
  const mean = (key) => half.reduce((sum, each) => sum + each[key], 0) / half.length
  const means = { at: mean('at'), threads: mean('threads'), [of]: mean(of) }
  const sum = (a, b) => half.reduce((sum, each) => sum + (each[a] - means[a]) * (each[b] - means[b]), 0)
  const determinant = sum('at', 'at') * sum('threads', 'threads') - sum('at', 'threads') ** 2
  if (!(determinant > 0)) return 0
  const slope = (sum('threads', 'threads') * sum('at', of) - sum('at', 'threads') * sum('threads', of)) / determinant
  return slope * (half.at(-1).at - half[0].at)
}

/** Waits until `holds`; false if that takes longer than `ms`. */
async function becomes(holds, ms) {
  for (const end = performance.now() + ms; !holds(); await pause(20)) if (performance.now() > end) return false
  return true
}

const random = generator(seed)
const drivers = Array.from({ length: DRIVERS }, () => drive(generator(random(2 ** 31))))
const others = [kill(generator(random(2 ** 31))), resize(generator(random(2 ** 31))), sample()]
const finished = Promise.all(drivers)
// Somebody who hangs is said so by `sample`, which ends it.
await Promise.race([finished, Promise.all(others).then(() => pause(HANG_MS))])
await Promise.all(others)
if (underWay.size > 0 && problems.length === 0) {
  problem(`hangs: ${[...underWay.values()].map(({ name }) => name)}`)
  runtime.dump()
}
server.close()

// Pinned values that nobody has released are garbage.
const noneLeft = () => {
  globalThis.gc()
  return runtime.numGoroutine() === 0
}
if (problems.length === 0 && !(await becomes(noneLeft, 30_000))) {
  problem(`${runtime.numGoroutine()} goroutines are left`)
  runtime.dump()
}
const { started, fine, died, asMeant, afterDeath } = ledger
if (problems.length === 0 && started !== fine + died + asMeant + afterDeath)
  problem(`${started} started: ${JSON.stringify(ledger)}`)
const grown = { rss: growth('rss'), shared: growth('shared') }
const usual = { rss: median(samples.map(({ rss }) => rss)), shared: median(samples.map(({ shared }) => shared)) }
if (grown.rss > Math.max(64, usual.rss * 0.2)) problem(`resident memory grew by ${grown.rss.toFixed(1)} MiB`)
if (grown.shared > Math.max(1, usual.shared * 0.2)) problem(`shared memory grew by ${grown.shared.toFixed(2)} MiB`)
await pause(1000)
const cpu = process.cpuUsage()
const from = performance.now()
await pause(3000)
const { user, system } = process.cpuUsage(cpu)
const idle = ((user + system) / 1000 / (performance.now() - from)) * 100
if (idle > 5) problem(`idle, it uses ${idle.toFixed(1)} % of a core`)

const figures = [
  `${minutes} min`,
  `seed ${seed}`,
  `${ledger.units} units`,
  `${started} goroutines: ${fine} fine, ${asMeant} failed as meant, ${died} died, ${afterDeath} after a death`,
  `${ledger.orphans} orphans died`,
  `${ledger.kills} kills`,
  `${ledger.resizes} resizes`,
  `resident ${usual.rss.toFixed(0)} MiB (${grown.rss >= 0 ? '+' : ''}${grown.rss.toFixed(1)})`,
  `shared ${usual.shared.toFixed(2)} MiB (${grown.shared >= 0 ? '+' : ''}${grown.shared.toFixed(2)})`,
  `idle ${idle.toFixed(1)} % of a core`,
]
console.log(`${problems.length === 0 ? 'ok' : 'FAILED'}: ${figures.join(', ')}`)
process.exit(problems.length === 0 ? 0 : 1)
