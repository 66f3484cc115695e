// A thread whose processor is taken in its sleep ends when it next looks, and does not go to sleep again before that.
import { go, runtime } from 'goro'

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
await go(() => 1)
const asleep = () => runtime.stats().threads.filter(({ state }) => state === 'sleeping')
while (asleep().length < 2) await pause(10)
const before = new Map(asleep().map(({ id, sleeps }) => [id, sleeps]))
runtime.gomaxprocs(1)
let again = 0
while (runtime.numThread() > 1) {
  const spare = runtime.stats().threads.find(({ state }) => state === 'spare')
  if (spare !== undefined) again = Math.max(again, spare.sleeps - before.get(spare.id))
  await pause(10)
}
console.log(JSON.stringify({ again, result: await go(() => 2) }))
