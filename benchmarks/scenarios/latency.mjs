// A web server of which one request in ten asks for 50 ms of work: what does that do to the others? The server and the load
// are processes of their own (peers/http), so that the load is the same program for all.

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { goCommand } from '../peers/go/build.mjs'

export const question = 'What do requests that compute for 50 ms, one in ten, do to the light ones of a web server?'
export const unit = 'ms'
export const quick = 0.3

export const rows = {
  p50: { question: 'How long does the median light request to a web server take, if one in ten computes for 50 ms?' },
  p99: {
    question: 'How long do 99 % of the light requests to a web server take at most, if one in ten computes for 50 ms?',
    marks: [
      { than: 'plain', atMost: 0.1 },
      { than: 'piscina', atMost: 1 },
    ],
  },
  rps: {
    question: 'How many light requests a second does a web server answer, if one in ten computes for 50 ms?',
    unit: 'requests/s',
    more: true,
    marks: [{ than: 'plain', atLeast: 1.6 }],
  },
}

const path = (name) => fileURLToPath(new URL(`../peers/http/${name}`, import.meta.url))
const server = path('latency.mjs')
const node = process.execPath

export const contenders = {
  goro: { n: 1000, run: (n, rows) => measure([node, '--import', 'goro/register', server, 'goro'], n, rows) },
  plain: { n: 1000, run: (n, rows) => measure([node, server, 'plain'], n, rows) },
  piscina: { n: 1000, run: (n, rows) => measure([node, server, 'piscina'], n, rows) },
  go: { n: 1000, run: async (n, rows) => measure([...(await goCommand()), 'latency'], n, rows) },
}

/** The latencies of light requests at a given pace; and, of a server of its own, how many there are at the fastest. */
async function measure(command, n, rows) {
  const latencies = rows.includes('p50') || rows.includes('p99') ? await load(command, 'open', n) : {}
  const throughput = rows.includes('rps') ? await load(command, 'closed', n) : {}
  return { p50: latencies.p50, p99: latencies.p99, rps: throughput.rps }
}

async function load([command, ...args], mode, n) {
  const child = spawn(command, args, { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  try {
    const started = await Promise.race([once(child.stdout.setEncoding('utf8'), 'data'), closed])
    if (child.exitCode !== null) throw new Error(`${command} ${args.join(' ')} did not start`)
    const program = [path('load.mjs'), started[0].trim(), mode, String(n)]
    const { stdout } = await promisify(execFile)(node, program, { timeout: 120_000 })
    return JSON.parse(stdout)
  } finally {
    child.kill()
    await closed
  }
}
