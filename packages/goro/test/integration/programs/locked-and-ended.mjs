// A thread that ends by itself leaves locked what its goroutines have locked, and others may unlock it; what dies with a thread is another matter.
import { threadId } from 'node:worker_threads'
import { go, Mutex, RWMutex, runtime, sleep } from 'goro'

const [mutex, written, readBy] = [new Mutex(), new RWMutex(), new RWMutex()]
const id = await go(async () => {
  // Its thread ends with it.
  runtime.lockOSThread()
  await mutex.lock()
  await written.lock()
  await readBy.rLock()
  return threadId
})
while (runtime.stats().threads.some((thread) => thread.threadId === id)) await sleep(1)
const had = []
const waits = [mutex.lock(), written.rLock(), readBy.lock()].map((lock, i) => lock.then(() => had.push(i)))
await Promise.race([Promise.all(waits), sleep(20)])
const before = had.length
await go(() => {
  mutex.unlock()
  written.unlock()
  readBy.rUnlock()
})
await Promise.all(waits)
console.log(JSON.stringify({ before, after: had.sort() }))
