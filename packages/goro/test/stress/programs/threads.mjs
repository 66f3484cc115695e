// The threads that the runtime starts, by Node's thread id, so that a program can end them; and how many have died: one that
// is not needed any more ends with 0. Import it before goro.
import { createRequire, syncBuiltinESMExports } from 'node:module'

export const threads = new Map()
export const ended = { count: 0 }

const workerThreads = createRequire(import.meta.url)('node:worker_threads')
workerThreads.Worker = class Worker extends workerThreads.Worker {
  constructor(...args) {
    super(...args)
    const { threadId } = this
    threads.set(threadId, this)
    this.once('exit', (code) => {
      threads.delete(threadId)
      if (code !== 0) ended.count++
    })
  }
}
syncBuiltinESMExports()
