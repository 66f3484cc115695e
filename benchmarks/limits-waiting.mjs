// What the platform itself asks for waiting, without a runtime: `node benchmarks/limits-waiting.mjs`. Each line is the least that a scenario
// of the same kind can take in JavaScript; beside Go's figures of the same machine (`pnpm bench`) it says how near goro can come.
// docs/decisions/0009-waiting-faster.md reads it.

import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

const done = Promise.resolve()
let resolveNew
const capture = (resolve) => {
  resolveNew = resolve
}

/** Prints the best of five rounds, in nanoseconds for each of `n`. */
async function time(name, n, run) {
  await run(n / 10)
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 5; round++) {
    const start = performance.now()
    await run(n)
    best = Math.min(best, ((performance.now() - start) * 1e6) / n)
  }
  console.log(`${name.padEnd(72)}${best.toFixed(1).padStart(8)} ns`)
}

const words = new Int32Array(isMainThread ? new SharedArrayBuffer(1 << 20) : workerData.buffer)

async function primitives() {
  await time('await a promise that is fulfilled', 1e6, async (n) => {
    for (let i = 0; i < n; i++) await done
  })
  await time('a new promise, resolved and awaited', 1e6, async (n) => {
    for (let i = 0; i < n; i++) {
      const promise = new Promise(capture)
      resolveNew(i)
      await promise
    }
  })
  await time('compare and swap, and exchange: to take a lock, and to free it', 1e7, (n) => {
    for (let i = 0; i < n; i++) {
      Atomics.compareExchange(words, 0, 0, 1)
      Atomics.exchange(words, 0, 0)
    }
  })
}

class Guard {
  unlock() {
    Atomics.compareExchange(words, 0, 1, 0)
  }
}

/** mutex.*: one `cas` to lock, one to unlock, and a promise of an object, which is what `lock` gives. */
function lockAndUnlock() {
  const lock = () => {
    const guard = new Guard()
    Atomics.compareExchange(words, 0, 0, 1)
    return Promise.resolve(guard)
  }
  return time('mutex: await lock(), unlock()', 1e6, async (n) => {
    for (let i = 0; i < n; i++) (await lock()).unlock()
  })
}

/** pingpong.local: an unbuffered channel that at most one waits on, which is enough for two goroutines. */
function pingPong(name, enter, leave) {
  const make = () => ({ receiver: undefined, sender: undefined, value: 0 })
  const send = (ch, value) => {
    enter()
    const { receiver } = ch
    if (receiver !== undefined) {
      ch.receiver = undefined
      leave()
      receiver(value)
      return done
    }
    const promise = new Promise(capture)
    ch.sender = resolveNew
    ch.value = value
    leave()
    return promise
  }
  const recv = (ch) => {
    enter()
    const { sender, value } = ch
    if (sender !== undefined) {
      ch.sender = undefined
      leave()
      sender()
      return Promise.resolve(value)
    }
    const promise = new Promise(capture)
    ch.receiver = resolveNew
    leave()
    return promise
  }
  return time(`ping-pong on one thread: ${name}`, 1e6, async (n) => {
    const there = make()
    const back = make()
    const pong = (async () => {
      for (let i = 0; i < n; i++) await send(back, (await recv(there)) + 1)
    })()
    for (let i = 0; i < n; i++) {
      await send(there, i)
      await recv(back)
    }
    await pong
  })
}

// buffered.numbers, between two threads: a ring of 1024 numbers. The counters and the lock have lines of their own.
const CAPACITY = 1024
const LOCK = 16
const HEAD = 32
const TAIL = 48
const RING = 64

const RINGS = {
  /** As goro's: all under one lock. */
  lock: {
    send(value) {
      while (Atomics.compareExchange(words, LOCK, 0, 1) !== 0);
      const fits = words[TAIL] - words[HEAD] < CAPACITY
      if (fits) words[RING + (words[TAIL]++ % CAPACITY)] = value
      Atomics.exchange(words, LOCK, 0)
      return fits
    },
    recv() {
      while (Atomics.compareExchange(words, LOCK, 0, 1) !== 0);
      const value = words[TAIL] === words[HEAD] ? 0 : words[RING + (words[HEAD]++ % CAPACITY)]
      Atomics.exchange(words, LOCK, 0)
      return value
    },
  },
  /** The least there is: one sender and one receiver, who know it, and nobody who could wait. */
  alone: {
    send(value) {
      const tail = words[TAIL]
      if (tail - Atomics.load(words, HEAD) >= CAPACITY) return false
      words[RING + (tail % CAPACITY)] = value
      Atomics.store(words, TAIL, tail + 1)
      return true
    },
    recv() {
      const head = words[HEAD]
      if (Atomics.load(words, TAIL) === head) return 0
      const value = words[RING + (head % CAPACITY)]
      Atomics.store(words, HEAD, head + 1)
      return value
    },
  },
}

async function receive(ring, n) {
  for (let left = n; left > 0; await done) if (RINGS[ring].recv() !== 0) left--
}

async function betweenThreads(ring, name) {
  const n = 1e6
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 5; round++) {
    words.fill(0)
    const worker = new Worker(new URL(import.meta.url), { workerData: { buffer: words.buffer, ring, n } })
    await new Promise((resolve) => worker.once('message', resolve))
    const start = performance.now()
    for (let i = 1; i <= n; await done) if (RINGS[ring].send(i)) i++
    await new Promise((resolve) => worker.once('exit', resolve))
    best = Math.min(best, ((performance.now() - start) * 1e6) / n)
  }
  console.log(
    `${`a number between two threads, each step awaited: ${name}`.padEnd(72)}${best.toFixed(1).padStart(8)} ns`,
  )
}

/** parked.bytes: async functions that wait for one promise, and nothing else. */
async function parked() {
  const n = 1e6
  let wake
  const promise = new Promise((resolve) => {
    wake = resolve
  })
  const before = process.memoryUsage.rss()
  const waiters = Array.from({ length: n }, async () => await promise)
  const bytes = (process.memoryUsage.rss() - before) / n
  console.log(`${'an async function that waits for a promise'.padEnd(72)}${bytes.toFixed(0).padStart(8)} bytes`)
  wake()
  await Promise.all(waiters)
}

if (isMainThread) {
  await primitives()
  await lockAndUnlock()
  const nothing = () => {}
  await pingPong('promises alone', nothing, nothing)
  const swap = () => Atomics.compareExchange(words, 0, 0, 0)
  await pingPong('one compare and swap for each operation', swap, nothing)
  const lock = () => Atomics.compareExchange(words, 0, 0, 1)
  await pingPong('a lock for each operation', lock, () => Atomics.exchange(words, 0, 0))
  await betweenThreads('lock', 'a lock')
  await betweenThreads('alone', 'no lock, two counters')
  await parked()
} else {
  parentPort.postMessage('ready')
  await receive(workerData.ring, workerData.n)
}
