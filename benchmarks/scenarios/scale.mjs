// 4,000 tasks of about 50 µs each on 1 processor, on 2, and on 4 and 8, which are more than most machines that this is measured on
// have to spare: how much of a processor is lost when there are more of them? Beside it, how often threads stole, had to try again since another
// was quicker, and slept and were woken, for a goroutine on 2. `worker` says what the machine itself can do: bare Workers with an equal
// share each, one message for all of it.

import { worker } from '../contenders.mjs'
import { expect, fanOut, median } from '../harness/measure.mjs'
import { goProgram } from '../peers/go/build.mjs'
import { spin, spinMany } from '../tasks.mjs'

export const question = 'How much of each processor is used when there are more?'
export const unit = 'ms'
export const quick = 0.2

const processors = [1, 2, 4, 8]
const work = 36_000 // rounds of a task
const warmUps = 2 // turns before those that count
const turns = 3 // of each number of processors, alternating

const time = (n) => ({ question: `How long do 4,000 tasks of 50 µs take on ${n} processor${n === 1 ? '' : 's'}?` })

export const rows = {
  ...Object.fromEntries(processors.map((n) => [n, time(n)])),
  efficiency: {
    question: 'What part of two processors is used, where one is used wholly?',
    unit: 'of 1',
    more: true,
    marks: [{ atLeast: 0.97 }],
  },
  steals: { question: 'How many of a thousand tasks are stolen on 2 processors?', unit: 'per 1000' },
  casfailures: {
    question: 'How often does a thread try again, since another was quicker, for a thousand tasks on 2 processors?',
    unit: 'per 1000',
  },
  sleeps: {
    question: 'How often does a thread go to sleep, and is woken, for a thousand tasks on 2 processors?',
    unit: 'per 1000',
  },
}

export const contenders = {
  goro: { n: 4000, run: goro },
  worker: { n: 4000, run: workers },
  go: { n: 4000, run: async (n) => figuresOf(await goProgram('scale', n, work)) },
}

async function goro(n) {
  const { go, runtime } = await import('goro')
  const counts = () => {
    const { threads } = runtime.stats()
    const total = (key) => threads.reduce((sum, thread) => sum + thread[key], 0)
    return { steals: total('steals'), casfailures: total('casFailures'), sleeps: total('sleeps') }
  }
  const onTwo = { steals: [], casfailures: [], sleeps: [] }
  const times = await alternate(async (count) => {
    runtime.gomaxprocs(count)
    const before = counts()
    const ms = await tasks((rounds) => go(spin, rounds), n)
    const after = counts()
    if (count === 2) {
      for (const key of Object.keys(onTwo)) onTwo[key].push(((after[key] - before[key]) * 1000) / n)
    }
    return ms
  })
  const counted = Object.fromEntries(Object.entries(onTwo).map(([key, list]) => [key, median(list)]))
  return { ...figuresOf(times), ...counted }
}

async function workers(n) {
  const calls = new Map()
  for (const count of processors) calls.set(count, await worker(spinMany, count))
  const times = await alternate(async (count) => {
    const share = n / count
    const start = performance.now()
    const results = Array.from({ length: count }, () => calls.get(count)({ times: share, rounds: work }))
    let sum = 0
    for (const each of results) sum += await each
    const ms = performance.now() - start
    expect(sum, spin(work) * n)
    return ms
  })
  return figuresOf(times)
}

/** By number of processors, the milliseconds of each turn. */
async function alternate(run) {
  const times = {}
  for (let turn = -warmUps; turn < turns; turn++) {
    for (const count of processors) {
      const ms = await run(count)
      if (turn >= 0) times[count] = [...(times[count] ?? []), ms]
    }
  }
  return times
}

async function tasks(call, n) {
  const { ms, sum } = await fanOut(call, n, () => work)
  expect(sum, spin(work) * n)
  return ms
}

function figuresOf(times) {
  const medians = Object.fromEntries(Object.entries(times).map(([count, list]) => [count, median(list)]))
  return { ...medians, efficiency: medians[1] / (2 * medians[2]) }
}
