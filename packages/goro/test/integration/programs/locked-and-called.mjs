// A goroutine has its thread for itself and waits, and callbacks run there meanwhile: after each the thread has no processor.
import { threadId } from 'node:worker_threads'
import { AtomicInt32, chan, go, runtime, sleep } from 'goro'

const [ids, gate, calls] = [chan(1), chan(), new AtomicInt32()]
const locked = go(async () => {
  runtime.lockOSThread()
  const ticking = setInterval(() => calls.add(1), 2)
  await ids.send(threadId)
  await gate.recv()
  clearInterval(ticking)
  runtime.unlockOSThread()
})
const id = await ids.recv()
const processor = () => runtime.stats().threads.find((thread) => thread.threadId === id).processor
while (calls.load() < 5) await sleep(1)
while (processor() !== -1) await sleep(1)
gate.close()
await locked
console.log('ok')
