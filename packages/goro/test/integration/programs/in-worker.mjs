import { isMainThread, Worker } from 'node:worker_threads'
import { go } from 'goro'

if (isMainThread) new Worker(new URL(import.meta.url))
else console.log(await go((x) => x + 1, 41))
