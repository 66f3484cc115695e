/**
 * Go's semantics, case by case, in every placement that makes sense (harness.ts says which there are), each placement in a process of its
 * own with GOMAXPROCS 1, 2 and 4. GORO_CONFORMANCE_RUNS says how often (default 1); a GOMAXPROCS from outside replaces the three.
 *
 * To see a failure again: its test is named after its case, and vitest runs that alone, as often as need be:
 *
 *   GOMAXPROCS=4 GORO_CONFORMANCE_RUNS=100 npm test -- --project conformance -t 'closing wakes every receiver'
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, type RunnerTestSuite, test } from 'vitest'
import './cases/index.ts'
import { type Case, idOf, type Place, programs, suite } from './harness.ts'
import type { Report } from './runner.ts'

const runs = Number(process.env.GORO_CONFORMANCE_RUNS ?? 1)
const outer = process.env.GOMAXPROCS
const procsOf = (...numbers: number[]): number[] => (outer === undefined ? numbers : [Number(outer)])

/** Tasks of one thread do not know how many Ps there are. */
const placements: { place: Place; procs: number[] }[] = [
  { place: 'main', procs: procsOf(2) },
  { place: 'goroutine', procs: procsOf(1) },
  { place: 'main+go', procs: procsOf(1, 2, 4) },
  { place: 'go+go', procs: procsOf(1, 2, 4) },
]

const folder = mkdtempSync(path.join(tmpdir(), 'goro-conformance-'))
const runner = path.join(folder, 'runner.mjs')

beforeAll(async () => {
  const goro = pathToFileURL(fileURLToPath(new URL('../../dist/index.js', import.meta.url))).href
  await build({
    entryPoints: [fileURLToPath(new URL('runner.ts', import.meta.url))],
    outfile: runner,
    bundle: true,
    // The package says that its modules only export; those of the cases register them.
    ignoreAnnotations: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'warning',
    plugins: [
      {
        name: 'goro',
        setup: ({ onResolve }) => onResolve({ filter: /^goro$/ }, () => ({ path: goro, external: true })),
      },
    ],
  })
})
afterAll(() => rmSync(folder, { recursive: true }))

interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Without a sign of life for so long, a process hangs. */
const SILENCE_MS = 90_000

function start(args: string[], procs: number): Promise<Outcome> {
  const { NODE_OPTIONS: _options, ...env } = process.env
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [runner, ...args], {
      env: { ...env, GOMAXPROCS: String(procs) },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let [stdout, stderr] = ['', '']
    const killer = setTimeout(() => child.kill('SIGKILL'), SILENCE_MS)
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      killer.refresh()
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.on('error', reject)
    child.on('close', (code) => {
      clearTimeout(killer)
      resolve({ code, stdout, stderr })
    })
  })
}

/** What a case came to, over all runs: its first failure, or how often it has passed. */
type Verdicts = Map<string, string | number>

function judge(verdicts: Verdicts, { code, stdout, stderr }: Outcome): void {
  let running: string | undefined
  for (const line of stdout.split('\n').filter(Boolean)) {
    const { id, state, error } = JSON.parse(line) as Report
    running = state === 'begun' ? id : undefined
    const known = verdicts.get(id) ?? 0
    if (typeof known === 'string') continue
    if (state === 'passed') verdicts.set(id, known + 1)
    else if (state === 'failed') verdicts.set(id, `${error}\n${stderr}`)
  }
  if (running !== undefined) verdicts.set(running, `the process ended in it, with ${code}:\n${stderr}`)
}

/** The tests of `group` that `-t` has chosen. */
function namesOf(group: Readonly<RunnerTestSuite>): string[] {
  return group.tasks.flatMap((task) => (task.type === 'suite' ? namesOf(task) : task.mode === 'run' ? [task.name] : []))
}

function bySource<C extends Case>(list: readonly C[]): [source: string, list: C[]][] {
  const sources = [...new Set(list.map(({ source }) => source))]
  return sources.map((source) => [source, list.filter((each) => each.source === source)])
}

for (const { place, procs } of placements) {
  const here = suite.filter(({ places }) => places === undefined || places.includes(place))
  describe.each(procs)(`${place}, GOMAXPROCS=%i`, (count) => {
    const verdicts: Verdicts = new Map()
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads from it what the hook wants
    beforeAll(async ({}, group) => {
      const names = namesOf(group)
      for (let i = 0; i < runs; i++)
        judge(verdicts, await start([place, ...(names.length === here.length ? [] : names)], count))
    })
    for (const [source, list] of bySource(here)) {
      describe(source, () => {
        for (const each of list) test(each.name, () => expect(verdicts.get(idOf(each))).toBe(runs))
      })
    }
  })
}

describe.concurrent.each(procsOf(1, 4))('programs, GOMAXPROCS=%i', (count) => {
  for (const [source, list] of bySource(programs)) {
    describe(source, () => {
      for (const each of list) {
        test(each.name, async () => {
          for (let i = 0; i < runs; i++) {
            const { code, stdout, stderr } = await start(['--program', idOf(each)], count)
            expect({ code, stdout, stderr }).toMatchObject({ code: each.code, stdout: each.stdout })
            if (each.stderr.length === 0) expect(stderr).toBe('')
            for (const pattern of each.stderr) expect(stderr).toMatch(pattern)
          }
        })
      }
    })
  }
})

test('there are at least 250 cases, each with a name of its own', () => {
  const ids = [...suite, ...programs].map(idOf)
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids.length).toBeGreaterThanOrEqual(250)
})
