// GOMAXPROCS goes up and down while goroutines start others, talk, block, sleep and lock their threads. None is lost; and at no moment do more
// of them run than there are processors, but for those in `blocking` and those that were overtaken in the middle of a step.
//
//   node --import goro/register resize.mjs SEED CHANGES
import { chan, go, runtime, sleep } from 'goro'

const [seed, changes] = process.argv.slice(2).map(Number)

let state = seed
/** A whole number below n: mulberry32. */
function random(n) {
  state = (state + 0x6d2b79f5) | 0
  let t = Math.imul(state ^ (state >>> 15), 1 | state)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) % n
}

// Words of `audit`: how many run; the most there may be, and how often that has changed (24 bits); the most there were beyond it; what nobody wakes.
const RUNNING = 0
const ALLOWED = 1
const BEYOND = 2
const NEVER = 3
const audit = new Int32Array(new SharedArrayBuffer(16))

/** What a goroutine does from one turn of its thread's loop to the next. */
function step(audit) {
  const before = Atomics.load(audit, ALLOWED)
  const beyond = Atomics.add(audit, RUNNING, 1) + 1 - (before & 0xff)
  // If that has just changed there is nothing to say.
  if (Atomics.load(audit, ALLOWED) === before) {
    for (let most = Atomics.load(audit, BEYOND); beyond > most; most = Atomics.load(audit, BEYOND)) {
      Atomics.compareExchange(audit, BEYOND, most, beyond)
    }
  }
  let x = beyond
  for (let i = 0; i < 2000; i++) x = (x * 1103515245 + 12345) | 0
  Atomics.sub(audit, RUNNING, 1)
  return x
}

const kinds = [
  (audit) => {
    step(audit)
    return 1
  },
  async (audit) => {
    step(audit)
    const child = () => {
      step(audit)
      return 1
    }
    const children = Array.from({ length: 5 }, () => go(child))
    let sum = 0
    for (const child of children) sum += await child
    step(audit)
    return sum / 5
  },
  async (audit) => {
    const items = chan()
    const producer = go(async () => {
      for (let i = 0; i < 10; i++) {
        step(audit)
        await items.send(i)
      }
      items.close()
    })
    let count = 0
    for await (const _ of items) {
      step(audit)
      count++
    }
    await producer
    return count / 10
  },
  (audit) => {
    step(audit)
    runtime.blocking(() => Atomics.wait(audit, NEVER, 0, 3))
    step(audit)
    return 1
  },
  async (audit) => {
    step(audit)
    await sleep(1)
    step(audit)
    return 1
  },
  async (audit) => {
    runtime.lockOSThread()
    step(audit)
    await sleep(1)
    step(audit)
    runtime.unlockOSThread()
    return 1
  },
]

let allowed = 0
function allow(n) {
  allowed = n
  Atomics.store(audit, ALLOWED, ((((Atomics.load(audit, ALLOWED) >>> 8) + 1) & 0xffffff) << 8) | n)
}

async function resize(n) {
  if (n > allowed) allow(n)
  runtime.gomaxprocs(n)
  // A thread keeps its processor for the step in which it was taken away.
  while (runtime.stats().processors.length > n) await sleep(1)
  if (n < allowed) allow(n)
}

let isDone = false
let started = 0
let ended = 0
async function load() {
  while (!isDone) {
    started++
    const one = await go(kinds[random(kinds.length)], audit)
    ended += one
  }
}

allow(runtime.gomaxprocs())
const loads = Array.from({ length: 50 }, load)
for (let i = 0; i < changes; i++) {
  await resize([1, 8, 2, 1, 4, 3][i % 6])
  for (const goal = ended + random(60); ended < goal; ) await sleep(1)
}
isDone = true
await Promise.all(loads)

const { overtaken, gomaxprocs, processors } = runtime.stats()
const beyond = Math.max(0, Atomics.load(audit, BEYOND))
const ok = ended === started && beyond <= overtaken && processors.length === gomaxprocs && runtime.numGoroutine() === 0
console.log(
  `${ok ? 'ok' : 'wrong'}: ${ended} of ${started} ended, ${beyond} ran beyond what there may be, ${overtaken} were overtaken, ` +
    `${processors.length} processors of ${gomaxprocs}, ${runtime.numGoroutine()} goroutines left`,
)
