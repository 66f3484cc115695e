// Each goroutine computes until one that was started after it has run: with the processors taken, only the monitor helps.
import { go, runtime } from 'goro'

const flags = new Int32Array(new SharedArrayBuffer(4 * 8))
function computeUntil(flags, i) {
  while (Atomics.load(flags, i) === 0);
  return i
}
const N = runtime.gomaxprocs()
const long = Array.from({ length: N }, (_, i) => go(computeUntil, flags, i))
// What each of them has started itself waits behind it.
const parent = go(
  (flags, i) => {
    go((flags, i) => Atomics.store(flags, i, 1), flags, i)
    while (Atomics.load(flags, i) === 0);
    return 'its child ran'
  },
  flags,
  N,
)
const release = go(
  (flags, n) => {
    for (let i = 0; i < n; i++) Atomics.store(flags, i, 1)
  },
  flags,
  N,
)
console.log(JSON.stringify([await Promise.all(long), await parent, await release]))
const { processors, gomaxprocs } = runtime.stats()
if (processors.length !== gomaxprocs) throw new Error(JSON.stringify(processors))
