// gosched, goexit, lockOSThread: with GOMAXPROCS=1.
import { readFile } from 'node:fs/promises'
import { threadId } from 'node:worker_threads'
import { AtomicBool, chan, go, runtime } from 'goro'

// Both are queued before the first of them runs.
const seen = await go(async () => {
  const b = go(async () => {
    for (let i = 0; i < 3; i++) {
      globalThis.turn = 'b'
      await runtime.gosched()
    }
  })
  const a = go(async () => {
    globalThis.turn = 'a'
    await runtime.gosched()
    return ['a', globalThis.turn]
  })
  await b
  return a
})

// One that yields for ever stops neither others nor I/O.
const stop = new Int32Array(new SharedArrayBuffer(8))
const yields = go(async (stop) => {
  while (Atomics.load(stop, 0) === 0) {
    await runtime.gosched()
    Atomics.add(stop, 1, 1)
  }
}, stop)
while (Atomics.load(stop, 1) < 10) await new Promise((resolve) => setTimeout(resolve, 1))
const other = await go((x) => x, 1)
const io = await go(async () => (await readFile(new URL(import.meta.url))).length > 0)
const timer = await go(() => new Promise((resolve) => setTimeout(resolve, 5, 'timer')))
Atomics.store(stop, 0, 1)
await yields

// goexit
const cleaned = new AtomicBool()
const exited = await go(async () => {
  try {
    await null
    ;(() => runtime.goexit())()
  } finally {
    cleaned.store(true)
  }
})
const exitedAtOnce = await go(() => runtime.goexit())
let onMain
try {
  runtime.goexit()
} catch (error) {
  onMain = error.message
}

// lockOSThread: two goroutines that have locked their threads are on two, and others on a third.
const there = chan()
const back = chan()
const locked = go(
  async (there, back) => {
    runtime.lockOSThread()
    runtime.lockOSThread()
    await there.send(threadId)
    await back.recv()
    runtime.unlockOSThread()
    runtime.unlockOSThread()
    runtime.unlockOSThread()
    return threadId
  },
  there,
  back,
)
const lockedThread = await there.recv()
const others = await Promise.all(Array.from({ length: 20 }, () => go(() => threadId)))
await back.send(1)
const stayed = (await locked) === lockedThread

// One that ends without unlocking ends its thread, and nothing else.
const spent = await go(() => {
  runtime.lockOSThread()
  return threadId
})
while (runtime.stats().threads.some((t) => t.threadId === spent)) await new Promise((resolve) => setTimeout(resolve, 2))
const afterwards = await Promise.all(Array.from({ length: 20 }, () => go(() => threadId)))

console.log(
  JSON.stringify({
    seen,
    other,
    io,
    timer,
    exited: exited === undefined,
    cleaned: cleaned.load(),
    exitedAtOnce: exitedAtOnce === undefined,
    onMain,
    others: others.includes(lockedThread),
    stayed,
    afterwards: afterwards.includes(spent),
    processors: runtime.stats().processors.length,
    main: runtime.lockOSThread() === undefined && runtime.unlockOSThread() === undefined,
  }),
)
