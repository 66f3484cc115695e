// A goroutine that loses a select is waited for no longer: when main ends, it is no deadlock; if it fails, that is reported.
import { after, chan, go, select } from 'goro'

const fails = process.argv[2] === 'fails'
const gate = chan()
const loser = go(
  async (gate, fails) => {
    await gate.recv()
    if (fails) throw new RangeError('lost')
  },
  gate,
  fails,
)
const { case: first } = await select({ loser, timeout: after(1) })
const tried = select.try({ loser })
const both = go(async (gate) => gate.recv(), chan())
const [one, other] = await Promise.all([select({ both, timeout: after(1) }), select({ both, timeout: after(1) })])
console.log(first, tried, one.case, other.case)
if (fails) await gate.send()
