// Ten thousand keep-alive connections at once, on each a request a second, all in the same moment: does the web server
// of docs/examples hold them and answer them all, without one error, and how much memory does it take? Beside it, in the
// same run, the same server in plain Node and in Go. The load comes from autocannon, over loopback.
//
//   node benchmarks/checks/connections.mjs [CONNECTIONS [SECONDS]]
//
// Linux only: what a server has open, and its resident memory, are read from /proc.

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { setInterval } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import Table from 'cli-table3'
import { Skip } from '../contenders.mjs'
import { goExample } from '../peers/go/build.mjs'

const [connections = 10_000, seconds = 20] = process.argv.slice(2).map(Number)
const ESTABLISHED = '01'

const node = process.execPath
const path = (name) => fileURLToPath(new URL(name, import.meta.url))
const servers = {
  goro: () => [node, '--import', 'tsx', '--import', 'goro/register', path('../../docs/examples/web-server.ts'), '0'],
  plain: () => [node, path('../peers/http/plain.mjs')],
  go: async () => [await goExample('web-server'), '0'],
}

/** Loads one server and gives back what it did; the server has ended afterwards. */
async function measure([command, ...args]) {
  const server = spawn(command, args, { cwd: path('../..'), stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const [url] = await once(server.stdout.setEncoding('utf8'), 'data')
    const end = new AbortController()
    const [load, held] = await Promise.all([
      autocannon(new URL('world', url).href).finally(() => end.abort()),
      mostConnections(new URL(url).port, end.signal),
    ])
    return { ...load, held, memory: await mostMemory(server) }
  } finally {
    server.kill()
  }
}

/** Asks once a second on each connection, and compares what comes back. */
async function autocannon(url) {
  const program = createRequire(import.meta.url).resolve('autocannon/autocannon.js')
  const options = { '-c': connections, '-d': seconds, '-r': 1, '-t': seconds + 60, '-E': 'Hello, world\n' }
  // A request may take as long as the machine needs: a late answer is no error. Without -C it would fill in, for each slow
  // answer, those that it thinks it missed.
  const args = [program, '--json', '-C', ...Object.entries(options).flat().map(String), url]
  const { stdout } = await promisify(execFile)(node, args, { maxBuffer: 2 ** 26, timeout: (seconds + 60) * 1000 })
  return JSON.parse(stdout)
}

/** The most connections that the server on `port` had accepted, and not closed, at a time. */
async function mostConnections(port, signal) {
  const local = `:${Number(port).toString(16).toUpperCase().padStart(4, '0')}`
  let most = 0
  try {
    for await (const _ of setInterval(500, undefined, { signal })) {
      const sockets = (await readFile('/proc/net/tcp', 'utf8')).split('\n').map((line) => line.trim().split(/\s+/))
      // One that still waits to be accepted has no inode.
      const held = sockets.filter((field) => field[1]?.endsWith(local) && field[3] === ESTABLISHED && field[9] !== '0')
      most = Math.max(most, held.length)
    }
  } catch (error) {
    if (error.name !== 'AbortError') throw error
  }
  return most
}

/** The most memory that a server had resident, in MiB. */
async function mostMemory({ pid }) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(status.match(/VmHWM:\s+(\d+) kB/)[1]) / 2 ** 10
}

const rows = new Table({
  head: ['server', 'connections', 'requests/s', 'p50, ms', 'p99, ms', 'errors', 'MiB resident'],
  colAligns: ['left', 'right', 'right', 'right', 'right', 'right', 'right'],
  style: { head: [], border: [], compact: true },
})
for (const [name, command] of Object.entries(servers)) {
  try {
    const { held, requests, latency, errors, mismatches, non2xx, memory } = await measure(await command())
    const wrong = errors + mismatches + non2xx
    rows.push([name, held, requests.average.toFixed(0), latency.p50, latency.p99, wrong, memory.toFixed(0)])
    if (name === 'goro' && (wrong > 0 || held < connections || requests.total === 0)) process.exitCode = 1
  } catch (error) {
    if (!(error instanceof Skip)) throw error
    console.log(`${name} skipped: ${error.message}`)
  }
}
console.log(rows.toString())
