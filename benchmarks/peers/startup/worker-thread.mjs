// The other side of worker.mjs.
import { parentPort } from 'node:worker_threads'

parentPort.once('message', (x) => parentPort.postMessage(x + 1))
