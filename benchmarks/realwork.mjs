// Work as programs have it, cut into tasks that are all started and then all awaited: how long does the whole take?

import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { goro, multithreading, piscina, plain, poolifier, shares, tinypool, workerpool } from './contenders.mjs'
import { median, warmUp } from './harness/measure.mjs'

/** What goro is to reach. */
export const realworkMarks = [
  { than: 'plain', atMost: 1 / 1.85 },
  { than: 'pools', atMost: 1 },
]

// With long tasks, those handed out early can't be moved to a free thread: one at a time for each.
const oneAtATime = { concurrentTasksPerWorker: 1 }

/**
 * The contenders of a scenario. `work(n)` prepares it: `{ task, phases, check }`, where each phase is a list of arguments for `task`, begun
 * when the one before has ended, and `check(results)` of the last phase throws if they are wrong. `isAlone`: the task uses
 * nothing but its argument, so that it can be shipped as text.
 */
export function contenders(n, work, isAlone) {
  const contender = (start, ...settings) => ({
    n,
    run: async (n) => {
      const prepared = work(n)
      return measure(await start(prepared.task, ...settings), prepared)
    },
  })
  return {
    goro: contender(goro),
    plain: contender(plain),
    worker: contender(shares),
    piscina: contender(piscina, { atomics: 'sync', ...oneAtATime }),
    tinypool: contender(tinypool, { useAtomics: false, ...oneAtATime }),
    workerpool: contender(workerpool),
    poolifier: contender(poolifier),
    ...(isAlone && { multithreading: contender(multithreading) }),
  }
}

/** Milliseconds for all of it: the median of three times, warm. */
export async function measure(call, { phases, check }) {
  const work = async () => {
    let results
    for (const phase of phases()) results = await Promise.all(phase.map((argument) => call(argument)))
    check(results)
  }
  await warmUp(work)
  const times = []
  for (let turn = 0; turn < 3; turn++) {
    const start = performance.now()
    await work()
    times.push(performance.now() - start)
  }
  return median(times)
}

/** `n` JavaScript files of some kilobytes each, the same as long as the lockfile is; after some 600 they begin again. */
export function sourceFiles(n) {
  const folder = fileURLToPath(new URL('node_modules/echarts/lib/', import.meta.url))
  const files = readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.js'))
    .sort()
  return Array.from({ length: n }, (_, i) => folder + files[i % files.length])
}
