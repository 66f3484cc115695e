// What `pin` gives is used in all the ways that Comlink knows, by the main thread and by goroutines.
import { threadId } from 'node:worker_threads'
import { proxy, releaseProxy, transfer } from 'comlink'
import { chan, context, go, Mutex, pin } from 'goro'

class Counter {
  n
  onChange
  inner = { deep: { value: 7 } }
  constructor(n) {
    this.n = n
  }
  inc(by = 1) {
    this.n += by
    this.onChange?.(this.n)
    return this.n
  }
  thread() {
    return threadId
  }
  async later() {
    await new Promise((resolve) => setTimeout(resolve, 20))
    return 'later'
  }
  listen(callback) {
    this.onChange = callback
  }
  async ask(callback) {
    return [threadId, await callback(2), await callback(3)]
  }
  askBadly(callback) {
    return callback(0)
  }
  fail() {
    throw Object.assign(new RangeError('too much', { cause: new TypeError('why') }), { code: 'E_MUCH', at: { x: 1 } })
  }
  async failLater() {
    throw 7
  }
  async failAll() {
    throw new AggregateError([new SyntaxError('one')], 'all')
  }
  failWithFunction() {
    throw Object.assign(new Error('with a function'), { f() {} })
  }
  unsendable() {
    return { list: [() => {}] }
  }
  fill(bytes) {
    bytes.fill(5)
    return transfer(bytes, [bytes.buffer])
  }
  async forward({ list: [from], mutex }, to) {
    const guard = await mutex.lock()
    await to.send((await from.recv()) * 2)
    guard.unlock()
    return to
  }
  waitFor(ctx) {
    return new Promise((resolve) => context.afterFunc(ctx, () => resolve(ctx.err().message)))
  }
  port(port) {
    port.postMessage('from the port')
    port.close()
  }
  error(error) {
    return [error instanceof RangeError, error.code, error]
  }
}
const outcome = (promise) =>
  promise.then(
    (value) => ({ value }),
    (error) => ({ error: error instanceof Error ? `${error.constructor.name}: ${error.message}` : error }),
  )

const out = {}
const counter = await pin((n) => new Counter(n), 3)
out.calls = [await counter.inc(), await counter.inc(2), await counter.n, await counter.inner.deep.value]
counter.n = 10
out.set = await counter.n
const home = await counter.thread()
out.thread = [home !== 0, (await counter.thread()) === home, await Promise.all([counter.later(), counter.inc()])]

// Errors.
const error = await counter.fail().catch((error) => error)
out.error = [
  error instanceof RangeError,
  error.message,
  error.code,
  error.at,
  error.cause instanceof TypeError,
  error.cause.message,
]
out.stack = /at Counter\.fail \(.*pin\.mjs:\d+:\d+\)/.test(error.stack)
out.primitive = await outcome(counter.failLater())
const all = await counter.failAll().catch((error) => error)
out.aggregate = [all instanceof AggregateError, all.errors[0] instanceof SyntaxError]
out.described = await outcome(counter.failWithFunction())
out.noMethod = await outcome(counter.nothing())
out.unsendable = [await outcome(counter.unsendable()), await outcome(counter.inc({ f() {} }))]
out.passed = (await counter.error(Object.assign(new RangeError('r'), { code: 'E' }))).map((x) =>
  x instanceof Error ? x.constructor.name : x,
)

// Transfers.
const bytes = new Uint8Array(8)
const back = await counter.fill(transfer(bytes, [bytes.buffer]))
const again = await counter.fill(pin.transfer(back, [back.buffer]))
out.transfer = [bytes.length, back.length, [...again]]
const { port1, port2 } = new MessageChannel()
const posted = new Promise((resolve) => port1.addEventListener('message', ({ data }) => resolve(data)))
await counter.port(transfer(port2, [port2]))
out.port = await posted

// Handles.
const [from, to, mutex] = [chan(1), chan(1), new Mutex()]
await from.send(21)
const same = await counter.forward({ list: [from], mutex }, to)
out.handles = [same === to, await to.recv(), mutex.tryLock() !== undefined]
const [ctx, cancel] = context.withCancel(context.background())
const cancelled = counter.waitFor(ctx)
cancel()
out.context = await cancelled

// Callbacks.
const seen = []
await counter.listen(proxy((n) => seen.push(n)))
await counter.inc()
out.callback = await counter.ask(pin.proxy((x) => x * 10)).then(([where, ...rest]) => [where === home, ...rest])
out.seen = seen
out.callbackThrows = await outcome(
  counter.askBadly(
    proxy(() => {
      throw new SyntaxError('from the callback')
    }),
  ),
)
out.callbackHandle = await counter
  .ask(
    proxy(async (x) => {
      await to.send(x)
      return (await to.recv()) + 1
    }),
  )
  .then((x) => x.slice(1))

// A function, a class, an async factory, a nested remote.
const double = await pin(() => (x) => x * 2)
out.function = await double(4)
const Class = await pin(() => Counter)
const made = await new Class(5)
out.class = [await made.inc(), (await made.thread()) !== home]
made[releaseProxy]()
await double[Symbol.asyncDispose]()
await Class[Symbol.asyncDispose]()

// From a goroutine.
out.goroutine = await go(async () => {
  const { pin } = await import('goro')
  const { threadId } = await import('node:worker_threads')
  const own = await pin(
    (x) => ({
      x,
      get: () => threadId,
      add(y) {
        this.x += y
        return this.x
      },
    }),
    1,
  )
  const result = [await own.add(2), (await own.get()) !== 0]
  await own[Symbol.asyncDispose]()
  return result
})

// What can't be.
out.rejects = [
  await outcome(
    pin(() => {
      throw new RangeError('no value')
    }),
  ),
  await outcome(
    pin(async () => {
      throw 'primitive'
    }),
  ),
  await outcome(pin(() => 7)),
  await outcome(
    pin(
      (f) => f,
      () => {},
    ),
  ),
]

// The ends of it.
const notes = chan(8)
const disposable = (notes) => ({
  [Symbol.asyncDispose]: async () => {
    await new Promise((resolve) => setTimeout(resolve, 5))
    await notes.send('async')
  },
  [Symbol.dispose]: () => notes.trySend('sync'),
  hello: () => 'hello',
})
{
  const remote = await pin(disposable, notes)
  await remote.hello()
  await remote[Symbol.asyncDispose]()
  await remote[Symbol.asyncDispose]()
  out.asyncDispose = [notes.tryRecv()?.value, await outcome((async () => remote.hello())())]
}
{
  const remote = await pin((notes) => ({ [Symbol.dispose]: () => notes.trySend('sync') }), notes)
  remote[Symbol.dispose]()
  out.dispose = await notes.recv()
}
{
  const remote = await pin((notes) => ({ [Symbol.dispose]: () => notes.trySend('released') }), notes)
  remote[releaseProxy]()
  out.releaseProxy = await notes.recv()
}
out.badDispose = await outcome(
  (
    await pin(() => ({
      [Symbol.dispose]() {
        throw new Error('bad end')
      },
    }))
  )[Symbol.asyncDispose](),
)
await counter[Symbol.asyncDispose]()
console.log(JSON.stringify(out))
