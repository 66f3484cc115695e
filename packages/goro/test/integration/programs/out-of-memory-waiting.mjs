// All operations that wait, when there is no shared memory for a waiter.
import { Cond, chan, context, go, Mutex, Once, RWMutex, runtime, Semaphore, select, send, sleep, WaitGroup } from 'goro'

runtime.configure({ maxProcs: 1, memory: 16 * 2 ** 20 })
await go(() => {})
const [empty, other] = [chan(), chan()]
const [mutex, written, read, group, sema, once] = [
  new Mutex(),
  new RWMutex(),
  new RWMutex(),
  new WaitGroup(),
  new Semaphore(1),
  new Once(),
]
const cond = new Cond(new Mutex())
await Promise.all([mutex.lock(), cond.mutex.lock(), written.lock(), read.rLock(), sema.acquire()])
group.add()
void once.do(() => new Promise(() => {}))
// Known to others, so that a waiter watches it.
const [ctx] = context.withCancel(context.background())
ctx.done()
// Two waiters are put aside for the cases of a select.
select.try({ empty, other })

const full = chan(100_000)
for (const size of [2 ** 20, 2 ** 16, 2 ** 12, 2 ** 8, 32]) {
  const text = 'x'.repeat(size)
  try {
    while (await full.send(text).then(() => full.length < full.capacity));
  } catch (error) {
    if (error.name !== 'OutOfMemoryError') throw error
  }
}
// Until none is left, each waits by one.
let left = true
while (left) {
  try {
    void empty.recv().catch(() => {
      left = false
    })
  } catch {
    left = false
  }
  await undefined
}

const operations = {
  recv: () => empty.recv(),
  next: () => empty.next(),
  iterate: () => empty[Symbol.asyncIterator]().next(),
  send: () => empty.send(1),
  select: () => select({ empty, other }),
  'select to send': () => select({ empty: send(empty, 1), other }),
  'select with a promise': () => select({ empty, other, never: new Promise(() => {}) }),
  lock: () => mutex.lock(),
  withLock: () => mutex.withLock(() => {}),
  'write lock': () => written.lock(),
  'read lock': () => written.rLock(),
  'write lock, read': () => read.lock(),
  'wait group': () => group.wait(),
  semaphore: () => sema.acquire(),
  once: () => once.do(() => {}),
  cond: () => cond.wait(),
  'sleep with a context': () => sleep(60_000, ctx),
}

const outcomes = {}
for (const [name, operation] of Object.entries(operations)) {
  const error = (kind) => (reason) => `${kind}: ${reason?.name}`
  try {
    const waits = new Promise((resolve) => setTimeout(resolve, 100, 'waits'))
    outcomes[name] = await Promise.race([operation().then(() => 'resolves', error('rejects')), waits])
  } catch (reason) {
    outcomes[name] = error('throws')(reason)
  }
}
console.log(JSON.stringify(outcomes))
process.exit()
