// What is in all those files? Reads and parses every JavaScript file under a folder, one goroutine a file, and compares
// the time with that of plain async code on one thread.
//
//   npm start [-- DIR]        DIR: any folder; without it, the installed node_modules
//
// Exit codes: 0, done; 1, no JavaScript file found, or the two ways disagree; 2, DIR is no folder that can be read.

import assert from 'node:assert'
import { readFileSync } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Program, parse } from 'acorn'
import cliProgress from 'cli-progress'
import Table from 'cli-table3'
import { go, runtime } from 'goro'

/** What is found out about one file. */
interface Report {
  functions: number
  /** Each name with how often it stands in the file. */
  identifiers: Record<string, number>
  /** Why it could not be read, or not be parsed. */
  unreadable?: string
  unparsable?: string
}

/** The work, the same for both ways. */
async function survey(path: string): Promise<Report> {
  const report: Report = { functions: 0, identifiers: {} }
  let source: string
  try {
    source = readFileSync(path, 'utf8')
  } catch (error) {
    report.unreadable = (error as Error).message
    return report
  }

  let program: Program
  try {
    program = parse(source, { ecmaVersion: 'latest', sourceType: 'module', allowHashBang: true })
  } catch {
    try {
      program = parse(source, { ecmaVersion: 'latest', sourceType: 'script', allowReturnOutsideFunction: true })
    } catch (error) {
      report.unparsable = (error as Error).message
      return report
    }
  }

  const counts = new Map<string, number>()
  const toVisit: object[] = [program]
  while (toVisit.length > 0) {
    const node = toVisit.pop() as { type?: string; name?: string }
    if (node.type === 'Identifier') counts.set(node.name!, (counts.get(node.name!) ?? 0) + 1)
    else if (node.type?.includes('Function')) report.functions++
    for (const child of Object.values(node)) if (typeof child === 'object' && child !== null) toVisit.push(child)
  }
  report.identifiers = Object.fromEntries(counts)
  return report
}

// The files.

const args = process.argv.slice(2)
if (args.length > 1) stop(2, 'one folder at a time, please: npm start [-- DIR]')
const root = resolve(args[0] ?? fileURLToPath(new URL('../../node_modules', import.meta.url)))
const { files, problems } = await findFiles(root)
if (files.length === 0) {
  if (problems.length > 0) list('unreadable', problems)
  stop(1, `there is no .js, .mjs or .cjs file that can be read in ${root}`)
}
console.log(
  `${root}: ${count(files.length)} ${files.length === 1 ? 'file' : 'files'}, ${(sum(files, 'bytes') / 1e6).toFixed(1)} MB`,
)

// Both ways on a third of the files first, so that neither is measured with cold code; every thread compiles its own, so
// goroutines take a round for each. Then the whole: goroutines first, who thus wait for the disk where it is cold.

const inGoroutine = (path: string) => go(survey, path)
const third = files.filter((_, i) => i % 3 === 1)
for (let i = 0; i < runtime.gomaxprocs(); i++) await surveyAll(third, inGoroutine, 'warming up')
await surveyAll(third, survey, 'warming up')

const before = new Map(runtime.stats().threads.map((thread) => [thread.id, thread]))
const spread = await surveyAll(files, inGoroutine, 'goroutines')
const after = runtime.stats().threads
const plain = await surveyAll(files, survey, 'plain async')

// Both must have found the same.

for (const [i, { path }] of files.entries()) {
  try {
    assert.deepStrictEqual(spread.reports[i], plain.reports[i])
  } catch (error) {
    const diff = (error as Error).message
    stop(1, `goroutines (actual) and plain code (expected) disagree on ${path}; has it changed meanwhile?\n${diff}`)
  }
}

// What they found, and how long it took them.

const reports = plain.reports.map((report, i) => ({ ...report, path: files[i]!.path }))
const names = namesByUse(reports)
print(
  ['found', ''],
  [
    ['functions', count(sum(reports, 'functions'))],
    ['identifiers', count(names.reduce((total, [, uses]) => total + uses, 0))],
    ['different ones', count(names.length)],
    ...names.slice(0, 10).map(([name, uses]) => [`  ${name}`, count(uses)]),
  ],
)
list(
  'unparsable',
  reports.flatMap(({ path, unparsable: reason }) => (reason ? { path, reason } : [])),
)
list('unreadable', [
  ...problems,
  ...reports.flatMap(({ path, unreadable: reason }) => (reason ? { path, reason } : [])),
])
print(
  ['thread', 'goroutines run', 'of them stolen'],
  after.map(({ id, ticks, steals }) => [
    id,
    count(ticks - (before.get(id)?.ticks ?? 0)),
    count(steals - (before.get(id)?.steals ?? 0)),
  ]),
)
print(
  ['', 'seconds', ''],
  [
    ['plain async, one thread', plain.seconds.toFixed(2), ''],
    [
      'goroutines',
      spread.seconds.toFixed(2),
      `${(plain.seconds / spread.seconds).toFixed(2)} times faster, results identical`,
    ],
  ],
)

