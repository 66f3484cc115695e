// One goroutine takes and frees a mutex that nobody else wants: what does it cost?

import { goro, multithreading } from '../mutex.mjs'
import { goProgram } from '../peers/go/build.mjs'

export const question = 'What does it cost to lock and unlock a mutex that nobody else wants?'
export const unit = 'µs'
export const quick = 0.2

export const contenders = {
  goro: { n: 1_000_000, run: (n) => goro(n, 1) },
  multithreading: { n: 20_000, run: (n) => multithreading(n, 1) },
  go: { n: 1_000_000, run: (n) => goProgram('mutex', n, 1) },
}
