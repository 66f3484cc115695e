// A million channels, each made, used and dropped, four times over: does memory stay flat? A channel's bytes are given back when V8
// collects its handle, which it does when its own heap has grown, so the first million is not counted. Then the same from goroutines.

import { chan, go, runtime } from 'goro'

const million = 1_000_000
const limit = 48 // MiB of shared memory
const limitResident = 96 // MiB, of V8's heaps too

const used = () => runtime.stats().memory.used / 2 ** 20
const resident = () => process.memoryUsage.rss() / 2 ** 20

async function use(count) {
  for (let i = 0; i < count; i++) {
    const ch = chan(1)
    await ch.send({ i, text: 'a value with some text in it' })
    await ch.recv()
    // What has been collected is given back in a turn of the event loop.
    if (i % 1000 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
}

const there = () => Promise.all(Array.from({ length: 4 }, () => go(use, million / 4)))

await use(million)
await there()
const [before, residentBefore] = [used(), resident()]
for (let done = 1; done <= 4; done++) {
  await use(million)
  console.log(`${done} million by the main thread: ${used().toFixed(1)} MiB used, ${resident().toFixed(0)} resident`)
}
for (let done = 1; done <= 4; done++) {
  await there()
  console.log(`${done} million by goroutines: ${used().toFixed(1)} MiB used, ${resident().toFixed(0)} resident`)
}
const [growth, growthResident] = [used() - before, resident() - residentBefore]
console.log(`grown by ${growth.toFixed(1)} MiB of shared memory and ${growthResident.toFixed(1)} resident`)
process.exitCode = growth <= limit && growthResident <= limitResident ? 0 : 1
