// The smallest task from which it pays to hand it over: many equal tasks run in a plain loop on one thread, then by the
// contender on all cores, and the length of the task is searched at which the contender begins to win. The length is
// set as a number of rounds of it, never by a clock; what is reported is the time the plain loop takes for one task
// of that length, in the same process.

import { goro, multithreading, piscina, poolifier, tinypool, worker, workerpool } from '../contenders.mjs'
import { expect, fanOut } from '../harness/measure.mjs'
import { goProgram } from '../peers/go/build.mjs'
import { spin } from '../tasks.mjs'

export const question = 'From how much work a task on does it pay to start it on all cores instead of looping?'
export const unit = 'µs'
export const marks = [{ atMost: 1.5 }]

// `n` is how many tasks a comparison has at most; long ones have fewer, so that it takes some 30 ms of work.
export const contenders = {
  goro: { n: 40_000, run: async (n) => smallestGrain(inThisProcess(await goro(spin)), n) },
  worker: { n: 2_000, run: async (n) => smallestGrain(inThisProcess(await worker(spin)), n) },
  piscina: { n: 2_000, run: async (n) => smallestGrain(inThisProcess(await piscina(spin)), n) },
  tinypool: { n: 2_000, run: async (n) => smallestGrain(inThisProcess(await tinypool(spin)), n) },
  workerpool: { n: 2_000, run: async (n) => smallestGrain(inThisProcess(await workerpool(spin)), n) },
  poolifier: { n: 2_000, run: async (n) => smallestGrain(inThisProcess(await poolifier(spin)), n) },
  multithreading: { n: 2_000, run: async (n) => smallestGrain(inThisProcess(await multithreading(spin)), n) },
  go: { n: 40_000, run: (n) => smallestGrain((rounds, tasks) => goProgram('grain', tasks, rounds), n) },
}

const shortest = 32 // rounds, about 0.05 µs
const step = 1.15
const rungs = 80 // the longest is 32 × 1.15^80, about 4 ms
const workOfOneComparison = 20_000_000 // rounds

/** Binary search over the rungs for the first one where the contender wins. Infinity: it never does. */
async function smallestGrain(compare, n) {
  const at = (rung) => {
    const rounds = Math.round(shortest * step ** rung)
    return compare(rounds, Math.min(n, Math.max(200, Math.floor(workOfOneComparison / rounds))))
  }
  await at(rungs / 2) // threads started, code compiled
  let low = 0
  let high = rungs + 1
  let grain = Infinity
  while (low < high) {
    const middle = (low + high) >> 1
    const { loop, spread } = await at(middle)
    if (spread < loop) {
      high = middle
      grain = loop
    } else {
      low = middle + 1
    }
  }
  return grain
}

/**
 * One comparison: µs for each task in the loop and spread over the cores. The best of five alternating turns on both
 * sides, since what disturbs a turn can only lengthen it, and one wrong answer would lead the search astray.
 */
function inThisProcess(call) {
  return async (rounds, n) => {
    const best = { loop: Infinity, spread: Infinity }
    for (let turn = 0; turn < 5; turn++) {
      const loop = plainLoop(rounds, n)
      const { ms, sum } = await fanOut(call, n, () => rounds)
      expect(sum, loop.sum)
      best.loop = Math.min(best.loop, (loop.ms * 1000) / n)
      best.spread = Math.min(best.spread, (ms * 1000) / n)
    }
    return best
  }
}

function plainLoop(rounds, n) {
  const start = performance.now()
  let sum = 0
  for (let i = 0; i < n; i++) sum += spin(rounds)
  return { ms: performance.now() - start, sum }
}
