// The server of the `latency` scenarios: `node latency.mjs CONTENDER`. It answers `/heavy` when the contender has done a
// fixed amount of work for it, and everything else at once.

import { createServer } from 'node:http'
import * as contenders from '../../contenders.mjs'
import { spin } from '../../tasks.mjs'

/** About 50 ms. The Go server does the same rounds, in about the same time. */
const ROUNDS = 36_000_000

// One at a time for each Piscina thread: with long tasks, those handed out early can't be moved to a free thread.
const call = await contenders[process.argv[2]](spin, { atomics: 'sync', concurrentTasksPerWorker: 1 })

const server = createServer({ keepAliveTimeout: 60_000 }, async (request, response) => {
  response.end(request.url === '/heavy' ? String(await call(ROUNDS)) : 'light')
})
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  console.log(`http://127.0.0.1:${server.address().port}`)
})
