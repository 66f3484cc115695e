// Threads that have blocked, and have nothing to do any more, sleep; and there are no more of them than blocked at once.
import { go, runtime } from 'goro'

const AT_ONCE = 6
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
for (let round = 0; round < 5; round++) {
  await Promise.all(
    Array.from({ length: AT_ONCE }, () =>
      go(() => {
        const { runtime } = require('goro')
        runtime.blocking(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5))
      }),
    ),
  )
}

const look = () => runtime.stats().threads.map(({ state, processor, sleeps }) => `${state} ${processor} ${sleeps}`)
const isAsleep = (thread) => /^spare |^sleeping [0-9]/.test(thread)
// All asleep, with the processors or to be found as spares, and none of them was awake from one look to the next.
let quiet = false
let before = look()
for (let i = 0; i < 100 && !quiet; i++) {
  await sleep(50)
  const now = look()
  quiet = now.every(isAsleep) && now.join() === before.join()
  before = now
}
console.log(JSON.stringify({ quiet, few: before.length <= AT_ONCE + runtime.gomaxprocs() }))
