// What a goroutine may wait for in its thread's event loop. A module of its own, so that threads import it.
import { execFile } from 'node:child_process'
import { pbkdf2 } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { promisify } from 'node:util'
import { MessageChannel } from 'node:worker_threads'

/** By kind, an event that comes at once or, if it can, `ms` milliseconds later. */
export const kinds = {
  async sockets(ms) {
    const server = createServer((socket) => setTimeout(() => socket.end('sent'), ms)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const [data] = await once(connect(server.address().port, '127.0.0.1'), 'data')
    server.close()
    return String(data) === 'sent'
  },
  async files() {
    return (await readFile(new URL(import.meta.url), 'utf8')).startsWith('// What')
  },
  async dns() {
    return (await lookup('localhost')).address !== undefined
  },
  async children(ms) {
    const { stdout } = await promisify(execFile)(process.execPath, [
      '-e',
      `setTimeout(() => console.log('ran'), ${ms})`,
    ])
    return stdout === 'ran\n'
  },
  async timers(ms) {
    return new Promise((resolve) => setTimeout(resolve, ms, true))
  },
  async messages(ms) {
    const { port1, port2 } = new MessageChannel()
    setTimeout(() => port2.postMessage(true), ms)
    const [message] = await once(port1, 'message')
    port1.close()
    return message
  },
  async immediates() {
    return new Promise((resolve) => setImmediate(resolve, true))
  },
  // Node lists no such work among its resources.
  async threadpool(ms) {
    return (await promisify(pbkdf2)('password', 'salt', 1 + ms * 1000, 8, 'sha256')).length === 8
  },
}
