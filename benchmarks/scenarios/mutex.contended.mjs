// Eight goroutines take and free one mutex: what does it cost when all want it?

import { goro, multithreading } from '../mutex.mjs'
import { goProgram } from '../peers/go/build.mjs'

export const question = 'What does it cost to lock and unlock a mutex that seven others want?'
export const unit = 'µs'
export const marks = [{ than: 'go', atMost: 3 }]
export const quick = 0.2

export const contenders = {
  goro: { n: 400_000, run: (n) => goro(n, 8) },
  multithreading: { n: 20_000, run: (n) => multithreading(n, 8) },
  go: { n: 400_000, run: (n) => goProgram('mutex', n, 8) },
}
