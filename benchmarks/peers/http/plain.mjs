// docs/examples/web-server.ts without goroutines: what of its figures is Node's own.

import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

const server = createServer({ keepAliveTimeout: 60_000 }, async (request, response) => {
  await sleep(100)
  response.end(`Hello, ${request.url.slice(1)}\n`)
})
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () =>
  console.log(`http://127.0.0.1:${server.address().port}`),
)
