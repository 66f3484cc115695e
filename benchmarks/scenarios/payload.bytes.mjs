// See payload.mjs.

import { expect } from '../harness/measure.mjs'
import { contenders as hand, payloadRows } from '../payload.mjs'
import { echo } from '../tasks.mjs'

export const question = 'What does a call cost with a typed array, copied, as an argument and as the result?'
export const unit = 'µs'
export const marks = [{ than: 'piscina', atMost: 1 }]
export const quick = 0.2
export const chart = 'lines'
export const rows = payloadRows((size) => `a copied Uint8Array of ${size} for its argument and its result`)

// multithreading can't send a typed array.
export const contenders = hand(
  {
    task: echo,
    make: (size) => new Uint8Array(size).fill(7),
    check: (result, argument) => {
      expect(result.length, argument.length)
      expect(result[0] + result[result.length - 1], 14)
    },
    most: 2 ** 27,
  },
  false,
)
