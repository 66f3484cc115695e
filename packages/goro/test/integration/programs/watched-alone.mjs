// The monitor's thread is ended from outside: the main thread prints the dump itself then. It has a SIGUSR2 handler of its own too.
import { once } from 'node:events'
import { syncBuiltinESMExports } from 'node:module'
import workerThreads from 'node:worker_threads'

let monitor
class Worker extends workerThreads.Worker {
  constructor(file, options) {
    super(file, options)
    if (options.execArgv?.includes('--expose-internals')) monitor = this
  }
}
if (process.argv[2] === 'dies') {
  workerThreads.Worker = Worker
  syncBuiltinESMExports()
}
const { chan, go, runtime } = await import('goro')

const ch = chan()
function receiver(ch) {
  return ch.recv()
}
const received = go.with({ name: 'the receiver' }, receiver, ch)
if (process.argv[2] === 'dies') {
  const warned = once(process, 'warning')
  await monitor.terminate()
  console.log((await warned)[0].message)
}
process.on('SIGUSR2', () => console.log('its own'))
while (runtime.goroutines()[0].waitReason !== 'chan receive') await new Promise((resolve) => setTimeout(resolve, 2))
console.log('ready')
await once(process.stdin, 'data')
await ch.send(1)
console.log(await received)
process.stdin.unref()
