// A program that has put a class of its own in the place of Node's Worker: goro's threads are of it, and it stays there.
import workerThreads from 'node:worker_threads'
import { go, runtime } from 'goro'

let made = 0
class Watched extends workerThreads.Worker {
  constructor(...args) {
    super(...args)
    made++
  }
}
workerThreads.Worker = Watched
runtime.configure({ maxProcs: 2 })
await go(() => 1)
console.log(made, workerThreads.Worker === Watched)
