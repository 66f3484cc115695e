// node benchmarks/tune.mjs [POOL…]
//
// Which settings make each pool fastest? Tries all of them in turns, each in a process of its own, and prints the
// medians. The winners are what contenders.mjs and the scenarios use; run it again when a pool has a new version.

import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import * as contenders from './contenders.mjs'
import { fanOut, median, oneByOne } from './harness/measure.mjs'
import { addOne } from './tasks.mjs'

const inFlight = [1, 8, 64, 512, 4096]

const candidates = {
  piscina: ['sync', 'async', 'disabled'].flatMap((atomics) =>
    inFlight.map((concurrentTasksPerWorker) => ({ atomics, concurrentTasksPerWorker })),
  ),
  tinypool: [true, false].flatMap((useAtomics) =>
    inFlight.map((concurrentTasksPerWorker) => ({ useAtomics, concurrentTasksPerWorker })),
  ),
  workerpool: [{ queueStrategy: 'fifo' }, { queueStrategy: 'lifo' }],
  poolifier: [
    { workerChoiceStrategy: 'ROUND_ROBIN' },
    { workerChoiceStrategy: 'LEAST_USED' },
    { workerChoiceStrategy: 'FAIR_SHARE' },
    ...inFlight.flatMap((concurrency) =>
      [true, false].map((taskStealing) => ({
        enableTasksQueue: true,
        tasksQueueOptions: { concurrency, taskStealing, tasksStealingOnBackPressure: taskStealing },
      })),
    ),
  ],
}

if (process.argv[2] === '--one') {
  const [pool, settings] = process.argv.slice(3)
  const call = await contenders[pool](addOne, JSON.parse(settings))
  await fanOut(call, 5_000)
  await oneByOne(call, 500)
  const many = await fanOut(call, 20_000)
  const few = await oneByOne(call, 3_000)
  console.log(JSON.stringify([many.ms / 20, few.ms / 3]))
  process.exit(0)
}

const self = fileURLToPath(import.meta.url)
const pools = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(candidates)
const rounds = 3
for (const pool of pools) {
  const rows = candidates[pool].map((settings) => ({ settings: JSON.stringify(settings), fanout: [], sequential: [] }))
  for (let round = 0; round < rounds; round++) {
    for (const row of rows) {
      const [many, few] = JSON.parse(execFileSync(process.execPath, [self, '--one', pool, row.settings]))
      row.fanout.push(many)
      row.sequential.push(few)
    }
  }
  console.log(`\n${pool}, µs a task`)
  console.table(
    rows.map(({ settings, fanout, sequential }) => ({
      settings,
      fanout: Number(median(fanout).toFixed(1)),
      sequential: Number(median(sequential).toFixed(1)),
    })),
  )
}
