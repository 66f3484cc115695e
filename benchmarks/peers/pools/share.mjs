// A bare Worker that runs one of tasks.mjs or work.mjs for all of its share, which is one message.
import { parentPort, workerData } from 'node:worker_threads'
import * as tasks from '../../tasks.mjs'
import * as work from '../../work.mjs'

const task = { ...tasks, ...work }[workerData]
parentPort.on('message', (share) => parentPort.postMessage(share.map((x) => task(x))))
