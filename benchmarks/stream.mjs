// Values through one channel, from `senders` to `receivers`, in each contender: what buffered.* and mpmc have in common. What is sent is
// the number, or the object that `payload` makes of it; each receiver adds up the numbers.

import { Skip, threads } from './contenders.mjs'
import { expect } from './harness/measure.mjs'

/** An object of about a kilobyte, as JSON. */
export const payload = (id) => ({ id, name: `item ${id}`, tags: ['a', 'b', 'c'], text: 'x'.repeat(900) })

/** Microseconds for each of `n` values. `shape`: `{ senders, receivers, capacity, objects }`. */
export async function goro(n, shape) {
  const { chan, go } = await import('goro')
  const sender = async (ch, from, to, objects) => {
    for (let id = from; id < to; id++) {
      await ch.send(objects ? { id, name: `item ${id}`, tags: ['a', 'b', 'c'], text: 'x'.repeat(900) } : id)
    }
  }
  const receiver = async (ch, objects) => {
    let sum = 0
    for (let value = await ch.recv(); value !== undefined; value = await ch.recv()) sum += objects ? value.id : value
    return sum
  }
  return time(n, async (n) => {
    const ch = chan(shape.capacity)
    const receivers = Array.from({ length: shape.receivers }, () => go(receiver, ch, shape.objects))
    const senders = parts(n, shape.senders).map(([from, to]) => go(sender, ch, from, to, shape.objects))
    for (const each of senders) await each
    ch.close()
    return await total(receivers)
  })
}

export async function inThread({ chan, send, recv }, n, shape) {
  const sender = async (ch, from, to) => {
    for (let id = from; id < to; id++) await send(ch, shape.objects ? payload(id) : id)
  }
  const receiver = async (ch, from, to) => {
    let sum = 0
    for (let i = from; i < to; i++) sum += shape.objects ? (await recv(ch)).id : await recv(ch)
    return sum
  }
  return time(n, async (n) => {
    const ch = chan(shape.capacity)
    const receivers = parts(n, shape.receivers).map(([from, to]) => receiver(ch, from, to))
    for (const [from, to] of parts(n, shape.senders)) void sender(ch, from, to)
    return await total(receivers)
  })
}

export async function multithreading(n, shape) {
  if (typeof navigator === 'undefined') throw new Skip(`needs a global navigator, which Node ${process.version} lacks`)
  const { channel, initRuntime, move, spawn } = await import('multithreading')
  initRuntime({ maxWorkers: Math.max(threads, shape.senders + shape.receivers) })
  const sender = async (tx, from, to, objects) => {
    for (let id = from; id < to; id++) {
      await tx.send(objects ? { id, name: `item ${id}`, tags: ['a', 'b', 'c'], text: 'x'.repeat(900) } : id)
    }
  }
  const receiver = async (rx, n, objects) => {
    let sum = 0
    for (let i = 0; i < n; i++) {
      const { value } = await rx.recv()
      sum += objects ? value.id : value
    }
    return sum
  }
  const join = async (handle) => {
    const result = await handle.join()
    if (!result.ok) throw result.error
    return result.value
  }
  return time(n, async (n) => {
    const [tx, rx] = channel(shape.capacity)
    const receivers = parts(n, shape.receivers).map(([from, to]) =>
      join(spawn(move(rx.clone(), to - from, shape.objects), receiver)),
    )
    const senders = parts(n, shape.senders).map(([from, to]) =>
      join(spawn(move(tx.clone(), from, to, shape.objects), sender)),
    )
    for (const each of senders) await each
    return await total(receivers)
  })
}

async function time(n, stream) {
  await stream(n / 10)
  const start = performance.now()
  const sum = await stream(n)
  const ms = performance.now() - start
  expect(sum, (n * (n - 1)) / 2)
  return (ms * 1000) / n
}

/** 0 to `n`, in `count` parts. */
function parts(n, count) {
  return Array.from({ length: count }, (_, i) => [(n / count) * i, (n / count) * (i + 1)])
}

async function total(sums) {
  let sum = 0
  for (const each of sums) sum += await each
  return sum
}
