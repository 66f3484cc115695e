// Two goroutines send, each on an unbuffered channel of its own; a third one selects between the two: what does a value cost?

import { medium, thing } from '../channels.mjs'
import { expect } from '../harness/measure.mjs'
import { goProgram } from '../peers/go/build.mjs'

export const question = 'What does a value cost that a select of two unbuffered channels receives?'
export const unit = 'µs'
export const marks = [{ than: 'go', atMost: 1.5 }]
export const quick = 0.2

export const contenders = {
  goro: { n: 300_000, run: goro },
  '@thi.ng/csp': { n: 100_000, run: async (n) => inThread(await thing(), n) },
  medium: { n: 100_000, run: async (n) => inThread(await medium(), n) },
  go: { n: 500_000, run: (n) => goProgram('select2', n) },
}

async function goro(n) {
  const { chan, go, recv, select } = await import('goro')
  return await go(async () => {
    const run = async (n) => {
      const a = chan()
      const b = chan()
      const sender = async (ch, from, to) => {
        for (let i = from; i < to; i++) await ch.send(i)
      }
      const senders = [go(sender, a, 0, n / 2), go(sender, b, n / 2, n)]
      let sum = 0
      for (let i = 0; i < n; i++) sum += (await select({ a: recv(a), b: recv(b) })).value
      for (const each of senders) await each
      expect(sum, (n * (n - 1)) / 2)
    }
    await run(n / 10)
    const start = performance.now()
    await run(n)
    return ((performance.now() - start) * 1000) / n
  })
}

async function inThread({ chan, send, select }, n) {
  const run = async (n) => {
    const a = chan(0)
    const b = chan(0)
    const sender = async (ch, from, to) => {
      for (let i = from; i < to; i++) await send(ch, i)
    }
    const senders = [sender(a, 0, n / 2), sender(b, n / 2, n)]
    let sum = 0
    for (let i = 0; i < n; i++) sum += await select([a, b])
    for (const each of senders) await each
    expect(sum, (n * (n - 1)) / 2)
  }
  await run(n / 10)
  const start = performance.now()
  await run(n)
  return ((performance.now() - start) * 1000) / n
}
