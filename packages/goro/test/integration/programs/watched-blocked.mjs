// The main thread blocks, asleep or computing, until a byte comes on stdin: a goroutine reads it. Then its event loop turns, until the next.
import { readSync, writeSync } from 'node:fs'
import { chan, go, runtime } from 'goro'

const [how] = process.argv.slice(2)
const released = new Int32Array(new SharedArrayBuffer(4))
const readByte = () => runtime.blocking(() => readSync(0, new Uint8Array(1)))

const ch = chan()
function receiver(ch) {
  return ch.recv()
}
const received = go.with({ name: 'the receiver' }, receiver, ch)
const releasing = go(() => {
  while (runtime.goroutines()[0].waitReason !== 'chan receive');
  writeSync(1, 'blocks\n')
  readByte()
  Atomics.store(released, 0, 1)
  Atomics.notify(released, 0)
})
if (how === 'asleep') Atomics.wait(released, 0, 0)
else while (Atomics.load(released, 0) === 0);
await releasing
writeSync(1, 'turns\n')
await go(readByte)
await ch.send(1)
writeSync(1, `${await received}\n`)
