// `goroutines` of them lock one mutex, add to a counter, and unlock it, `n` times in all.

import { Skip, threads } from './contenders.mjs'
import { expect } from './harness/measure.mjs'

/** Microseconds for each time. */
export async function goro(n, goroutines) {
  const { Mutex, go } = await import('goro')
  const counter = new Int32Array(new SharedArrayBuffer(4))
  const adder = async (mutex, counter, n) => {
    for (let i = 0; i < n; i++) {
      await mutex.lock()
      counter[0]++
      mutex.unlock()
    }
  }
  return time(n, counter, async (n) => {
    const mutex = new Mutex()
    const adders = Array.from({ length: goroutines }, () => go(adder, mutex, counter, n / goroutines))
    for (const each of adders) await each
  })
}

export async function multithreading(n, goroutines) {
  if (typeof navigator === 'undefined') throw new Skip(`needs a global navigator, which Node ${process.version} lacks`)
  const { Mutex, initRuntime, move, spawn } = await import('multithreading')
  initRuntime({ maxWorkers: threads })
  const counter = new Int32Array(new SharedArrayBuffer(4))
  const adder = async (mutex, n) => {
    for (let i = 0; i < n; i++) {
      const guard = await mutex.lock()
      guard.value[0]++
      guard.dispose()
    }
  }
  return time(n, counter, async (n) => {
    const mutex = new Mutex(counter)
    const adders = Array.from({ length: goroutines }, () => spawn(move(mutex, n / goroutines), adder).join())
    for (const each of adders) {
      const result = await each
      if (!result.ok) throw result.error
    }
  })
}

async function time(n, counter, run) {
  await run(n / 10)
  counter[0] = 0
  const start = performance.now()
  await run(n)
  const ms = performance.now() - start
  expect(counter[0], n)
  return (ms * 1000) / n
}
