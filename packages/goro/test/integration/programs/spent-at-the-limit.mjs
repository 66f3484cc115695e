// The thread of a goroutine that ends locked ends; the next one is started, also when there may be no more than one.
import { go, runtime } from 'goro'

runtime.configure({ maxProcs: 1, maxThreads: 1 })
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const one = () => go(() => require('goro').runtime.lockOSThread())
await one()
await sleep(400)
const results = []
for (let i = 0; i < 5; i++) {
  await one()
  results.push(await go((x) => x, i))
}
console.log(JSON.stringify(results))
