// Numbers pass five goroutines, each of which adds one and sends it on over a channel with room for 64: what does a number cost,
// from the first channel to the last?

import { medium, thing } from '../channels.mjs'
import { expect } from '../harness/measure.mjs'
import { goProgram } from '../peers/go/build.mjs'

export const question = 'What does a number cost that passes five goroutines over channels with room for 64?'
export const unit = 'µs'
export const quick = 0.2

const stages = 5
const capacity = 64

export const contenders = {
  goro: { n: 300_000, run: goro },
  '@thi.ng/csp': { n: 50_000, run: async (n) => inThread(await thing(), n) },
  medium: { n: 50_000, run: async (n) => inThread(await medium(), n) },
  go: { n: 300_000, run: (n) => goProgram('pipeline', n) },
}

async function goro(n) {
  const { chan, go } = await import('goro')
  const source = async (to, n) => {
    for (let i = 0; i < n; i++) await to.send(i)
    to.close()
  }
  const stage = async (from, to) => {
    for (let value = await from.recv(); value !== undefined; value = await from.recv()) await to.send(value + 1)
    to.close()
  }
  const sink = async (from) => {
    let sum = 0
    for (let value = await from.recv(); value !== undefined; value = await from.recv()) sum += value
    return sum
  }
  return time(n, async (n) => {
    const first = chan(capacity)
    let last = first
    for (let i = 0; i < stages; i++) {
      const next = chan(capacity)
      go(stage, last, next)
      last = next
    }
    const sum = go(sink, last)
    go(source, first, n)
    return await sum
  })
}

async function inThread({ chan, send, recv }, n) {
  const source = async (to, n) => {
    for (let i = 0; i < n; i++) await send(to, i)
  }
  const stage = async (from, to, n) => {
    for (let i = 0; i < n; i++) await send(to, (await recv(from)) + 1)
  }
  return time(n, async (n) => {
    const first = chan(capacity)
    let last = first
    for (let i = 0; i < stages; i++) {
      const next = chan(capacity)
      void stage(last, next, n)
      last = next
    }
    void source(first, n)
    let sum = 0
    for (let i = 0; i < n; i++) sum += await recv(last)
    return sum
  })
}

async function time(n, pass) {
  await pass(n / 10)
  const start = performance.now()
  const sum = await pass(n)
  const ms = performance.now() - start
  expect(sum, (n * (n - 1)) / 2 + stages * n)
  return (ms * 1000) / n
}
