/** docs/examples/web-server.ts: requests wait side by side, each for its 100 ms. */
import { Agent, get } from 'node:http'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { withExample } from './run.ts'

/** 2,000 × 100 ms one after another would take longer than a test may. */
const CONNECTIONS = 500
const REQUESTS = 4

test('500 keep-alive connections, each with four requests in a row', async () => {
  await withExample('web-server', { args: ['0'] }, async (url) => {
    const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
    const sockets = new Set<unknown>()
    const ask = (path: string) =>
      new Promise<string>((resolve, reject) => {
        get(new URL(path, url), { agent }, (response) => resolve(text(response)))
          .on('socket', (socket) => sockets.add(socket))
          .on('error', reject)
      })
    const talk = async (_: unknown, i: number) => {
      const answers: string[] = []
      for (let n = 0; n < REQUESTS; n++) answers.push(await ask(`${i}-${n}`))
      expect(answers).toEqual(Array.from({ length: REQUESTS }, (_, n) => `Hello, ${i}-${n}\n`))
    }
    await Promise.all(Array.from({ length: CONNECTIONS }, talk))
    expect(sockets.size).toBe(CONNECTIONS)
    agent.destroy()
  })
})
