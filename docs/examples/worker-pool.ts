// A worker for each processor searches for the longest Collatz chain.

import { chan, go, runtime, WaitGroup } from 'goro'

interface Chain {
  start: number
  length: number
}

function chainOf(start: number): Chain {
  let length = 1
  for (let n = start; n !== 1; length++) {
    n = n % 2 === 0 ? n / 2 : 3 * n + 1
  }
  return { start, length }
}

function longestOf(first: number, count: number): Chain {
  let longest = { start: 0, length: 0 }
  for (let start = first; start < first + count; start++) {
    const chain = chainOf(start)
    if (chain.length > longest.length) longest = chain
  }
  return longest
}

const size = 10_000
const jobs = chan<number>()
const results = chan<Chain>()

const workers = new WaitGroup()
for (let i = 0; i < runtime.gomaxprocs(); i++) {
  workers.go(async () => {
    for await (const first of jobs) await results.send(longestOf(first, size))
  })
}
go(async () => {
  for (let first = 1; first < 1_000_000; first += size) await jobs.send(first)
  jobs.close()
  await workers.wait()
  results.close()
})

let longest = { start: 0, length: 0 }
for await (const chain of results) {
  if (chain.length > longest.length) longest = chain
}
console.log(`from ${longest.start} it takes ${longest.length} numbers to 1`)
