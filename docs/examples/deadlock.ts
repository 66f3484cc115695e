// Two goroutines each hold the lock that the other waits for.

import { Mutex, WaitGroup } from 'goro'

const left = new Mutex()
const right = new Mutex()
const holding = new WaitGroup()
const ended = new WaitGroup()
holding.add(2)

async function take(first: Mutex, second: Mutex) {
  await first.lock()
  holding.done()
  await holding.wait()
  await second.lock()
}

ended.go(() => take(left, right))
ended.go(() => take(right, left))
await ended.wait()
