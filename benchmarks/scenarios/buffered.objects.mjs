// One goroutine sends, another receives, over a channel with room for 1024: what does an object of a kilobyte cost?

import { medium, thing } from '../channels.mjs'
import { goProgram } from '../peers/go/build.mjs'
import { goro, inThread } from '../stream.mjs'

export const question =
  'What does it cost to send and receive an object of a kilobyte over a channel with room for 1024?'
export const unit = 'µs'
export const quick = 0.2

const shape = { senders: 1, receivers: 1, capacity: 1024, objects: true }

// multithreading has room for 64 KiB in a channel, however long it is.
export const contenders = {
  goro: { n: 50_000, run: (n) => goro(n, shape) },
  '@thi.ng/csp': { n: 50_000, run: async (n) => inThread(await thing(), n, shape) },
  medium: { n: 50_000, run: async (n) => inThread(await medium(), n, shape) },
  go: { n: 50_000, run: (n) => goProgram('buffered.objects', n) },
}
