// Threads are terminated at random moments, in the middle of whatever they do on channels, locks and maps. Whoever is left goes on: a
// waiter that is left behind would be a deadlock, which ends this program with exit code 2.
import { createRequire, syncBuiltinESMExports } from 'node:module'

const rounds = Number(process.argv[2] ?? 20)
let seed = Number(process.argv[3] ?? 1)
const random = (n) => {
  seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff
  return (seed >> 8) % n
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
const { AtomicBool, AtomicInt32, chan, go, RWMutex, runtime, select, SyncMap, sleep, WaitGroup } = await import('goro')

async function sends(ch, other, started) {
  const { select: any, send } = await import('goro')
  started.add(1)
  try {
    for (let i = 0; ; i++) {
      if (i % 3 === 0) await any({ one: send(ch, i), two: send(other, i) })
      else await ch.send(i)
    }
  } catch (error) {
    if (error.name !== 'ChannelClosedError') throw error
  }
}
async function receives(ch, other, started) {
  const { select: any } = await import('goro')
  started.add(1)
  for (let i = 0; ; i++) {
    const { done } = i % 4 === 0 ? await any({ ch, other }) : await ch.next()
    if (done) return
  }
}
async function locks(rw, map, stop, started) {
  started.add(1)
  while (!stop.load()) {
    await rw.withRLock(() => map.get('n'))
    await rw.withLock(() => map.set('n', (map.get('n') ?? 0) + 1))
  }
}

const outcomes = { fine: 0, died: 0 }
setInterval(() => {
  console.error(JSON.stringify({ ...runtime.stats() }))
  console.error(
    runtime
      .goroutines()
      .map((g) => g.id + ' ' + g.state + ' ' + g.waitReason + ' ' + g.name)
      .join('; '),
  )
}, 12000).unref()
for (let round = 0; round < rounds; round++) {
  const [ch, other, rw, map, stop, group, started] = [
    chan(random(3)),
    chan(random(2)),
    new RWMutex(),
    new SyncMap(),
    new AtomicBool(),
    new WaitGroup(),
    new AtomicInt32(),
  ]
  const all = []
  const start = (promise) =>
    all.push(
      promise.then(
        () => outcomes.fine++,
        (error) => {
          if (error.name !== 'ThreadDiedError') throw error
          outcomes.died++
        },
      ),
    )
  for (let i = 0; i < 6; i++) {
    start(go(sends, ch, other, started))
    start(go(receives, ch, other, started))
    start(group.go(locks, rw, map, stop, started))
  }
  start(sends(ch, other, started))
  start(receives(other, ch, started))
  // What has not started is handed on by other means than these.
  while (started.load() < all.length) await sleep(1)
  for (let kills = 1 + random(3); kills > 0; kills--) {
    await sleep(random(8))
    // One that has started: before that it is Piscina's.
    const running = new Set(runtime.stats().threads.map(({ threadId }) => threadId))
    const list = [...threads].filter(({ threadId }) => running.has(threadId))
    await list[random(list.length)]?.terminate()
  }
  // Somebody new gets through.
  start(go(sends, ch, other, started))
  for (let i = 0; i < 20; i++) await select({ ch, other })
  stop.store(true)
  ch.close()
  other.close()
  await Promise.all(all)
  await group.wait()
}
await sleep(50)
if (runtime.numGoroutine() !== 0) throw new Error(`${runtime.numGoroutine()} goroutines are left`)
console.log(outcomes.fine > 0 ? 'ok' : JSON.stringify(outcomes))
