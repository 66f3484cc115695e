// How a process ends that has something pinned: `pin-ends.mjs CASE`.
import { chan, go, pin, runtime } from 'goro'

const make = () => ({
  inc: () => 1,
  slow: () => new Promise((resolve) => setTimeout(resolve, 300, 'slow')),
  // Until something comes from somebody else.
  wait: (ch) => ch.recv(),
  exit: () => process.exit(5),
  keepsOpen: () => void setTimeout(() => console.log('the timer of the pinned value'), 200),
})
const outcome = (promise) =>
  promise.then(
    (value) => value,
    (error) => `${error.name}: ${error.message}`,
  )

const cases = {
  // It does not hold the process open.
  async idle() {
    const value = await pin(make)
    console.log(await value.inc())
    globalThis.kept = value
  },
  // A call does, awaited or not.
  async pending() {
    const value = await pin(make)
    void value.slow().then(console.log)
    globalThis.kept = value
  },
  async pendingFromGoroutine() {
    globalThis.kept = go(async () => {
      const { pin } = await import('goro')
      const value = await pin(() => ({ slow: () => new Promise((resolve) => setTimeout(resolve, 300, 'slow')) }))
      console.log(await value.slow())
    })
  },
  async valueIsBusy() {
    const value = await pin(make)
    await value.keepsOpen()
    globalThis.kept = value
  },
  // It does not hide a deadlock.
  async deadlock() {
    globalThis.kept = await pin(make)
    await chan().recv()
  },
  // Nor is a call for which nobody can do anything any more more than that.
  async deadlockInCall() {
    const value = await pin(make)
    await value.wait(chan())
  },
  // But no call is one while it can go on.
  async noDeadlock() {
    const value = await pin(make)
    const ch = chan()
    globalThis.kept = go(async (ch) => {
      await new Promise((resolve) => setTimeout(resolve, 100))
      await ch.send('sent')
    }, ch)
    console.log(await value.wait(ch))
    for (let i = 0; i < 20; i++) await Promise.all([value.inc(), value.inc()])
    console.log(await value.slow())
  },
  async shutdown() {
    const value = await pin(make)
    const pending = value.slow()
    const byGoroutine = go(async () => {
      const { pin } = await import('goro')
      const value = await pin(() => ({
        slow: () => new Promise((resolve) => setTimeout(resolve, 200, 'by goroutine')),
      }))
      globalThis.kept = value
      return value.slow()
    })
    const done = runtime.shutdown()
    console.log(await outcome(value.inc()))
    console.log(await pending, await byGoroutine)
    await done
    console.log(await outcome(value.inc()))
    console.log(await outcome(pin(make)))
  },
  async death() {
    const value = await pin(make)
    const pending = outcome(value.slow())
    console.log(await outcome(value.exit()))
    console.log(await pending)
    console.log(await outcome(value.inc()))
    console.log(await outcome(value[Symbol.asyncDispose]()))
    console.log(runtime.numGoroutine())
  },
  // Who has pinned it is gone: it ends.
  async creatorDies() {
    const up = chan(2)
    const died = outcome(
      go(async (up) => {
        const { pin } = await import('goro')
        const value = await pin((up) => ({ inc: () => 1, [Symbol.dispose]: () => up.trySend('disposed') }), up)
        globalThis.kept = value
        await up.send(await value.inc())
        await new Promise((resolve) => setTimeout(resolve, 50))
        process.exit(3)
      }, up),
    )
    console.log(await up.recv())
    console.log(await up.recv())
    console.log((await died).slice(0, 50))
    while (runtime.numGoroutine() > 0) await new Promise((resolve) => setTimeout(resolve, 5))
  },
  // A thread each, besides those for all goroutines; they queue for threads.
  async limit() {
    runtime.configure({ maxThreads: 3, maxProcs: 2 })
    const first = await pin(make)
    const second = pin(make)
    while (runtime.stats().message === undefined) await new Promise((resolve) => setTimeout(resolve, 5))
    console.log(runtime.stats().message)
    console.log(await go(() => 'ordinary'), await first.inc())
    await first[Symbol.asyncDispose]()
    console.log(await (await second).inc())
  },
  async onlyThread() {
    runtime.configure({ maxThreads: 1, maxProcs: 1 })
    const value = await pin(make)
    const ordinary = go(() => 'ordinary')
    console.log(await value.inc())
    await value[Symbol.asyncDispose]()
    console.log(await ordinary)
  },
}
await cases[process.argv[2]]()
