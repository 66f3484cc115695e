// A thousand goroutines, each of which starts a thousand more and adds up what they return: what does one cost that is started
// where goroutines run, instead of by the main thread? Skynet has the same question with a deeper tree, whose nodes wait.

import { expect } from '../harness/measure.mjs'
import { goProgram } from '../peers/go/build.mjs'

export const question = 'What does one tiny task cost that a goroutine starts, a thousand in each of a thousand?'
export const unit = 'µs'
export const marks = [{ than: 'go', atMost: 1.2 }]
export const quick = 0.1 // of n, with --quick

const children = 1000 // of each goroutine

// The pools have no tasks that start tasks.
export const contenders = {
  goro: { n: 1_000_000, run: goro },
  plain: { n: 1_000_000, run: plain },
  go: { n: 1_000_000, run: (n) => goProgram('nested', n) },
}

async function goro(n) {
  const { go } = await import('goro')
  const child = (x) => x + 1
  const parent = async (from) => {
    const started = new Array(children)
    for (let i = 0; i < children; i++) started[i] = go(child, from + i)
    let sum = 0
    for (let i = 0; i < children; i++) sum += await started[i]
    return sum
  }
  return time(n, (from) => go(parent, from))
}

async function plain(n) {
  const child = async (x) => x + 1
  const parent = async (from) => {
    const started = new Array(children)
    for (let i = 0; i < children; i++) started[i] = child(from + i)
    let sum = 0
    for (let i = 0; i < children; i++) sum += await started[i]
    return sum
  }
  return time(n, parent)
}

/** Microseconds for each of `n`. */
async function time(n, parent) {
  const run = async (n) => {
    const parents = []
    for (let from = 0; from < n; from += children) parents.push(parent(from))
    let sum = 0
    for (const each of parents) sum += await each
    expect(sum, (n * (n + 1)) / 2)
  }
  for (let round = 0; round < 3; round++) await run(n / 10)
  const start = performance.now()
  await run(n)
  return ((performance.now() - start) * 1000) / n
}
