// N calls of x => x + 1, each awaited before the next is started: what does a round trip to another thread cost?

import { goro, multithreading, piscina, plain, poolifier, tinypool, worker, workerpool } from '../contenders.mjs'
import { expect, oneByOne } from '../harness/measure.mjs'
import { goProgram } from '../peers/go/build.mjs'
import { addOne } from '../tasks.mjs'

export const question = 'What does one tiny task cost when each is awaited before the next is started?'
export const unit = 'µs'
export const marks = [{ than: 'pools', atMost: 1 / 10 }]
export const quick = 0.1 // of n, with --quick

export const contenders = {
  goro: { n: 50_000, run: (n) => perTask(goro(addOne), n) },
  plain: { n: 1_000_000, run: (n) => perTask(plain(addOne), n) },
  worker: { n: 5_000, run: (n) => perTask(worker(addOne), n) },
  piscina: { n: 5_000, run: (n) => perTask(piscina(addOne), n) },
  tinypool: { n: 5_000, run: (n) => perTask(tinypool(addOne), n) },
  workerpool: { n: 5_000, run: (n) => perTask(workerpool(addOne), n) },
  poolifier: { n: 5_000, run: (n) => perTask(poolifier(addOne), n) },
  multithreading: { n: 5_000, run: (n) => perTask(multithreading(addOne), n) },
  go: { n: 1_000_000, run: (n) => goProgram('sequential', n) },
}

async function perTask(contender, n) {
  const call = await contender
  await oneByOne(call, n / 5)
  const { ms, sum } = await oneByOne(call, n)
  expect(sum, (n * (n + 1)) / 2)
  return (ms * 1000) / n
}
