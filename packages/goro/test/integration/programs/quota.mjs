// The CPU quota changes while goroutines run: the number of processors follows it, until the program says how many there are to be.
import { writeFileSync } from 'node:fs'
import { go, runtime } from 'goro'

const [file] = process.argv.slice(2)
const setQuota = (cpus) => writeFileSync(file, `${cpus * 100_000} 100000\n`)
const spin = (n) => {
  for (let i = 0; i < 100_000; i++) n = (n * 1103515245 + 12345) | 0
  return 1
}
let started = 0
let ended = 0
async function work(until) {
  while (!until()) {
    const gs = Array.from({ length: 20 }, (_, i) => go(spin, i))
    started += gs.length
    for (const g of gs) ended += await g
  }
}

const seen = [runtime.gomaxprocs()]
const isFollowed = process.env.GOMAXPROCS === undefined
if (isFollowed) {
  for (const [quota, procs] of [
    [5.5, 6],
    [0.5, 2],
    [4, 4],
  ]) {
    setQuota(quota)
    await work(() => runtime.gomaxprocs() === procs)
    seen.push(runtime.gomaxprocs())
  }
  // From here on it is the program's word, although that changes nothing.
  runtime.gomaxprocs(4)
}
setQuota(7)
const end = performance.now() + 2500
await work(() => performance.now() > end)
seen.push(runtime.gomaxprocs())
console.log(JSON.stringify({ seen, lost: started - ended, live: runtime.numGoroutine() }))
