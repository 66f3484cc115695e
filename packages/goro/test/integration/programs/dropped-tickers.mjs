// Tickers and timers that nobody stopped, and nobody has any more, keep no thread that is one too many.
import { after, go, runtime, sleep, Ticker } from 'goro'

const leaves = (i) => {
  if (i % 2 === 0) new Ticker(3)
  else after(1e8)
  const end = performance.now() + 10
  while (performance.now() < end);
}
await Promise.all(Array.from({ length: 30 }, (_, i) => go(leaves, i)))
const before = runtime.numThread()
runtime.gomaxprocs(1)
while (runtime.numThread() > 1) await sleep(10)
console.log(JSON.stringify({ several: before > 1, result: await go(() => 2) }))
