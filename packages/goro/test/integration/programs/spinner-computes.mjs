// A goroutine that makes goroutines and computes between them: its thread looks for work now and then, and then computes. Short
// goroutines from the main thread may not wait for that, with a processor idle.
import { go } from 'goro'

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
  await go(() => 1)
  count++
  // Half of what it would wait for: far above what a wake-up takes.
  if (performance.now() - start > 50) long++
}
await all
console.log(long <= count / 50 ? 'ok' : `${long} of ${count} waited`)
