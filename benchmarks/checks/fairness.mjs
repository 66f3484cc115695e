// How long does each kind of goroutine wait from the moment when it could run to its next step, while all of them have more to do than
// there are processors? Prints a histogram for each, and fails if one waits for more than a small multiple of its fair share.
//
// A round is the time in which everybody has had one turn: the steps of all that are in the queues, and a time slice (10 ms) for
// each that starts its own successor, which comes first as long as the slice lasts; those that have started, which come back to
// the loop all the time, get as much again. The steps are as long as they were measured here, so a slow machine has long rounds; but
// other processes that use the cores make the waits longer than that.

import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import Table from 'cli-table3'
import { chan, go, runtime } from 'goro'

const SECONDS = 6
const WARM_UP_MS = 1000
const SLICE_MS = 10
/** 99 % of the waits are within so many rounds, and all within so many: a machine of its own keeps far below. */
const MOST_P99 = 10
const MOST = 50

const classes = ['short', 'long', 'chain', 'chatty', 'yielding', 'socket', 'timer']
/** By class, waits by their length: from a microsecond on, four to a doubling. The last one is the longest wait, in µs. */
const BUCKETS = 112
const counts = new Int32Array(new SharedArrayBuffer(4 * classes.length * BUCKETS))
/** 1 once they are counted, 2 when all are to end; the steps of each class, and their time in µs. */
const state = new Int32Array(new SharedArrayBuffer(4 * (1 + 2 * classes.length)))

/** Milliseconds by a clock that all threads share. */
const now = () => performance.timeOrigin + performance.now()

function note(kind, since) {
  if (Atomics.load(state, 0) === 0) return
  const micros = Math.max(1, (now() - since) * 1000)
  const bucket = Math.min(BUCKETS - 2, Math.floor(Math.log2(micros) * 4))
  Atomics.add(counts, kind * BUCKETS + bucket, 1)
  const longest = kind * BUCKETS + BUCKETS - 1
  for (let most = Atomics.load(counts, longest); most < micros; most = Atomics.load(counts, longest)) {
    Atomics.compareExchange(counts, longest, most, Math.ceil(micros))
  }
}

/** Work of so many multiplications; its time is counted. */
function step(kind, rounds) {
  const start = now()
  let x = 1
  for (let i = 0; i < rounds; i++) x = (Math.imul(x, 1664525) + 1013904223) | 0
  if (Atomics.load(state, 0) === 1) {
    Atomics.add(state, 1 + 2 * kind, 1)
    Atomics.add(state, 2 + 2 * kind, Math.round((now() - start) * 1000))
  }
  return x
}

const hasEnded = () => Atomics.load(state, 0) === 2

const [SHORT, LONG, CHAIN, CHATTY, YIELDING, SOCKET, TIMER] = classes.keys()
const N = { short: 16, long: 6, chain: 4, chatty: 6, yielding: 4, socket: 4, timer: 4 }

/** The main thread starts the next one when one has come home. */
async function oneAfterAnother(kind, rounds) {
  const run = (since) => {
    note(kind, since)
    step(kind, rounds)
  }
  while (!hasEnded()) await go(run, now())
}

function chain(since) {
  note(CHAIN, since)
  step(CHAIN, 20_000)
  if (!hasEnded()) go(chain, now())
}

async function chatter() {
  const [there, back] = [chan(), chan()]
  const answer = go(async () => {
    for await (const sent of there) {
      note(CHATTY, sent)
      await back.send(now())
    }
  })
  while (!hasEnded()) {
    await there.send(now())
    note(CHATTY, await back.recv())
  }
  there.close()
  await answer
}

async function yielder() {
  while (!hasEnded()) {
    const since = now()
    await runtime.gosched()
    note(YIELDING, since)
    step(YIELDING, 2_000)
  }
}

async function listener(port) {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  // The main thread writes the time every few milliseconds.
  for await (const data of socket.setEncoding('latin1')) note(SOCKET, Number(data.split('\n').at(-2)))
}

async function sleeper() {
  while (!hasEnded()) {
    const due = now() + 5
    await new Promise((resolve) => setTimeout(resolve, 5))
    note(TIMER, due)
  }
}

const server = createServer((socket) => {
  const timer = setInterval(() => socket.write(`${now()}\n`), 7)
  socket.on('close', () => clearInterval(timer)).on('error', () => {})
}).listen(0, '127.0.0.1')
await once(server, 'listening')

const all = []
const times = (n, start) => Array.from({ length: n }, () => all.push(start()))
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

// First those that need something of others before they begin: modules, connections.
times(N.chatty, () => go(chatter))
times(N.yielding, () => go(yielder))
times(N.socket, () => go(listener, server.address().port))
times(N.timer, () => go(sleeper))
await later(WARM_UP_MS)
times(N.short, () => oneAfterAnother(SHORT, 20_000))
times(N.long, () => oneAfterAnother(LONG, 2_000_000))
times(N.chain, () => go(chain, now()))
await later(WARM_UP_MS)
Atomics.store(state, 0, 1)
await later(SECONDS * 1000)
Atomics.store(state, 0, 2)

const stepMs = (kind) => state[2 + 2 * kind] / 1000 / Math.max(1, state[1 + 2 * kind])
const queued = N.short * stepMs(SHORT) + N.long * stepMs(LONG) + N.chain * SLICE_MS
const round = (2 * queued) / Math.min(runtime.gomaxprocs(), runtime.numCPU())

const rows = new Table({
  head: ['kind', 'n', 'waits', 'p50, ms', 'p99, ms', 'longest, ms', 'µs: 1 … 16 … 256 … 4 ms … 65 ms … 1 s'],
  colAligns: ['left', 'right', 'right', 'right', 'right', 'right', 'left'],
  style: { head: [], border: [], compact: true },
})
for (const [kind, name] of classes.entries()) {
  const buckets = counts.subarray(kind * BUCKETS, kind * BUCKETS + BUCKETS - 1)
  const total = buckets.reduce((sum, count) => sum + count, 0)
  const longest = counts[kind * BUCKETS + BUCKETS - 1] / 1000
  const p99 = percentile(buckets, total, 0.99)
  rows.push([
    name,
    N[name],
    total,
    show(percentile(buckets, total, 0.5)),
    show(p99),
    show(longest),
    bars(buckets, total),
  ])
  if (total === 0 || p99 > MOST_P99 * round || longest > MOST * round) process.exitCode = 1
}
console.log(rows.toString())
console.log(`a round takes ${round.toFixed(0)} ms: 99 % within ${MOST_P99} of them, all within ${MOST}`)
process.exit()

/** The upper end of the bucket in which it is, in ms. */
function percentile(buckets, total, p) {
  let seen = 0
  const at = buckets.findIndex((count) => {
    seen += count
    return seen >= total * p
  })
  return 2 ** ((at + 1) / 4) / 1000
}

function show(ms) {
  return ms >= 100 ? ms.toFixed(0) : ms.toPrecision(2)
}

/** A column for each doubling: its height is the share of the waits, by its logarithm. */
function bars(buckets, total) {
  const doublings = Array.from({ length: 21 }, (_, i) =>
    buckets.subarray(i * 4, i * 4 + 4).reduce((sum, count) => sum + count, 0),
  )
  return doublings
    .map((count) => (count === 0 ? ' ' : '▁▂▃▄▅▆▇█'[Math.max(0, Math.round(7 + Math.log2(count / total)))]))
    .join('')
}
