// What the platform asks for a goroutine whatever the scheduler does, so that a figure of `fanout` can be told from its floor: loops that do
// only one part of the work, in ns for each of N, the lowest of 7 rounds. docs/decisions/0008-fast-goroutines.md reads the figures.
//
//   node benchmarks/limits.mjs [N]
import { isMainThread, Worker, workerData } from 'node:worker_threads'

const LINES = 4096 // a ring of cache lines between two threads
const WORDS = 16 // of a line

async function main(n) {
  const rows = {
    'a handle, kept': () => handles(n),
    'a handle that is settled, kept and awaited': () => sum(n, handles(n)),
    'a pending promise, kept': () => promises(n),
    'a promise, resolved, kept and awaited': () => sum(n, resolved(n)),
    'the same, all pending before the first is resolved': () => sum(n, resolvedLater(n)),
    'one Atomics.store a turn': () => stores(n),
  }
  const ring = await startRing()
  rows['a cache line to another thread and back'] = () => ring.pass(n)
  const best = {}
  for (let round = 0; round < 7; round++) {
    for (const [name, run] of Object.entries(rows)) {
      const start = performance.now()
      await run()
      const ns = ((performance.now() - start) * 1e6) / n
      best[name] = Math.min(best[name] ?? Infinity, ns)
    }
  }
  for (const [name, ns] of Object.entries(best)) console.log(name.padEnd(52), ns.toFixed(0).padStart(5))
  process.exit(0)
}

/** What a handle is at the least: something to await, with an id and a place for the result. */
class Settled {
  constructor(id) {
    this.id = id
    this.about = 1
    this.value = id
  }

  // biome-ignore lint/suspicious/noThenProperty: to be a thenable is the point
  then(onFulfilled, onRejected) {
    return Promise.resolve(this.value).then(onFulfilled, onRejected)
  }
}

let resolveNew
const capture = (resolve) => {
  resolveNew = resolve
}

// A loop for each: V8 optimises it for what it makes.

function handles(n) {
  const all = new Array(n)
  for (let i = 0; i < n; i++) all[i] = new Settled(i)
  return all
}

function promises(n) {
  const all = new Array(n)
  for (let i = 0; i < n; i++) all[i] = new Promise(capture)
  return all
}

function resolved(n) {
  const all = new Array(n)
  for (let i = 0; i < n; i++) {
    all[i] = new Promise(capture)
    resolveNew(i)
  }
  return all
}

function resolvedLater(n) {
  const all = new Array(n)
  const resolvers = new Array(n)
  for (let i = 0; i < n; i++) {
    all[i] = new Promise(capture)
    resolvers[i] = resolveNew
  }
  for (let i = 0; i < n; i++) {
    resolvers[i](i)
    resolvers[i] = undefined
  }
  return all
}

async function sum(n, all) {
  let total = 0
  for (let i = 0; i < n; i++) total += await all[i]
  if (total !== (n * (n - 1)) / 2) throw new Error('a wrong sum')
}

const word = new Int32Array(new SharedArrayBuffer(64))
function stores(n) {
  for (let i = 0; i < n; i++) Atomics.store(word, 0, i)
}

// --- the ring: what goes to another thread is written into a line, its answer too, and each is published by one atomic -------------

function viewsOf({ buffer }) {
  const words = new Int32Array(buffer)
  return { words, sent: LINES * WORDS, answered: (LINES + 1) * WORDS }
}

async function startRing() {
  const buffer = new SharedArrayBuffer((LINES + 2) * WORDS * 4)
  const { words, sent, answered } = viewsOf({ buffer })
  const worker = new Worker(new URL(import.meta.url), { workerData: { buffer } })
  await new Promise((resolve) => worker.once('message', resolve))
  worker.unref()
  let at = 0
  return {
    pass(n) {
      let taken = at
      let total = 0
      const take = (until) => {
        for (; taken < until; taken++) total += words[(taken % LINES) * WORDS + 1]
      }
      for (const end = at + n; at < end; at++) {
        while (at - taken >= LINES / 2) take(Atomics.load(words, answered))
        words[(at % LINES) * WORDS] = 1
        Atomics.store(words, sent, at + 1)
      }
      while (taken < at) take(Atomics.load(words, answered))
      if (total !== 2 * n) throw new Error('a wrong answer')
    },
  }
}

async function answer(data) {
  const { parentPort } = await import('node:worker_threads')
  const { words, sent, answered } = viewsOf(data)
  parentPort.postMessage('ready')
  for (let at = 0; ; ) {
    const until = Atomics.load(words, sent)
    for (; at < until; at++) {
      words[(at % LINES) * WORDS + 1] = words[(at % LINES) * WORDS] + 1
      Atomics.store(words, answered, at + 1)
    }
  }
}

if (isMainThread) await main(Number(process.argv[2] ?? 1_000_000))
else answer(workerData)
