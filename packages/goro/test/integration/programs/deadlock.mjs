import { chan, go, Mutex } from 'goro'

const ch = chan()
const mutex = new Mutex()
await mutex.lock()
async function worker(ch) {
  await ch.recv()
}
async function locker(mutex) {
  await mutex.lock()
}
const waits = go(worker, ch)
void go(locker, mutex)
await waits
