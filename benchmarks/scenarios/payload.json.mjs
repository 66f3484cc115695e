// See payload.mjs.

import { expectSame, contenders as hand, payloadRows, records } from '../payload.mjs'
import { echo } from '../tasks.mjs'

export const question = 'What does a call cost with objects as an argument and as the result?'
export const unit = 'µs'
export const marks = [{ than: 'piscina', atMost: 1 }]
export const quick = 0.2
export const chart = 'lines'
export const rows = payloadRows((size) => `objects of ${size} as JSON for its argument and its result`)

export const contenders = hand({ task: echo, make: records, check: expectSame, most: 2 ** 24 })
