/**
 * A mixed load from a seed: goroutines that compute, wait, start others, fail, are aborted, die with their thread, while GOMAXPROCS
 * changes. Every outcome is counted, and at the end the runtime has to be at rest: nothing alive, nobody spinning, everybody
 * asleep. Prints what it counted, or what is wrong.
 */
import { go, runtime } from 'goro'

const [seed, rounds, kills] = process.argv.slice(2).map(Number)
let state = seed
/** Marsaglia's xorshift32: the load is the same for the same seed, the schedule is not. */
const random = (n) => {
  state ^= state << 13
  state ^= state >>> 17
  state ^= state << 5
  return (state >>> 0) % n
}

const compute = (n) => {
  let x = n
  for (let i = 0; i < (n % 50) * 100; i++) x = (x * 1103515245 + 12345) | 0
  return n
}
const wait = async (n) => {
  await new Promise((resolve) => (n % 2 ? setImmediate(resolve) : setTimeout(resolve, n % 5)))
  return n
}
const nest = async (n) => {
  const parts = Array.from({ length: n % 7 }, (_, i) => go((x) => x, i))
  let sum = 0
  for (const part of parts) sum += await part
  return sum === ((n % 7) * ((n % 7) - 1)) / 2 ? n : -1
}
const fail = (n) => {
  throw Object.assign(new RangeError('planned'), { n })
}
const echo = (data) => data.n
const die = () => process.exit(1)

const results = { ok: 0, failed: 0, aborted: 0, died: 0 }
const wrong = []

function expectValue(g, n) {
  return g.then(
    (value) => (value === n ? results.ok++ : wrong.push(`${g.name}: ${value} instead of ${n}`)),
    (error) => {
      if (error.name === 'ThreadDiedError' && kills > 0) results.died++
      else wrong.push(`${g.name}: ${error}`)
    },
  )
}

for (let round = 0; round < rounds; round++) {
  const all = []
  const killAt = kills > 0 && round % Math.ceil(rounds / kills) === 0 ? random(200) : -1
  for (let i = 0; i < 200; i++) {
    const n = random(1000)
    if (i === killAt)
      all.push(
        go(die).then(
          () => wrong.push('outlived its thread'),
          (e) => e.name === 'ThreadDiedError' || wrong.push(String(e)),
        ),
      )
    switch (random(7)) {
      case 0:
      case 1:
        all.push(expectValue(go(compute, n), n))
        break
      case 2:
        all.push(expectValue(go(wait, n), n))
        break
      case 3:
        all.push(expectValue(go(nest, n), n))
        break
      case 4:
        all.push(
          go(fail, n).then(
            () => wrong.push('should have failed'),
            (error) => {
              if (error instanceof RangeError && error.n === n) results.failed++
              else if (error.name === 'ThreadDiedError' && kills > 0) results.died++
              else wrong.push(String(error))
            },
          ),
        )
        break
      case 5:
        all.push(expectValue(go(echo, { n, text: 'x'.repeat(n), list: [n, { n }] }), n))
        break
      default: {
        const controller = new AbortController()
        const g = go.with({ signal: controller.signal }, compute, n)
        controller.abort(new Error('changed my mind'))
        all.push(
          g.then(
            (value) => (value === n ? results.ok++ : wrong.push(`aborted: ${value}`)),
            (error) => {
              if (error.message === 'changed my mind') results.aborted++
              else if (error.name === 'ThreadDiedError' && kills > 0) results.died++
              else wrong.push(String(error))
            },
          ),
        )
      }
    }
    if (random(300) === 0) runtime.gomaxprocs(1 + random(8))
    if (random(40) === 0) await Promise.race(all.slice(-3))
  }
  await Promise.all(all)
}

// At rest: the threads need a moment to see that there is nothing to do, which is waited for, and is not taken on trust.
const end = performance.now() + 10_000
let stats = runtime.stats()
const sleeps = ({ state }) => state === 'sleeping' || state === 'spare'
// As many processors as there should be, each with a thread, and every thread asleep.
const atRest = (s) =>
  s.goroutines.total === 0 &&
  s.spinning === 0 &&
  s.processors.length === s.gomaxprocs &&
  s.processors.every((p) => p.status === 'idle') &&
  s.threads.every(sleeps)
while (!atRest(stats) && performance.now() < end) {
  await new Promise((resolve) => setTimeout(resolve, 5))
  stats = runtime.stats()
}
if (!atRest(stats)) wrong.push(`not at rest: ${JSON.stringify(stats)}`)
const { goroutines } = stats
if (goroutines.runnable + goroutines.running + goroutines.waiting > 0)
  wrong.push(`left over: ${JSON.stringify(goroutines)}`)
const sum = results.ok + results.failed + results.aborted + results.died
if (sum !== rounds * 200) wrong.push(`${sum} outcomes of ${rounds * 200}`)
console.log(wrong.length === 0 ? `ok ${JSON.stringify(results)}` : `wrong: ${wrong.slice(0, 5).join('; ')}`)
process.exitCode = wrong.length === 0 ? 0 : 1
