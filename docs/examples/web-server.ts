// A web server whose handlers take 100 ms each, all at once.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { go, sleep } from 'goro'

async function handle(path: string): Promise<string> {
  await sleep(100)
  return `Hello, ${path.slice(1)}\n`
}

const port = Number(process.argv[2] ?? 8080)

const server = createServer({ keepAliveTimeout: 60_000 }, async (request, response) => {
  response.end(await go(handle, request.url!))
})
server.listen({ port, host: '127.0.0.1', backlog: 4096 }, () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
