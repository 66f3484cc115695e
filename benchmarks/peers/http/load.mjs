// The load of the `latency` scenarios, in a process of its own: `node load.mjs URL MODE N`. Every tenth request is heavy.
// Prints one line of JSON: { p50, p99 } of the light requests in milliseconds, and how many were answered a second, `rps`.
//
//   open     N requests at times drawn beforehand, the same for every server, 150 a second on average. They are sent however
//            long the answers take, each on a connection on which nothing is under way: so a light one never waits for a
//            heavy one but in the server, and a slow server is not spared what a fast one gets.
//   closed   N requests over 32 connections, each of which sends the next when the last is answered: as many as the
//            server can take.

import { Agent, get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

const [url, mode, count] = process.argv.slice(2)
const n = Number(count)

/** 15 heavy requests a second, 750 ms of work: more than that a single thread would not keep up with. */
const PER_SECOND = 150
const CONNECTIONS = 32
const WARM_UP = 40

const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })

/** Milliseconds until the whole answer is there. */
function request(heavy) {
  return new Promise((resolve, reject) => {
    const start = performance.now()
    get(new URL(heavy ? '/heavy' : '/light', url), { agent }, (response) => {
      let body = ''
      response.setEncoding('latin1').on('data', (text) => {
        body += text
      })
      response.on('error', reject)
      response.on('end', () => {
        const right = response.statusCode === 200 && (heavy ? /^-?\d+$/.test(body) : body === 'light')
        if (right) resolve(performance.now() - start)
        else reject(new Error(`${url} answered ${response.statusCode} '${body}'`))
      })
    }).on('error', reject)
  })
}

const isHeavy = (i) => i % 10 === 9

/** Numbers from 0 to 1, the same in each run (Park and Miller's generator). */
function* random() {
  for (let x = 1; ; ) {
    x = (x * 48271) % 0x7fffffff
    yield x / 0x7fffffff
  }
}

/** Independent of one another, as what strangers ask for: the times between them are distributed exponentially. */
async function open(n) {
  const light = []
  const pending = []
  const numbers = random()
  let due = performance.now()
  for (let i = 0; i < n; i++) {
    due += (-Math.log(numbers.next().value) * 1000) / PER_SECOND
    const early = due - performance.now()
    if (early > 0) await sleep(early)
    const answer = request(isHeavy(i))
    pending.push(isHeavy(i) ? answer : answer.then((ms) => light.push(ms)))
  }
  await Promise.all(pending)
  return light
}

async function closed(n) {
  const light = []
  let sent = 0
  const connection = async () => {
    while (sent < n) {
      const heavy = isHeavy(sent++)
      const ms = await request(heavy)
      if (!heavy) light.push(ms)
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, connection))
  return light
}

const percentile = (sorted, p) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))]

await closed(WARM_UP)
const start = performance.now()
const light = await { open, closed }[mode](n)
const seconds = (performance.now() - start) / 1000
light.sort((a, b) => a - b)
const rps = light.length / seconds
console.log(JSON.stringify({ p50: percentile(light, 0.5), p99: percentile(light, 0.99), rps }))
process.exit(0) // the agent keeps its connections, and so this process, alive
