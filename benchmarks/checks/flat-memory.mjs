// Ten million goroutines in a row: does resident memory stay flat? A hundred thousand are in flight at a time. The first
// two million are not counted: until then the heaps grow to the size they need.

import { go } from 'goro'

const million = 1_000_000
const batch = 100_000
const limit = 32 // MiB

let settled = 0
for (let done = 0; done < 12 * million; done += batch) {
  const goroutines = new Array(batch)
  for (let i = 0; i < batch; i++) goroutines[i] = go((x) => x + 1, i)
  for (let i = 0; i < batch; i++) if ((await goroutines[i]) !== i + 1) throw new Error(`wrong result for ${i}`)
  if ((done + batch) % (2 * million) === 0) {
    const resident = process.memoryUsage.rss() / 2 ** 20
    settled ||= resident
    console.log(`after ${(done + batch) / million} million: ${resident.toFixed(0)} MiB resident`)
  }
}
const growth = process.memoryUsage.rss() / 2 ** 20 - settled
console.log(`grown by ${growth.toFixed(1)} MiB in the last ten million`)
process.exitCode = growth <= limit ? 0 : 1
