// One thread of two starts, the other never does: everything runs on the one.
// Without the compiler: threads have nothing to start with but what is said here.
import { go, runtime } from 'goro'

runtime.configure({ maxProcs: 2, execArgv: ['--import', new URL('fails-to-start.mjs', import.meta.url).href] })
const work = (i) => {
  const end = performance.now() + 1
  while (performance.now() < end);
  return i
}
const outcomes = async (from) =>
  (await Promise.all(Array.from({ length: 300 }, (_, i) => go(work, from + i)))).every((x, i) => x === from + i)
console.log(await outcomes(0), await outcomes(1000), runtime.numGoroutine())
