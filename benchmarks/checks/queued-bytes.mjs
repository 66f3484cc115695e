// A million goroutines queued at once: how many bytes of shared memory does each take, and do all complete? While they
// are queued every processor is busy with a goroutine that waits for a word in shared memory to change, so that none of
// them can be run early.

import { go, runtime } from 'goro'

const n = 1_000_000
const limit = 160 // bytes

const gate = new Int32Array(new SharedArrayBuffer(4))
const guards = Array.from({ length: runtime.gomaxprocs() }, () =>
  go(() => {
    Atomics.add(gate, 0, 1)
    Atomics.notify(gate, 0)
    for (let seen = 1; seen > 0; seen = Atomics.load(gate, 0)) Atomics.wait(gate, 0, seen)
  }),
)
while (Atomics.load(gate, 0) < guards.length) await new Promise((resolve) => setTimeout(resolve, 1))

const before = runtime.stats()
const goroutines = new Array(n)
for (let i = 0; i < n; i++) goroutines[i] = go((x) => x + 1, i)
const after = runtime.stats()

Atomics.store(gate, 0, 0)
Atomics.notify(gate, 0)
let sum = 0
for (let i = 0; i < n; i++) sum += await goroutines[i]
for (const guard of guards) await guard

const bytes = (after.memory.used - before.memory.used) / n
console.log(`${bytes.toFixed(1)} bytes of shared memory for each of ${after.goroutines.runnable} queued goroutines`)
console.log(`sum of their results ${sum}, expected ${(n * (n + 1)) / 2}`)
process.exitCode = bytes <= limit && after.goroutines.runnable >= n && sum === (n * (n + 1)) / 2 ? 0 : 1