interface File {
  path: string
  bytes: number
}

interface Problem {
  path: string
  reason: string
}

/** Every JavaScript file under a folder; links are followed, and nothing is visited twice. */
async function findFiles(root: string): Promise<{ files: File[]; problems: Problem[] }> {
  const folders = new Set([await folderAt(root)]) // grows while it is walked
  const sizes = new Map<string, number>()
  const problems: Problem[] = []
  for (const folder of folders) {
    try {
      for (const entry of await readdir(folder, { withFileTypes: true })) {
        const path = join(folder, entry.name)
        if (entry.isDirectory()) folders.add(path)
        else if (entry.isSymbolicLink() || isScript(path)) await look(path)
      }
    } catch (error) {
      problems.push({ path: folder, reason: (error as Error).message })
    }
  }
  // The largest first: the last file to be finished is then a small one, and no thread waits long for another.
  const files = Array.from(sizes, ([path, bytes]) => ({ path, bytes })).sort((a, b) => b.bytes - a.bytes)
  return { files, problems }

  async function look(path: string): Promise<void> {
    try {
      const target = await realpath(path)
      const info = await stat(target)
      if (info.isDirectory()) folders.add(target)
      else if (info.isFile() && isScript(path)) sizes.set(target, info.size)
    } catch (error) {
      if (isScript(path)) problems.push({ path, reason: (error as Error).message })
    }
  }
}

async function folderAt(path: string): Promise<string> {
  try {
    if ((await stat(path)).isDirectory()) return await realpath(path)
  } catch (error) {
    stop(2, `no folder can be read at ${path}: ${(error as Error).message}`)
  }
  return stop(2, `${path} is no folder`)
}

function isScript(path: string): boolean {
  return /\.[cm]?js$/.test(path)
}

/** Surveys the files in one of the two ways. On a terminal, a bar shows how far it is. */
async function surveyAll(files: File[], way: (path: string) => PromiseLike<Report>, label: string) {
  const bar = new cliProgress.SingleBar({
    format: `${label.padEnd(11)} {bar} {percentage} % of the bytes, {done} of ${files.length} files`,
    clearOnComplete: true,
  })
  bar.start(sum(files, 'bytes'), 0, { done: 0 })
  let done = 0
  const begin = performance.now()
  const reports = await Promise.all(
    files.map(async ({ path, bytes }) => {
      const report = await way(path)
      bar.increment(bytes, { done: ++done })
      return report
    }),
  )
  const seconds = (performance.now() - begin) / 1000
  bar.stop()
  return { reports, seconds }
}

function namesByUse(reports: Report[]): [name: string, uses: number][] {
  const uses = new Map<string, number>()
  for (const { identifiers } of reports) {
    for (const [name, count] of Object.entries(identifiers)) uses.set(name, (uses.get(name) ?? 0) + count)
  }
  return [...uses].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
}

function sum<K extends string>(items: readonly Record<K, number>[], key: K): number {
  return items.reduce((total, item) => total + item[key], 0)
}

function count(n: number): string {
  return n.toLocaleString('en')
}

function print(head: string[], rows: (string | number)[][]): void {
  const table = new Table({
    head,
    colAligns: ['left', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  })
  table.push(...rows)
  console.log(`${table}`)
}

/** Names the files with a problem: the first ten, and how many there are. */
function list(what: string, problems: Problem[]): void {
  console.log(`${count(problems.length)} ${what} ${problems.length === 1 ? 'file' : 'files'}`)
  for (const { path, reason } of problems.slice(0, 10)) console.log(`  ${relative(root, path)}: ${reason}`)
  if (problems.length > 10) console.log(`  and ${count(problems.length - 10)} more`)
}

function stop(code: number, message: string): never {
  console.error(`survey: ${message}`)
  process.exit(code)
}
