// One goroutine sends, another receives, over a channel with room for 1024: what does a number cost?

import { medium, thing } from '../channels.mjs'
import { goProgram } from '../peers/go/build.mjs'
import { goro, inThread, multithreading } from '../stream.mjs'

export const question = 'What does it cost to send and receive a number over a channel with room for 1024?'
export const unit = 'µs'
export const marks = [{ than: 'go', atMost: 2 }]
export const quick = 0.2

const shape = { senders: 1, receivers: 1, capacity: 1024, objects: false }

export const contenders = {
  goro: { n: 1_000_000, run: (n) => goro(n, shape) },
  '@thi.ng/csp': { n: 200_000, run: async (n) => inThread(await thing(), n, shape) },
  medium: { n: 200_000, run: async (n) => inThread(await medium(), n, shape) },
  multithreading: { n: 20_000, run: (n) => multithreading(n, shape) },
  go: { n: 1_000_000, run: (n) => goProgram('buffered.numbers', n) },
}
