// See payload.mjs.

import { expect } from '../harness/measure.mjs'
import { contenders as hand, payloadRows } from '../payload.mjs'
import { endsOfBuffer } from '../tasks.mjs'

export const question = 'What does a call cost with an ArrayBuffer that is transferred?'
export const unit = 'µs'
export const marks = [{ than: 'piscina', atMost: 1 }]
export const quick = 0.2
export const chart = 'lines'
export const rows = payloadRows((size) => `an ArrayBuffer of ${size} that is transferred`)

export const contenders = hand({
  task: endsOfBuffer,
  make: (size) => new Uint8Array(size).fill(7).buffer,
  check: (result) => expect(result, 14),
  isMoved: true,
  most: 2 ** 27,
})
