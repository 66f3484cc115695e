// See payload.mjs.

import { expect } from '../harness/measure.mjs'
import { contenders as hand, payloadRows } from '../payload.mjs'
import { echo } from '../tasks.mjs'

export const question = 'What does a call cost with a string as an argument and as the result?'
export const unit = 'µs'
export const marks = [{ than: 'piscina', atMost: 1 }]
export const quick = 0.2
export const chart = 'lines'
export const rows = payloadRows((size) => `a string of ${size} for its argument and its result`)

export const contenders = hand({
  task: echo,
  // What is only said to be repeated has no characters of its own until somebody asks for one.
  make: (size) => Buffer.alloc(size, 'All work and no play. ').toString('latin1'),
  check: (result, argument) => expect(result === argument, true),
  most: 2 ** 26,
})
