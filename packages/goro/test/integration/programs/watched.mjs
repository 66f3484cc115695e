// Something to watch: a goroutine that waits, some that compute, and a main thread that blocks.
import { chan, go, runtime } from 'goro'

const ch = chan()
function receiver(ch) {
  return ch.recv()
}
const received = go.with({ name: 'the receiver' }, receiver, ch)
await go(() => 1)
const block = new Int32Array(new SharedArrayBuffer(4))
Atomics.wait(block, 0, 0, Number(process.argv[2]))
if (process.argv[3] === 'signal') {
  while (runtime.goroutines()[0].waitReason !== 'chan receive') await new Promise((resolve) => setTimeout(resolve, 2))
  process.kill(process.pid, 'SIGUSR2')
  await new Promise((resolve) => setTimeout(resolve, 20))
}
await ch.send(1)
console.log(await received)
