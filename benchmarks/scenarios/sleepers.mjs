// A million goroutines that sleep for a second, all at once: how much longer than that second does it take?

import { goProgram } from '../peers/go/build.mjs'

export const question = 'How long beyond the second do a million goroutines take that sleep for one?'
export const unit = 'ms'
export const marks = [{ than: 'go', atMost: 1.5 }]
export const quick = 0.1

export const contenders = {
  goro: { n: 1_000_000, run: goro },
  plain: { n: 1_000_000, run: plain },
  go: { n: 1_000_000, run: (n) => goProgram('sleepers', n) },
}

async function goro(n) {
  const { go, sleep } = await import('goro')
  return time(n, (ms) => go(async (ms) => sleep(ms), ms))
}

async function plain(n) {
  return time(n, (ms) => new Promise((resolve) => setTimeout(resolve, ms)))
}

async function time(n, sleeper) {
  const warmUp = []
  for (let i = 0; i < n / 100; i++) warmUp.push(sleeper(1))
  for (const each of warmUp) await each
  const sleepers = new Array(n)
  const start = performance.now()
  for (let i = 0; i < n; i++) sleepers[i] = sleeper(1000)
  for (let i = 0; i < n; i++) await sleepers[i]
  return performance.now() - start - 1000
}
