// A goroutine in each of its states: how many bytes of resident memory does one take? Very many of them are started and
// brought there, all at once.
//
//   queued    started and not begun: every processor is busy with a goroutine that looks at a word in shared memory
//   running   begun, and in the queue again to go on: each yields until it may end
//   parked    begun, and waiting for a value from a channel

import { expect } from './harness/measure.mjs'

export async function queued(n) {
  const { go, runtime } = await import('goro')
  const gate = new Int32Array(new SharedArrayBuffer(8))
  const guard = () => {
    Atomics.add(gate, 1, 1)
    while (Atomics.load(gate, 0) === 0);
    return 0
  }
  return measure(n, async (n) => {
    gate.fill(0)
    const guards = Array.from({ length: runtime.gomaxprocs() }, () => go(guard))
    while (Atomics.load(gate, 1) < guards.length) await new Promise(setImmediate)
    const goroutines = new Array(n)
    for (let i = 0; i < n; i++) goroutines[i] = go(() => 1)
    // A monitor may hand on the processor of who computes for long: then some have run already.
    const { runnable } = runtime.stats().goroutines
    if (runnable < n * 0.9) throw new Error(`only ${runnable} of ${n} were still in the queue`)
    const open = async () => {
      Atomics.store(gate, 0, 1)
      for (const each of guards) await each
    }
    return { goroutines, open }
  })
}

export async function running(n) {
  const { AtomicBool, WaitGroup, go, runtime } = await import('goro')
  const yielder = async (begun, isOpen) => {
    begun.done()
    while (!isOpen.load()) await runtime.gosched()
    return 1
  }
  return measure(n, async (n) => {
    const begun = new WaitGroup()
    const isOpen = new AtomicBool()
    begun.add(n)
    const goroutines = new Array(n)
    for (let i = 0; i < n; i++) goroutines[i] = go(yielder, begun, isOpen)
    await begun.wait()
    return { goroutines, open: () => isOpen.store(true) }
  })
}

export async function parked(n) {
  const { WaitGroup, chan, go } = await import('goro')
  const waiter = async (begun, gate) => {
    begun.done()
    return (await gate.recv()) === undefined ? 1 : 0
  }
  return measure(n, async (n) => {
    const begun = new WaitGroup()
    const gate = chan()
    begun.add(n)
    const goroutines = new Array(n)
    for (let i = 0; i < n; i++) goroutines[i] = go(waiter, begun, gate)
    await begun.wait()
    return { goroutines, open: () => gate.close() }
  })
}

/** The same of async functions: none is ever queued, and what runs or is parked awaits a promise. */
export async function plain(n) {
  return measure(n, async (n) => {
    let open
    const gate = new Promise((resolve) => {
      open = resolve
    })
    const waiter = async () => ((await gate) === undefined ? 1 : 0)
    const goroutines = new Array(n)
    for (let i = 0; i < n; i++) goroutines[i] = waiter()
    return { goroutines, open }
  })
}

/** Bytes for each of `n`, beyond what a thousandth of them, which warms up, has left behind. */
async function measure(n, start) {
  await end(await start(n / 1000), n / 1000)
  const before = process.memoryUsage.rss()
  const started = await start(n)
  const bytes = (process.memoryUsage.rss() - before) / n
  await end(started, n)
  return bytes
}

async function end({ goroutines, open }, n) {
  await open()
  let ended = 0
  for (let i = 0; i < n; i++) ended += await goroutines[i]
  expect(ended, n)
}
