// One processor runs short goroutines back to back, and on its thread a goroutine reads from a socket: how long from the moment when
// something is written to the goroutine's next step, and what share of the thread's time do the turns of its event loop take that
// are there for it? In three forms: the short ones are made on that thread, each by the one before; by the main thread, in
// thousands; or they are pairs that find each other ready over a channel.

import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import Table from 'cli-table3'
import { chan, go, runtime } from 'goro'

const EVENTS = 1000
const EVERY_MS = 4
/** The promise is 5 ms for 99 %; other processes that use the cores may add to it. */
const MOST_MS = 50
const MOST_SHARE = 0.2

runtime.configure({ maxProcs: 1, maxThreads: 1 })

const state = new Int32Array(new SharedArrayBuffer(8))
const [STOPPED, STEPS] = [0, 1]
const delays = new Float64Array(new SharedArrayBuffer(8 * EVENTS))

/** Milliseconds by a clock that all threads share. */
const now = () => performance.timeOrigin + performance.now()
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

async function reader(port) {
  const socket = connect(port, '127.0.0.1').setNoDelay()
  let seen = 0
  for await (const data of socket.setEncoding('latin1')) {
    const received = now()
    for (const sent of data.trimEnd().split('\n')) delays[seen++] = received - Number(sent)
  }
  return seen
}

/** Turns of this thread's event loop, and the time by its clock. */
const turns = () => [performance.nodeTiming.uvMetricsInfo.loopCount, performance.now()]

/** What a turn takes by itself, in milliseconds: the best of some. */
async function turnTime() {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 20; round++) {
    const start = performance.now()
    for (let i = 0; i < 100; i++) await new Promise((resolve) => setImmediate(resolve))
    best = Math.min(best, (performance.now() - start) / 100)
  }
  return best
}

const short = () => Atomics.add(state, STEPS, 1)

function chain() {
  short()
  if (Atomics.load(state, STOPPED) === 0) go(chain)
}

async function fromMain() {
  while (Atomics.load(state, STOPPED) === 0) {
    let last
    for (let i = 0; i < 5000; i++) last = go(short)
    await last
  }
}

async function pair() {
  const ch = chan()
  const receiver = go(async () => {
    for await (const _ of ch) short()
  })
  while (Atomics.load(state, STOPPED) === 0) await ch.send(1)
  ch.close()
  await receiver
}

const forms = { 'made there': () => go(chain), 'made by the main thread': fromMain, 'over a channel': () => go(pair) }

const each = await go(turnTime)
const server = createServer().listen(0, '127.0.0.1')
await once(server, 'listening')
const rows = new Table({
  head: ['short goroutines', 'steps/s', 'p50, ms', 'p99, ms', 'longest, ms', 'turns/s', '% of the time'],
  colAligns: ['left', 'right', 'right', 'right', 'right', 'right', 'right'],
  style: { head: [], border: [], compact: true },
})
for (const [name, start] of Object.entries(forms)) {
  const connected = once(server, 'connection')
  const reading = go(reader, server.address().port)
  const [socket] = await connected
  socket.setNoDelay()
  Atomics.store(state, STOPPED, 0)
  const running = start()
  await later(500)
  const [turnsBefore, begin] = await go(turns)
  const stepsBefore = Atomics.load(state, STEPS)
  for (let i = 0; i < EVENTS; i++) {
    await later(EVERY_MS)
    socket.write(`${now()}\n`)
  }
  const steps = Atomics.load(state, STEPS) - stepsBefore
  const [turnsAfter, end] = await go(turns)
  socket.end()
  Atomics.store(state, STOPPED, 1)
  const seen = await reading
  await running
  if (seen !== EVENTS) throw new Error(`${seen} of ${EVENTS} events came`)
  const sorted = delays.toSorted()
  const p99 = sorted[Math.floor(EVENTS * 0.99)]
  const perSecond = ((turnsAfter - turnsBefore) / (end - begin)) * 1000
  const share = (perSecond * each) / 1000
  rows.push([
    name,
    Math.round((steps / (end - begin)) * 1000).toLocaleString('en'),
    sorted[EVENTS / 2].toFixed(2),
    p99.toFixed(2),
    sorted[EVENTS - 1].toFixed(2),
    perSecond.toFixed(0),
    (share * 100).toFixed(2),
  ])
  if (p99 > MOST_MS || share > MOST_SHARE) process.exitCode = 1
}
console.log(rows.toString())
console.log(`a turn with nothing to do takes ${(each * 1000).toFixed(1)} µs`)
server.close()
