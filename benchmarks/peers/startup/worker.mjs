// One bare Worker, from its own file, asked once.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

const worker = new Worker(new URL('worker-thread.mjs', import.meta.url))
worker.postMessage(41)
const [result] = await once(worker, 'message')
console.log(result)
