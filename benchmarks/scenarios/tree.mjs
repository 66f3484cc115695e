// fib(N), a goroutine for each call, down to fib(20), from where on it is a plain call of about 0.1 ms: what is left of the
// processors when work divides itself, and each half waits for its own two halves? With N = 36 that is 3,192 goroutines.

import { expect, warmUp } from '../harness/measure.mjs'
import { goProgram } from '../peers/go/build.mjs'

export const question = 'How long does a recursive fib(36) take, with a goroutine for each call down to fib(20)?'
export const unit = 'ms'
export const marks = [{ than: 'plain', atMost: 1 / 1.85 }]

const grain = 20

export const contenders = {
  goro: { n: 36, run: goro },
  plain: { n: 36, run: plain },
  go: { n: 36, run: (n) => goProgram('tree', n) },
}

async function goro(n) {
  const { go } = await import('goro')
  const tree = async (n) => {
    if (n <= grain) return fib(n)
    const left = go(tree, n - 1)
    const right = go(tree, n - 2)
    return (await left) + (await right)
  }
  return time(n, (n) => go(tree, n))
}

async function plain(n) {
  const tree = async (n) => {
    if (n <= grain) return fib(n)
    const left = tree(n - 1)
    const right = tree(n - 2)
    return (await left) + (await right)
  }
  return time(n, tree)
}

function fib(n) {
  return n < 2 ? n : fib(n - 1) + fib(n - 2)
}

async function time(n, tree) {
  await warmUp(() => tree(n))
  const start = performance.now()
  const result = await tree(n)
  const ms = performance.now() - start
  expect(result, fibonacci(n))
  return ms
}

function fibonacci(n) {
  let [a, b] = [0, 1]
  for (let i = 0; i < n; i++) [a, b] = [b, a + b]
  return a
}
