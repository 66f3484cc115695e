// A thousand goroutines wait on two processors.

import { chan, runtime, WaitGroup } from 'goro'

runtime.gomaxprocs(2)
const gate = chan<never>()
const started = new WaitGroup()
const ended = new WaitGroup()

for (let i = 0; i < 1000; i++) {
  started.add()
  ended.go(async () => {
    started.done()
    await gate.recv()
  })
}

await started.wait()
console.log(`Goroutines: ${runtime.numGoroutine()}, Threads: ${runtime.numThread()}`)
gate.close()
await ended.wait()
