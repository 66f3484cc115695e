// A timer that nobody waits for any more: `taken`, a select took another case; `stopped`, while the main thread waits for a
// channel that nobody can send to.
import { setTimeout as later } from 'node:timers/promises'
import { after, chan, select, Timer } from 'goro'

if (process.argv[2] === 'taken') {
  await select({ first: later(20), late: after(600_000) })
  console.log('main ends')
} else {
  const timer = new Timer(600_000)
  setTimeout(() => timer.stop(), 20)
  await chan().recv()
}
