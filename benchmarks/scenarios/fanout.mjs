// N calls of x => x + 1, all started, then all awaited: what does one task cost when very many are in flight?

import { goro, multithreading, piscina, plain, poolifier, tinypool, worker, workerpool } from '../contenders.mjs'
import { expect, fanOut } from '../harness/measure.mjs'
import { goProgram } from '../peers/go/build.mjs'
import { addOne } from '../tasks.mjs'

export const question = 'What does one tiny task cost when all are started and then all are awaited?'
export const unit = 'µs'
export const marks = [
  { than: 'go', atMost: 1 },
  { than: 'pools', atMost: 1 / 50 },
]
export const quick = 0.1 // of n, with --quick

export const contenders = {
  goro: { n: 1_000_000, run: (n) => perTask(goro(addOne), n) },
  plain: { n: 1_000_000, run: (n) => perTask(plain(addOne), n) },
  worker: { n: 50_000, run: (n) => perTask(worker(addOne), n) },
  piscina: { n: 50_000, run: (n) => perTask(piscina(addOne), n) },
  tinypool: { n: 50_000, run: (n) => perTask(tinypool(addOne), n) },
  workerpool: { n: 50_000, run: (n) => perTask(workerpool(addOne), n) },
  poolifier: { n: 50_000, run: (n) => perTask(poolifier(addOne), n) },
  multithreading: { n: 50_000, run: (n) => perTask(multithreading(addOne), n) },
  go: { n: 1_000_000, run: (n) => goProgram('fanout', n) },
}

async function perTask(contender, n) {
  const call = await contender
  for (let round = 0; round < 3; round++) await fanOut(call, n / 10)
  const { ms, sum } = await fanOut(call, n)
  expect(sum, (n * (n + 1)) / 2)
  return (ms * 1000) / n
}
