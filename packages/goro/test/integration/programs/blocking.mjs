// With one processor a goroutine blocks its thread until another one, which can only run beside it, wakes it.
import { chan, go, runtime } from 'goro'

const memory = new Int32Array(new SharedArrayBuffer(8))
const N = Number(process.argv[2])

function meet() {
  return runtime.blocking(() => {
    // The last one to come lets all go: so all of them block at the same time.
    if (Atomics.add(memory, 0, 1) + 1 === N) {
      Atomics.store(memory, 1, 1)
      Atomics.notify(memory, 1)
    } else {
      Atomics.wait(memory, 1, 0)
    }
    return N
  })
}

const results = await Promise.all(Array.from({ length: N }, () => go(meet)))
const thrown = await go(() => {
  try {
    runtime.blocking(() => {
      throw new RangeError('inside')
    })
  } catch (error) {
    return `${error.name}: ${error.message}`
  }
})
let refused
try {
  runtime.blocking(7)
} catch (error) {
  refused = error.message
}
const nested = await go(() => {
  return runtime.blocking(() => runtime.blocking(() => 'nested'))
})
const ch = chan()
const after = await Promise.all([go(() => ch.recv()), go(() => ch.send('waits'))])
console.log(
  JSON.stringify({
    results: results.length,
    thrown,
    refused,
    nested,
    main: runtime.blocking(() => 'here'),
    after: after[0],
    threads: runtime.numThread() >= N,
  }),
)
