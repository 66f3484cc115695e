// Goroutines that lock their threads among many that come and go: none is begun on a thread that another one has locked.
import { threadId } from 'node:worker_threads'
import { go, runtime, sleep } from 'goro'

async function stays(n) {
  runtime.lockOSThread()
  const before = threadId
  for (let i = 0; i < 3; i++) await sleep(1)
  runtime.unlockOSThread()
  return before === threadId && n
}
const all = []
for (let i = 1; i <= 60; i++) {
  all.push(go(stays, i))
  for (let k = 0; k < 5; k++)
    void go(async () => {
      for (let i = 0; i < 20; i++) await runtime.gosched()
    })
}
const found = await Promise.all(all)
console.log(found.every((n, i) => n === i + 1))
