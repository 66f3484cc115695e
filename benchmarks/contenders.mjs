// How each contender runs a task on another thread, side by side. Every function here takes one of tasks.mjs or work.mjs and gives
// back `call(argument, transfer?)`, a thenable for its result, on as many threads as this process has CPUs. Each loads its library
// by itself, so that a process holds the one contender it measures and nothing else.
//
// The pools' settings are the fastest that tune.mjs found for many tasks in flight (one after another, all settings cost
// the same). A scenario that is better off with others says so.

import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import * as tasks from './tasks.mjs'

/** Thrown by a contender that can't run here, with the reason. It is reported in one line and is no failure. */
export class Skip extends Error {}

export const threads = availableParallelism()

const fileOf = (task) => fileURLToPath(new URL(task.name in tasks ? 'tasks.mjs' : 'work.mjs', import.meta.url))
const poolFile = (name) => fileURLToPath(new URL(`peers/pools/${name}.mjs`, import.meta.url))

export async function goro(task) {
  const { go } = await import('goro')
  return (x, transfer) => (transfer ? go.with({ transfer }, task, x) : go(task, x))
}

/** No thread at all: an async function, as a program without a pool would have it. */
export async function plain(task) {
  return async (x) => task(x)
}

/** The floor under all pools: bare Workers taken in turn, one message there and one back for each task. */
export async function worker(task, count = threads) {
  const { Worker } = await import('node:worker_threads')
  const waiting = new Map()
  const workers = Array.from({ length: count }, () => {
    const thread = new Worker(poolFile('bare'), { workerData: task.name })
    return thread.on('message', ([id, result]) => {
      waiting.get(id)(result)
      waiting.delete(id)
    })
  })
  let id = 0
  return (x, transfer) =>
    new Promise((resolve) => {
      waiting.set(++id, resolve)
      workers[id % count].postMessage([id, x], transfer)
    })
}

/**
 * What the machine and Node leave to anyone: bare Workers, each given an equal share of the calls that are made in one go, all in one
 * message, whose results come back in one. Nobody hands anything out meanwhile.
 */
export async function shares(task) {
  const { Worker } = await import('node:worker_threads')
  const workers = Array.from({ length: threads }, () => new Worker(poolFile('share'), { workerData: task.name }))
  let calls = []
  const send = () => {
    const made = calls
    calls = []
    for (const [k, worker] of workers.entries()) {
      const mine = made.filter((_, i) => i % threads === k)
      worker.once('message', (results) => {
        for (const [i, { resolve }] of mine.entries()) resolve(results[i])
      })
      worker.postMessage(mine.map(({ x }) => x))
    }
  }
  return (x) =>
    new Promise((resolve) => {
      if (calls.length === 0) queueMicrotask(send)
      calls.push({ x, resolve })
    })
}

export async function piscina(task, settings = { atomics: 'sync', concurrentTasksPerWorker: 4096 }) {
  const { Piscina, FixedQueue } = await import('piscina')
  const pool = new Piscina({
    filename: fileOf(task),
    name: task.name,
    minThreads: threads,
    maxThreads: threads,
    recordTiming: false,
    taskQueue: new FixedQueue(),
    ...settings,
  })
  return (x, transferList) => pool.run(x, transferList && { transferList })
}

export async function tinypool(task, settings = { useAtomics: false, concurrentTasksPerWorker: 4096 }) {
  const { Tinypool } = await import('tinypool')
  const pool = new Tinypool({
    filename: fileOf(task),
    name: task.name,
    minThreads: threads,
    maxThreads: threads,
    ...settings,
  })
  return (x, transferList) => pool.run(x, transferList && { transferList })
}

export async function workerpool(task, settings = { queueStrategy: 'lifo' }) {
  const { default: library } = await import('workerpool')
  const pool = library.pool(poolFile('workerpool'), {
    workerType: 'thread',
    minWorkers: threads,
    maxWorkers: threads,
    ...settings,
  })
  return (x, transfer) => pool.exec(task.name, [x], transfer && { transfer })
}

export async function poolifier(task, settings = { workerChoiceStrategy: 'ROUND_ROBIN' }) {
  const { FixedThreadPool } = await import('poolifier')
  const pool = new FixedThreadPool(threads, poolFile('poolifier'), {
    enableEvents: false,
    ...settings,
  })
  return (x, transfer) => pool.execute(x, task.name, undefined, transfer)
}

export async function multithreading(task) {
  if (typeof navigator === 'undefined') throw new Skip(`needs a global navigator, which Node ${process.version} lacks`)
  const { initRuntime, move, spawn } = await import('multithreading')
  initRuntime({ maxWorkers: threads })
  return async (x) => {
    const result = await spawn(move(x), task).join()
    if (!result.ok) throw result.error
    return result.value
  }
}
