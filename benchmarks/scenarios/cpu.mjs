// 64 times fib(30), all started, then all awaited: does work of some length reach every core, and at what loss?

import { goro, piscina, plain, threads } from '../contenders.mjs'
import { expect, fanOut } from '../harness/measure.mjs'
import { goProgram } from '../peers/go/build.mjs'
import { fib } from '../tasks.mjs'

export const question = 'How long does each of 64 × fib(30) take when every core may help?'
export const unit = 'ms'

// One task at a time for each Piscina thread: with long tasks, those handed out early can't be moved to a free thread.
const oneAtATime = { concurrentTasksPerWorker: 1 }

export const contenders = {
  goro: { n: 64, run: (n) => perTask(goro(fib), n) },
  plain: { n: 64, run: (n) => perTask(plain(fib), n) },
  piscina: { n: 64, run: (n) => perTask(piscina(fib, oneAtATime), n) },
  go: { n: 64, run: (n) => goProgram('cpu', n) },
}

async function perTask(contender, n) {
  const call = await contender
  const thirty = () => 30
  await fanOut(call, 4 * threads, thirty)
  const { ms, sum } = await fanOut(call, n, thirty)
  expect(sum, n * 832_040)
  return ms / n
}
