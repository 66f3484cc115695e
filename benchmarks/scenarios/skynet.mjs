// A goroutine starts ten, each of them ten, down to a million at the bottom, which return their number; each adds up what its ten
// return (https://github.com/atemerev/skynet): what does it cost to start very many that wait for one another?

import { expect } from '../harness/measure.mjs'
import { goProgram } from '../peers/go/build.mjs'

export const question = 'How long does a tree of a million goroutines take that add up their numbers?'
export const unit = 'ms'
export const marks = [{ than: 'go', atMost: 1.2 }]
export const quick = 0.1

export const contenders = {
  goro: { n: 1_000_000, run: goro },
  plain: { n: 1_000_000, run: plain },
  go: { n: 1_000_000, run: (n) => goProgram('skynet', n) },
}

async function goro(n) {
  const { go } = await import('goro')
  const skynet = async (number, size) => {
    if (size === 1) return number
    const children = []
    for (let i = 0; i < 10; i++) children.push(go(skynet, number + (i * size) / 10, size / 10))
    let sum = 0
    for (const child of children) sum += await child
    return sum
  }
  return time((number, size) => go(skynet, number, size), n)
}

async function plain(n) {
  const skynet = async (number, size) => {
    if (size === 1) return number
    const children = []
    for (let i = 0; i < 10; i++) children.push(skynet(number + (i * size) / 10, size / 10))
    let sum = 0
    for (const child of children) sum += await child
    return sum
  }
  return time(skynet, n)
}

async function time(skynet, n) {
  await skynet(0, n / 10)
  const start = performance.now()
  const sum = await skynet(0, n)
  const ms = performance.now() - start
  expect(sum, (n * (n - 1)) / 2)
  return ms
}
