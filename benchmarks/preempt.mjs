// What preemption points cost: goroutines with loops, in a process with `goro/register` and in one with `goro/register/preempt`, in turn.
// In each, 32 goroutines do the same work on all cores, the longest of them for some milliseconds; reported is the median of the
// rounds, each the lowest of five in its process, in ms for all.
//
//   node benchmarks/preempt.mjs [ROUNDS] [NAME …]
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { go } from 'goro'
import { fib } from './tasks.mjs'

const TEXT = Array.from({ length: 400 }, (_, i) => `name${i % 50} = the value of number ${i}`).join('\n')

const works = {
  'cpu: calls of fib(20) in a loop': async (n) => {
    let sum = 0
    for (let i = 0; i < n * 40; i++) sum += fib(20)
    return sum
  },
  'text: lines and words into a Map': async (n) => {
    const counts = new Map()
    for (let round = 0; round < n * 20; round++) {
      for (const line of TEXT.split('\n')) {
        for (const word of line.split(' ')) counts.set(word, (counts.get(word) ?? 0) + 1)
      }
    }
    return counts.size
  },
  'json: objects to text and back': async (n) => {
    let length = 0
    for (let i = 0; i < n * 2000; i++) {
      const text = JSON.stringify({ id: i, name: 'a name', tags: ['a', 'b', 'c'], at: { x: i, y: -i } })
      length += JSON.parse(text).tags.length + text.length
    }
    return length
  },
  'primes: two loops of a few instructions': async (n) => {
    let count = 0
    for (let i = 2; i < n * 12_000; i++) {
      let isPrime = true
      for (let d = 2; d * d <= i && isPrime; d++) if (i % d === 0) isPrime = false
      if (isPrime) count++
    }
    return count
  },
  'sum: a loop of one addition': async (n) => {
    let sum = 0
    for (let i = 0; i < n * 2_000_000; i++) sum += i & 7
    return sum
  },
}

const GOROUTINES = 32

async function measure(work) {
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < 6; i++) {
    const start = performance.now()
    await Promise.all(Array.from({ length: GOROUTINES }, () => go(work, 1)))
    // The first is to warm up.
    if (i > 0) best = Math.min(best, performance.now() - start)
  }
  return best
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1]

if (process.argv[2] === '--child') {
  console.log(await measure(works[process.argv[3]]))
} else {
  const [rounds = '7', ...names] = process.argv.slice(2)
  const run = (loader, name) => {
    const args = ['--import', loader, fileURLToPath(import.meta.url), '--child', name]
    const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
    return Number(stdout)
  }
  for (const name of Object.keys(works)) {
    if (names.length > 0 && !names.some((each) => name.startsWith(each))) continue
    const without = []
    const with_ = []
    for (let round = 0; round < Number(rounds); round++) {
      without.push(run('goro/register', name))
      with_.push(run('goro/register/preempt', name))
    }
    const ratio = median(with_) / median(without)
    console.log(
      name.padEnd(42),
      `without ${median(without).toFixed(1).padStart(7)} ms`,
      `  with ${median(with_).toFixed(1).padStart(7)} ms`,
      `  ${ratio.toFixed(3)} times`,
    )
  }
}
