// A bare Worker that runs one of tasks.mjs for each message.
import { parentPort, workerData } from 'node:worker_threads'
import * as tasks from '../../tasks.mjs'

const task = tasks[workerData]
parentPort.on('message', ([id, x]) => parentPort.postMessage([id, task(x)]))
