// See parked.mjs.

import { medium } from '../channels.mjs'
import { goro, inThread, plain } from '../parked.mjs'
import { goProgram } from '../peers/go/build.mjs'

export const question =
  'How many bytes of resident memory does each of a million goroutines take that wait on a channel?'
export const unit = 'bytes'
export const marks = [{ than: 'go', atMost: 0.3 }]
export const quick = 0.1

// @thi.ng/csp lets no more than 1024 wait.
export const contenders = {
  goro: { n: 1_000_000, run: async (n) => (await goro(n)).bytes },
  plain: { n: 1_000_000, run: async (n) => (await plain(n)).bytes },
  medium: { n: 1_000_000, run: async (n) => (await inThread(await medium(), n)).bytes },
  go: { n: 1_000_000, run: async (n) => (await goProgram('parked', n)).bytes },
}
