// Long buffers, handed over: by the main thread while it blocks, by goroutines to goroutines, and thrown away before they were asked for.
import { go, runtime } from 'goro'

const SIZE = 1 << 18
const filled = (byte) => new Uint8Array(SIZE).fill(byte).buffer
const ends = (buffer) => {
  const bytes = new Uint8Array(buffer)
  return [bytes.length, bytes[0], bytes[bytes.length - 1]].join()
}
const check = (what, found, wanted) => {
  if (found !== wanted) throw new Error(`${what}: ${found}, not ${wanted}`)
}
const send = (buffer, signal) => go.with({ transfer: [buffer], signal }, ends, buffer)

// By then there is a thread that hands them over.
for (let i = 0; i < 300; i++) check('warm', await send(filled(i & 255)), [SIZE, i & 255, i & 255].join())

// All are begun and have ended before the main thread's event loop turns again.
const done = new Int32Array(new SharedArrayBuffer(4))
const counted = Array.from({ length: 40 }, (_, i) => {
  const buffer = filled(i)
  return go.with(
    { transfer: [buffer] },
    (buffer) => {
      Atomics.add(done, 0, 1)
      Atomics.notify(done, 0)
      return new Uint8Array(buffer)[SIZE - 1]
    },
    buffer,
  )
})
for (let n = 0; n < 40; n = Atomics.load(done, 0)) Atomics.wait(done, 0, n)
check('while blocked', (await Promise.all(counted)).join(), Array.from({ length: 40 }, (_, i) => i).join())

const relay = async (buffer, hops) => {
  if (hops === 0) return ends(buffer)
  const result = go.with({ transfer: [buffer] }, relay, buffer, hops - 1)
  check('detached', buffer.byteLength, 0)
  return await result
}
const relays = Array.from({ length: 20 }, (_, i) => go.with({ name: 'relay' }, relay, filled(i), 10))
check(
  'relayed',
  (await Promise.all(relays)).join(' '),
  Array.from({ length: 20 }, (_, i) => [SIZE, i, i].join()).join(' '),
)

for (let round = 0; round < 20; round++) {
  const controllers = Array.from({ length: 30 }, () => new AbortController())
  const sent = controllers.map(({ signal }, i) => send(filled(i), signal))
  for (const controller of controllers) controller.abort(new Error('no more'))
  for (const [i, { status, value, reason }] of (await Promise.allSettled(sent)).entries()) {
    if (status === 'fulfilled') check('begun', value, [SIZE, i, i].join())
    else check('aborted', reason.message, 'no more')
  }
}
await runtime.shutdown()
console.log('ok')
