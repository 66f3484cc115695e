// See memory.mjs.

import { running } from '../memory.mjs'
import { goProgram } from '../peers/go/build.mjs'

export const question =
  'How many bytes of resident memory does each of 30,000 goroutines take that have begun and are ready to go on?'
export const unit = 'bytes'
export const quick = 0.1

export const contenders = {
  goro: { n: 30_000, run: running },
  go: { n: 30_000, run: (n) => goProgram('memory.running', n) },
}
