// Where a contender's time goes: it runs under V8's sampling profiler, which Node starts on every thread and writes to a file
// as the thread ends. The profiles of one kind of thread are added up.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import Table from 'cli-table3'
import { inProcess } from './run.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))
const profiles = fileURLToPath(new URL('../node_modules/.cache/goro-benchmarks/profiles/', import.meta.url))
const interval = 100 // µs between samples
/** Node's own, for `--import goro/register`: what it does comes before the span. */
const loaderThread = 'loader thread'

/**
 * Runs a contender under the profiler. Gives back the folder with the raw profiles (Chrome's developer tools open
 * them) and a list of kinds of threads, each `{ kind, threads, asleep, awake, rows }`: two times in ms,
 * and a row `{ name, where, self }` for every function with time of its own, the longest first.
 */
export async function profile(turn) {
  const folder = `${profiles}${turn.file}-${turn.contender.replace(/\W+/g, '-')}`
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const span = await inProcess('profiled.mjs', turn, [
    '--cpu-prof',
    `--cpu-prof-dir=${folder}`,
    `--cpu-prof-interval=${interval}`,
  ])
  const kinds = new Map()
  for (const file of readdirSync(folder)) {
    const whole = JSON.parse(readFileSync(`${folder}/${file}`, 'utf8'))
    // CPU.date.time.process.thread.number.cpuprofile: the main thread's number is 0.
    const kind = file.split('.')[4] === '0' ? 'main thread' : kindOf(whole)
    if (kind === loaderThread) continue
    if (!kinds.has(kind)) kinds.set(kind, { kind, threads: 0, asleep: 0, awake: 0, functions: new Map() })
    add(kinds.get(kind), selfTimes(whole, span))
  }
  const list = [...kinds.values()].map(({ functions, ...rest }) => ({
    ...rest,
    rows: [...functions.values()].sort((a, b) => b.self - a.self),
  }))
  return { folder, kinds: list.sort((a, b) => b.awake - a.awake) }
}

/** Milliseconds of self time by function, within the span. */
function selfTimes({ nodes, samples, timeDeltas, startTime }, { from, to }) {
  const byId = new Map(nodes.map((node) => [node.id, node.callFrame]))
  const functions = new Map()
  let time = startTime
  for (const [i, sample] of samples.entries()) {
    time += timeDeltas[i]
    if (time < from || time > to) continue
    const frame = byId.get(sample)
    const where = place(frame)
    const key = `${frame.functionName} ${where}`
    const found = functions.get(key) ?? { name: frame.functionName || '(anonymous)', where, self: 0 }
    found.self += timeDeltas[i] / 1000
    functions.set(key, found)
  }
  return functions
}

/** By what has ever run on the thread. */
function kindOf({ nodes }) {
  const files = [...new Set(nodes.map(({ callFrame }) => place(callFrame).split(':')[0]))]
  if (files.includes('packages/runtime/src/sysmon.ts')) return 'monitor'
  if (files.some((file) => file.startsWith('packages/runtime/src/'))) return 'goroutine threads'
  return nodes.some(({ callFrame }) => callFrame.url === 'node:internal/modules/esm/worker')
    ? loaderThread
    : 'worker threads'
}

function add(kind, functions) {
  kind.threads++
  for (const [key, { self, ...rest }] of functions) {
    if (isSleep(rest)) {
      kind.asleep += self
      continue
    }
    kind.awake += self
    const found = kind.functions.get(key) ?? { ...rest, self: 0 }
    found.self += self
    kind.functions.set(key, found)
  }
}

/** A thread sleeps in its event loop, or on a word of shared memory. */
function isSleep({ name, where }) {
  return name === '(idle)' || (name === 'wait' && where.startsWith('packages/memory/src/atomics.ts'))
}

/** File and line of a function, in its source where a map leads there. */
function place({ url, lineNumber, columnNumber }) {
  if (!url.startsWith('file:')) return url && `${url}:${lineNumber + 1}`
  const file = fileURLToPath(url)
  const entry = sourceMap(file)?.findEntry(lineNumber, columnNumber)
  // A map may lead to what is no file, in a package that was bundled.
  const original = entry?.originalSource && new URL(entry.originalSource, url)
  if (original?.protocol !== 'file:') return `${relative(root, file)}:${lineNumber + 1}`
  return `${relative(root, fileURLToPath(original))}:${entry.originalLine + 1}`
}

const maps = new Map()

function sourceMap(file) {
  if (!maps.has(file)) {
    const map = existsSync(`${file}.map`) ? new SourceMap(JSON.parse(readFileSync(`${file}.map`, 'utf8'))) : undefined
    maps.set(file, map)
  }
  return maps.get(file)
}

/** What a person sees of it: the `top` functions of each kind of thread. */
export function profileTables(kinds, top) {
  return kinds.map(({ kind, threads, asleep, awake, rows }) => {
    const table = new Table({
      head: ['self, ms', '% of awake', 'function', 'where'],
      colAligns: ['right', 'right', 'left', 'left'],
      style: { head: [], border: [], compact: true },
    })
    for (const { name, where, self } of rows.slice(0, top)) {
      table.push([self.toFixed(1), ((100 * self) / awake).toFixed(1), name, where])
    }
    const count = threads > 1 ? ` (${threads} of them)` : ''
    return `${kind}${count}: awake for ${awake.toFixed(0)} ms, asleep for ${asleep.toFixed(0)}\n${table}`
  })
}
