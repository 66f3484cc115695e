// Two goroutines on one processor hand a number to and fro over two unbuffered channels: what does a round trip cost when
// nobody has to be woken?

import { medium, thing } from '../channels.mjs'
import { expect } from '../harness/measure.mjs'
import { goProgram } from '../peers/go/build.mjs'

export const question = 'What does a round trip over two unbuffered channels cost on one processor?'
export const unit = 'µs'
export const marks = [{ than: 'go', atMost: 1 }]
export const quick = 0.2

export const contenders = {
  goro: { n: 500_000, env: { GOMAXPROCS: '1' }, run: goro },
  '@thi.ng/csp': { n: 200_000, run: async (n) => inThread(await thing(), n) },
  medium: { n: 500_000, run: async (n) => inThread(await medium(), n) },
  go: { n: 500_000, run: (n) => goProgram('pingpong.local', n) },
}

async function goro(n) {
  const { chan, go } = await import('goro')
  const there = chan()
  const back = chan()
  return await go(async () => {
    const pong = go(async () => {
      for (let i = 0; i < n + n / 10; i++) await back.send((await there.recv()) + 1)
    })
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

async function inThread({ chan, send, recv }, n) {
  const there = chan(0)
  const back = chan(0)
  const pong = async (n) => {
    for (let i = 0; i < n; i++) await send(back, (await recv(there)) + 1)
  }
  let sum = 0
  const rally = async (n) => {
    for (let i = 0; i < n; i++) {
      await send(there, i)
      sum += await recv(back)
    }
  }
  const other = pong(n + n / 10)
  await rally(n / 10)
  sum = 0
  const start = performance.now()
  await rally(n)
  const ms = performance.now() - start
  await other
  expect(sum, (n * (n + 1)) / 2)
  return (ms * 1000) / n
}
