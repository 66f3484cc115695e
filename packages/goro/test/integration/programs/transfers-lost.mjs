// The thread that hands buffers over dies: with some that it holds, which goroutines on a thread ask for that was there, or on one that was not;
// or with some that a goroutine has just asked for.
import workerThreads from 'node:worker_threads'

const [how] = process.argv.slice(2)
let porter
class Watched extends workerThreads.Worker {
  constructor(file, options) {
    super(file, options)
    if (options.workerData === 'porter') porter = this
  }
}
workerThreads.Worker = Watched
// Each thread gets a line to the porter when that is up.
let channels = 0
class Counted extends workerThreads.MessageChannel {
  constructor() {
    super()
    channels++
  }
}
workerThreads.MessageChannel = Counted
const { go, runtime } = await import('goro')

// Nobody else is to take what waits for a thread that blocks.
runtime.configure({ maxProcs: 1, maxThreads: 1 })

const SIZE = 1 << 18
const send = (fn) => {
  const buffer = new ArrayBuffer(SIZE)
  return go.with({ transfer: [buffer] }, fn, buffer)
}
const length = (buffer) => buffer.byteLength
while (porter === undefined) await send(length)
for (const before = channels; channels === before; ) await send(length)

const flag = new Int32Array(new SharedArrayBuffer(4))
const hold = (flag) => {
  Atomics.store(flag, 0, 1)
  Atomics.notify(flag, 0)
  Atomics.wait(flag, 0, 1)
}
// The one thread is taken, so that what is sent stays with the porter.
const isHeld = how !== 'asked for'
const dies = (flag) => {
  hold(flag)
  process.exit(1)
}
const holding = isHeld ? go(how === 'held' ? hold : dies, flag).catch(() => {}) : undefined
if (isHeld) Atomics.wait(flag, 0, 0)
const settled = Promise.allSettled(Array.from({ length: 8 }, () => send(length)))
const dead = new Promise((resolve) => porter.once('exit', resolve))
void porter.terminate()
await dead
if (isHeld) {
  Atomics.store(flag, 0, 2)
  Atomics.notify(flag, 0)
  await holding
}
const outcomes = await settled
const errors = outcomes
  .filter(({ status }) => status === 'rejected')
  .map(({ reason }) => `${reason.name}: ${reason.message}`)
const others = outcomes.filter(({ status, value }) => status === 'fulfilled' && value === SIZE).length
console.log(isHeld ? `${errors.length} × ${[...new Set(errors)].join()}` : errors.length + others)
console.log('then', await send(length))
