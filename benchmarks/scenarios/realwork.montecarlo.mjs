// π by throwing darts, a task for 100,000 of them, whose hits are added up in shared memory (see realwork.mjs).

import { expect } from '../harness/measure.mjs'
import { goProgram } from '../peers/go/build.mjs'
import { contenders as all, realworkMarks } from '../realwork.mjs'
import { throwDarts } from '../work.mjs'

export const question = 'How long do 40 million darts take whose hits are counted in shared memory?'
export const unit = 'ms'
export const marks = realworkMarks
export const quick = 0.2

const times = 100_000 // darts of a task

export const contenders = { ...all(400, work, true), go: { n: 400, run: (n) => goProgram('realwork.montecarlo', n) } }

function work(n) {
  const shared = new SharedArrayBuffer(4)
  const hits = new Int32Array(shared)
  return {
    task: throwDarts,
    phases: () => {
      hits[0] = 0
      return [Array.from({ length: n }, (_, i) => ({ seed: (i + 1) * 2654435, times, shared }))]
    },
    check: () => expect(((4 * hits[0]) / (n * times)).toFixed(2), '3.14'),
  }
}
