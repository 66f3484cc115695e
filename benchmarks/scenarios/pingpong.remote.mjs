// As pingpong.local, between two threads: a goroutine starts another one and computes until that has begun, so it is on another thread,
// where it stays. In Go both are locked to their threads. The two libraries in one thread have nothing to compare here.

import { Skip, threads } from '../contenders.mjs'
import { expect } from '../harness/measure.mjs'
import { goProgram } from '../peers/go/build.mjs'

export const question = 'What does a round trip over two unbuffered channels cost between two threads?'
export const unit = 'µs'
export const marks = [{ than: 'go', atMost: 1 }]
export const quick = 0.2

export const contenders = {
  goro: { n: 20_000, run: goro },
  multithreading: { n: 10_000, run: multithreading },
  go: { n: 20_000, run: (n) => goProgram('pingpong.remote', n) },
}

async function goro(n) {
  const { AtomicBool, chan, go } = await import('goro')
  const met = new AtomicBool()
  const there = chan()
  const back = chan()
  return await go(async () => {
    const pong = go(async () => {
      met.store(true)
      for (let i = 0; i < n + n / 10; i++) await back.send((await there.recv()) + 1)
    })
    while (!met.load());
    let sum = 0
    const rally = async (n) => {
      for (let i = 0; i < n; i++) {
        await there.send(i)
        sum += await back.recv()
      }
    }
    await rally(n / 10)
    sum = 0
    const start = performance.now()
    await rally(n)
    const ms = performance.now() - start
    await pong
    expect(sum, (n * (n + 1)) / 2)
    return (ms * 1000) / n
  })
}

async function multithreading(n) {
  if (typeof navigator === 'undefined') throw new Skip(`needs a global navigator, which Node ${process.version} lacks`)
  const { channel, initRuntime, move, spawn } = await import('multithreading')
  initRuntime({ maxWorkers: threads })
  const [toPong, fromPing] = channel(1)
  const [toPing, fromPong] = channel(1)
  const pong = spawn(move(fromPing, toPing, n + n / 10), async (there, back, n) => {
    for (let i = 0; i < n; i++) await back.send((await there.recv()).value + 1)
  })
  const ping = spawn(move(toPong, fromPong, n), async (there, back, n) => {
    let sum = 0
    const rally = async (n) => {
      for (let i = 0; i < n; i++) {
        await there.send(i)
        sum += (await back.recv()).value
      }
    }
    await rally(n / 10)
    sum = 0
    const start = performance.now()
    await rally(n)
    return { ms: performance.now() - start, sum }
  })
  const result = await ping.join()
  if (!result.ok) throw result.error
  await pong.join()
  expect(result.value.sum, (n * (n + 1)) / 2)
  return (result.value.ms * 1000) / n
}
