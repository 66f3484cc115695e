// GOMAXPROCS is never more than there may be threads.
import { go, runtime } from 'goro'

runtime.configure({ maxProcs: 1, maxThreads: 2 })
await go(() => 1)
runtime.gomaxprocs(4)
const results = await Promise.all([1, 2, 3, 4, 5, 6].map((x) => go((x) => x, x)))
console.log(results.length, runtime.gomaxprocs(), runtime.numThread())
