// What the goroutines of soak.mjs do.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { threadId } from 'node:worker_threads'
import { after, context, go, pin, runtime, select, send, sleep, Ticker } from 'goro'

export const add = (a, b) => a + b

/** Goroutines that start goroutines: how many there were. */
export async function tree(depth, width) {
  if (depth === 0) return 1
  const children = Array.from({ length: width }, () => go(tree, depth - 1, width))
  return (await Promise.all(children)).reduce(add, 1)
}

export async function produce(out, from, to) {
  for (let i = from; i < to; i++) await out.send(i)
  return to - from
}

export async function forward(input, out) {
  let n = 0
  for await (const value of input) {
    await out.send(value)
    n++
  }
  return n
}

export async function consume(input) {
  let sum = 0
  for await (const value of input) sum += value
  return sum
}

/** Sends `n` values on whichever of two is ready, with time-outs in between. */
export async function chooseToSend(a, b, n) {
  let late = 0
  for (let i = 1; i <= n; ) {
    const hit = await select({ a: send(a, i), b: send(b, i), late: i % 8 === 0 ? after(1) : null })
    if (hit.case === 'late') late++
    else i++
  }
  return late
}

/** Receives from either until both are closed. */
export async function chooseToReceive(a, b) {
  let sum = 0
  let [first, second] = [a, b]
  while (first !== null || second !== null) {
    const hit = await select({ first, second })
    if (!hit.done) sum += hit.value
    else if (hit.case === 'first') first = null
    else second = null
  }
  return sum
}

export async function count(mutex, cells, n) {
  for (let i = 0; i < n; i++) {
    const guard = await mutex.lock()
    try {
      const before = cells[0]
      if (i % 7 === 0) await runtime.gosched()
      cells[0] = before + 1
    } finally {
      guard.unlock()
    }
  }
  return n
}

export async function readAndWrite(rw, map, key, n) {
  for (let i = 0; i < n; i++) {
    if (i % 5 === 0) await rw.withLock(() => map.set(key, (map.get(key) ?? 0) + 1))
    else await rw.withRLock(() => map.get(key))
  }
  return map.get(key)
}

export async function ticks(n) {
  const ticker = new Ticker(2)
  for (let i = 0; i < n; i++) await ticker.c.recv()
  ticker.stop()
  await sleep(3)
  return n
}

/** What a server echoes. */
export function echo(port, text) {
  return new Promise((resolve, reject) => {
    let got = ''
    const socket = connect(port, '127.0.0.1', () => socket.end(text))
    socket.setEncoding('utf8')
    socket.on('data', (data) => {
      got += data
    })
    socket.on('end', () => resolve(got))
    socket.on('error', reject)
  })
}

export async function files(text) {
  const folder = await mkdtemp(join(tmpdir(), 'goro-soak-'))
  try {
    await writeFile(join(folder, 'a'), text)
    return await readFile(join(folder, 'a'), 'utf8')
  } finally {
    await rm(folder, { recursive: true })
  }
}

export const block = (ms) => runtime.blocking(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms))

export function compute(ms) {
  const end = performance.now() + ms
  let n = 0
  while (performance.now() < end) n++
  return n > 0
}

/** Waits for nothing else: also when the thread that has made the context dies. */
export async function untilDone(ctx) {
  await ctx.done().recv()
  return ctx.err()?.message
}

/** As `untilDone`, in a goroutine that was started with a signal. */
export async function untilAborted() {
  return untilDone(runtime.context())
}

export async function withDeadline(ms) {
  const [ctx, cancel] = context.withTimeout(context.background(), ms)
  try {
    return await go(untilDone, ctx)
  } finally {
    cancel()
  }
}

/** Whether it has stayed on its thread. */
export async function locked(unlocks) {
  runtime.lockOSThread()
  const before = threadId
  for (let i = 0; i < 3; i++) await sleep(1)
  if (unlocks) runtime.unlockOSThread()
  return threadId === before
}

export async function exits(ch) {
  try {
    ch.trySend('begun')
    runtime.goexit()
  } finally {
    ch.trySend('ended')
  }
}

export function fails(message) {
  throw new RangeError(message)
}

export const makeCounter = (start) => ({
  n: start,
  add(by) {
    this.n += by
    return this.n
  },
  async report(callback) {
    await callback(this.n)
    return threadId
  },
  fail(message) {
    throw new RangeError(message)
  },
})

/** Pins a value from a goroutine. */
export async function pins(start) {
  const counter = await pin(makeCounter, start)
  let sum = 0
  for (let i = 0; i < 5; i++) sum = await counter.add(1)
  await counter[Symbol.asyncDispose]()
  return sum
}
