// See memory.mjs.

import { parked, plain } from '../memory.mjs'
import { goProgram } from '../peers/go/build.mjs'

export const question = 'How many bytes of resident memory does each of 100,000 goroutines take that wait on a channel?'
export const unit = 'bytes'
export const quick = 0.1

export const contenders = {
  goro: { n: 100_000, run: parked },
  plain: { n: 100_000, run: plain },
  go: { n: 100_000, run: (n) => goProgram('memory.parked', n) },
}
