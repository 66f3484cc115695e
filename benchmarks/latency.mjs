// A web server of which one request in ten asks for 50 ms of work: what that does to the others. The server and the load
// are processes of their own (peers/http), so that the load is the same program for all.

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { goCommand } from './peers/go/build.mjs'

const path = (name) => fileURLToPath(new URL(name, import.meta.url))
const server = path('peers/http/latency.mjs')
const node = process.execPath

const commands = {
  goro: () => [node, '--import', 'goro/register', server, 'goro'],
  plain: () => [node, server, 'plain'],
  piscina: () => [node, server, 'piscina'],
  go: async () => [...(await goCommand()), 'latency'],
}

/** The contenders of a scenario that loads each with `n` requests and takes one `figure` of the light ones. */
export function contenders(mode, n, figure) {
  return Object.fromEntries(
    Object.entries(commands).map(([name, command]) => [
      name,
      { n, run: async (n) => (await measure(await command(), mode, n))[figure] },
    ]),
  )
}

async function measure([command, ...args], mode, n) {
  const child = spawn(command, args, { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  try {
    const started = await Promise.race([once(child.stdout.setEncoding('utf8'), 'data'), closed])
    if (child.exitCode !== null) throw new Error(`${command} ${args.join(' ')} did not start`)
    const load = [path('peers/http/load.mjs'), started[0].trim(), mode, String(n)]
    const { stdout } = await promisify(execFile)(node, load, { timeout: 120_000 })
    return JSON.parse(stdout)
  } finally {
    child.kill()
    await closed
  }
}
