// gosched, goexit, lockOSThread: with GOMAXPROCS=1.
import { chan, go, runtime } from 'goro'

// Both are queued before the first of them runs.
const seen = await go(async () => {
  const { go } = require('goro')
  const b = go(async () => {
    const { runtime } = require('goro')
    for (let i = 0; i < 3; i++) {
      globalThis.turn = 'b'
      await runtime.gosched()
    }
  })
  const a = go(async () => {
    const { runtime } = require('goro')
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
  const { runtime } = require('goro')
  while (Atomics.load(stop, 0) === 0) {
    await runtime.gosched()
    Atomics.add(stop, 1, 1)
  }
}, stop)
while (Atomics.load(stop, 1) < 10) await new Promise((resolve) => setTimeout(resolve, 1))
const other = await go((x) => x, 1)
const io = await go(async () => {
  const { readFile } = await import('node:fs/promises')
  return (await readFile(__filename)).length > 0
})
const timer = await go(() => new Promise((resolve) => setTimeout(resolve, 5, 'timer')))
Atomics.store(stop, 0, 1)
await yields

// goexit
const flag = new Int32Array(new SharedArrayBuffer(4))
const exited = await go(async (flag) => {
  const { runtime } = require('goro')
  try {
    await null
    ;(() => runtime.goexit())()
  } finally {
    Atomics.store(flag, 0, 1)
  }
}, flag)
const cleaned = Atomics.load(flag, 0) === 1 ? 'cleaned' : 'not'
const exitedAtOnce = await go(() => require('goro').runtime.goexit())
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
    const { runtime } = require('goro')
    const { threadId } = require('node:worker_threads')
    runtime.lockOSThread()
    runtime.lockOSThread()
    await there.send(threadId)
    await back.recv()
    const stays = require('node:worker_threads').threadId === threadId
    runtime.unlockOSThread()
    runtime.unlockOSThread()
    runtime.unlockOSThread()
    return stays
  },
  there,
  back,
)
const lockedThread = await there.recv()
const others = await Promise.all(Array.from({ length: 20 }, () => go(() => require('node:worker_threads').threadId)))
await back.send(1)
const stayed = await locked

// One that ends without unlocking ends its thread, and nothing else.
const spent = await go(() => {
  const { runtime } = require('goro')
  runtime.lockOSThread()
  return require('node:worker_threads').threadId
})
while (runtime.stats().threads.some((t) => t.threadId === spent)) await new Promise((resolve) => setTimeout(resolve, 2))
const afterwards = await Promise.all(
  Array.from({ length: 20 }, () => go(() => require('node:worker_threads').threadId)),
)

console.log(
  JSON.stringify({
    seen,
    other,
    io,
    timer,
    exited: exited === undefined,
    cleaned,
    exitedAtOnce: exitedAtOnce === undefined,
    onMain,
    others: others.includes(lockedThread),
    stayed,
    afterwards: afterwards.includes(spent),
    processors: runtime.stats().processors.length,
    main: runtime.lockOSThread() === undefined && runtime.unlockOSThread() === undefined,
  }),
)
