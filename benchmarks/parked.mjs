// A million goroutines that all wait on one channel, until it is closed: what each of them takes in memory, and in time from
// its start to its end.

import { expect } from './harness/measure.mjs'

export async function goro(n) {
  const { WaitGroup, chan, go } = await import('goro')
  const waiter = async (group, ch) => {
    group.done()
    return (await ch.recv()) === undefined ? 1 : 0
  }
  return park(n, async (n) => {
    const group = new WaitGroup()
    const ch = chan()
    group.add(n)
    const goroutines = new Array(n)
    for (let i = 0; i < n; i++) goroutines[i] = go(waiter, group, ch)
    await group.wait()
    return { goroutines, wake: () => ch.close() }
  })
}

/** Async functions that await one promise: the least that a million of them can be. */
export async function plain(n) {
  return park(n, async (n) => {
    let wake
    const promise = new Promise((resolve) => {
      wake = resolve
    })
    const waiter = async () => ((await promise) === undefined ? 1 : 0)
    const goroutines = new Array(n)
    for (let i = 0; i < n; i++) goroutines[i] = waiter()
    return { goroutines, wake }
  })
}

export async function inThread({ chan, recv, close }, n) {
  return park(n, async (n) => {
    const ch = chan(0)
    const waiter = async () => {
      await recv(ch)
      return 1
    }
    const goroutines = new Array(n)
    for (let i = 0; i < n; i++) goroutines[i] = waiter()
    return { goroutines, wake: () => close(ch) }
  })
}

async function park(n, start) {
  await end(await start(n / 100), n / 100)
  const before = process.memoryUsage.rss()
  const begin = performance.now()
  const parked = await start(n)
  const startedIn = performance.now() - begin
  const bytes = (process.memoryUsage.rss() - before) / n
  const again = performance.now()
  await end(parked, n)
  return { bytes, time: ((startedIn + performance.now() - again) * 1000) / n }
}

async function end({ goroutines, wake }, n) {
  wake()
  let ended = 0
  for (let i = 0; i < n; i++) ended += await goroutines[i]
  expect(ended, n)
}
