// See payload.mjs.

import { expect } from '../harness/measure.mjs'
import { contenders as hand, payloadRows } from '../payload.mjs'
import { endsOfBuffer } from '../tasks.mjs'

export const question = 'What does a call cost with a SharedArrayBuffer?'
export const unit = 'µs'
export const marks = [{ than: 'piscina', atMost: 1 }]
export const quick = 0.2
export const chart = 'lines'
export const rows = payloadRows((size) => `a SharedArrayBuffer of ${size}`)

export const contenders = hand({
  task: endsOfBuffer,
  make: (size) => {
    const buffer = new SharedArrayBuffer(size)
    new Uint8Array(buffer).fill(7)
    return buffer
  },
  check: (result) => expect(result, 14),
  isShared: true,
})
