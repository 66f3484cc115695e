/** Who is readied on the thread of who readied it: when it goes on. Each case is tasks of one goroutine, which share its thread. */
import { chan, go, Mutex } from 'goro'
import { expect, test } from 'vitest'

test('a sender that finds room goes on until it waits; then the receiver that it has woken does', async () => {
  const order = go(async () => {
    const ch = chan<number>(8)
    const pause = chan()
    const seen: string[] = []
    const receiver = (async () => {
      for (let i = 0; i < 3; i++) seen.push(`received ${await ch.recv()}`)
      pause.close()
    })()
    for (let i = 0; i < 3; i++) {
      await ch.send(i)
      seen.push(`sent ${i}`)
    }
    await pause.recv()
    await receiver
    return seen
  })
  expect(await order).toEqual(['sent 0', 'sent 1', 'sent 2', 'received 0', 'received 1', 'received 2'])
})

test('a sender that never waits does not keep from running whom it has woken', async () => {
  const sent = go(async () => {
    const ch = chan<number>(100_000)
    let sends = 0
    const receiver = ch.recv().then(() => sends)
    for (; sends < 100_000; sends++) await ch.send(sends)
    return await receiver
  })
  expect(await sent).toBeLessThan(100_000)
})

test('who is woken by a synchronous call goes on though nothing on its thread waits after it', async () => {
  const values = go(async () => {
    const ch = chan<number>()
    const mutex = new Mutex()
    const first = ch.recv()
    ch.trySend(1)
    const guard = await mutex.lock()
    const second = mutex.lock().then(() => 2)
    guard.unlock()
    return [await first, await second]
  })
  expect(await values).toEqual([1, 2])
})

test('who unlocks a mutex may have it again, ahead of the one that it has woken, but not for ever', async () => {
  const times = go(async () => {
    const mutex = new Mutex()
    const guard = await mutex.lock()
    let locks = 0
    const waiter = mutex.lock().then((own) => {
      own.unlock()
      return locks
    })
    guard.unlock()
    for (; locks < 100_000; locks++) {
      const next = await mutex.lock()
      next.unlock()
    }
    return await waiter
  })
  const locks = await times
  expect(locks).toBeGreaterThan(1)
  expect(locks).toBeLessThan(100_000)
})
