import { go, runtime } from 'goro'

runtime.configure({ maxProcs: 2 })
const ran = new Int32Array(new SharedArrayBuffer(4))
const parent = go(() => {
  // Started on another thread while this one computes, then still waiting when this one dies.
  go(async () => {
    await new Promise((resolve) => setTimeout(resolve, 200))
    Atomics.store(ran, 0, 2)
  })
  go(() => Atomics.compareExchange(ran, 0, 0, 1))
  const end = performance.now() + 100
  while (performance.now() < end);
  process.exit(1)
}).catch((error) => error.name)
const name = await parent
const end = performance.now() + 5000
while (runtime.numGoroutine() > 0 && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 10))
console.log(JSON.stringify({ parent: name, childRan: Atomics.load(ran, 0) > 0, live: runtime.numGoroutine() }))
