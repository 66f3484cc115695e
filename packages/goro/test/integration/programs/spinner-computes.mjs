// A goroutine that makes goroutines and computes between them: its thread looks for work now and then, and then computes. Short
// goroutines from the main thread may not wait for that, with a processor idle. What a bare Worker takes just then says how busy the machine is.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { go } from 'goro'

const echo = new Worker(
  "const { parentPort: port } = require('node:worker_threads'); port.on('message', (x) => port.postMessage(x))",
  {
    eval: true,
  },
)
const since = async (start, promise) => {
  await promise
  return performance.now() - start
}

const parent = async (rounds) => {
  for (let i = 0; i < rounds; i++) {
    await go(() => {
      const end = performance.now() + Math.random() * 0.3
      while (performance.now() < end);
    })
    const end = performance.now() + 100
    while (performance.now() < end);
  }
}
await go(() => 1)
let done = false
const all = go(parent, 20).then(() => {
  done = true
})
let long = 0
let count = 0
while (!done) {
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 8))
  const start = performance.now()
  const answered = since(start, once(echo, 'message'))
  echo.postMessage(0)
  const took = await since(
    start,
    go(() => 1),
  )
  count++
  // Half of what it would wait for: far above what a wake-up takes.
  if (took > 50 && took > 2 * (await answered)) long++
  await answered
}
await all
await echo.terminate()
console.log(long <= count / 10 ? 'ok' : `${long} of ${count} waited`)
