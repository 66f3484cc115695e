// Ten million selects, each with a case that loses: does the shared memory stay flat, and the resident? The channel that wins has
// a value each time; in the second half it is a goroutine that sends, so that the select parks.

import { chan, go, runtime, select } from 'goro'

const million = 1_000_000
const limit = 1 // MiB of shared memory
const limitResident = 64 // MiB, of V8's heaps too

const used = () => runtime.stats().memory.used / 2 ** 20
const resident = () => process.memoryUsage.rss() / 2 ** 20

const [ready, never] = [chan(1), chan()]

async function inHand(count) {
  for (let i = 0; i < count; i++) {
    ready.trySend(i)
    const hit = await select({ ready, never })
    if (hit.case !== 'ready') throw new Error(`${hit.case} happened`)
  }
}

async function parked(count) {
  const values = chan()
  const sender = go(async () => {
    for (let i = 0; i < count; i++) await values.send(i)
  })
  for (let i = 0; i < count; i++) {
    const hit = await select({ values, never })
    if (hit.value !== i) throw new Error(`${hit.value} instead of ${i}`)
  }
  await sender
}

await inHand(million)
await parked(million / 4)
const [before, residentBefore] = [used(), resident()]
for (let done = 2; done <= 8; done += 2) {
  await inHand(2 * million)
  console.log(`${done} million at once: ${used().toFixed(1)} MiB used, ${resident().toFixed(0)} resident`)
}
for (let done = 1; done <= 2; done++) {
  await parked(million)
  console.log(`${done} million parked: ${used().toFixed(1)} MiB used, ${resident().toFixed(0)} resident`)
}
const [growth, growthResident] = [used() - before, resident() - residentBefore]
console.log(`grown by ${growth.toFixed(1)} MiB of shared memory and ${growthResident.toFixed(1)} resident`)
process.exitCode = growth <= limit && growthResident <= limitResident ? 0 : 1
