// See memory.mjs.

import { queued } from '../memory.mjs'
import { goProgram } from '../peers/go/build.mjs'

export const question = 'How many bytes of resident memory does each of 50,000 goroutines take that have not begun?'
export const unit = 'bytes'
export const quick = 0.1

export const contenders = {
  goro: { n: 50_000, run: queued },
  go: { n: 50_000, run: (n) => goProgram('memory.queued', n) },
}
