// See parked.mjs.

import { medium } from '../channels.mjs'
import { goro, inThread, plain } from '../parked.mjs'
import { goProgram } from '../peers/go/build.mjs'

export const question = 'How long does each of a million goroutines take to start, wait on a channel, be woken and end?'
export const unit = 'µs'
export const quick = 0.1

// @thi.ng/csp lets no more than 1024 wait.
export const contenders = {
  goro: { n: 1_000_000, run: async (n) => (await goro(n)).time },
  plain: { n: 1_000_000, run: async (n) => (await plain(n)).time },
  medium: { n: 1_000_000, run: async (n) => (await inThread(await medium(), n)).time },
  go: { n: 1_000_000, run: async (n) => (await goProgram('parked', n)).time },
}
