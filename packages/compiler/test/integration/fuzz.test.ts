/**
 * Random programs mean the same plain and as goroutines: through the loader, through the loader after a minifier, and through a
 * minifier after the compiler, which has put preemption points in. A failure prints the smallest program that it could find, with seed and path:
 * `fc.assert(property, { seed, path })` runs it again. For longer runs: GORO_FUZZ_RUNS=10000, and GORO_FUZZ_SEED for a seed; without one it is another each time, but in CI.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { compile } from '@goro/compiler'
import { transformSync } from 'esbuild'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { plotOf } from './plot.ts'
import { type Program, programOf } from './program.ts'

const RUNS = Number(process.env.GORO_FUZZ_RUNS ?? 0)
/** Without a number of runs it ends after this time, in milliseconds. */
const BUDGET = 15_000
/** So long it looks for a smaller program that fails. */
const SHRINKING = 30_000
/** So many programs are run by one process: what was imported stays in memory. */
const PROGRAMS = 1000

const plot = plotOf('fuzz')
plot.linkGoro('goro')

/** A process that runs programs. */
class Server {
  readonly #execArgv: string[]
  #child: ChildProcess
  #programs = 0

  constructor(execArgv: string[]) {
    this.#execArgv = execArgv
    this.#child = this.#start()
  }

  /** What the modules at `paths` give. */
  async run(paths: string[]): Promise<string[]> {
    if (++this.#programs % PROGRAMS === 0) {
      this.#child.kill()
      await once(this.#child, 'exit')
      this.#child = this.#start()
    }
    const child = this.#child
    return new Promise((resolve, reject) => {
      const died = (code: number | null) => reject(new Error(`the process ended with ${code}`))
      child.once('exit', died)
      child.once('message', (outcomes) => {
        child.off('exit', died)
        resolve(outcomes as string[])
      })
      child.send(paths)
    })
  }

  stop(): void {
    this.#child.kill()
  }

  #start(): ChildProcess {
    return fork(join(plot.dir, 'server.mjs'), { execArgv: this.#execArgv, cwd: plot.dir })
  }
}

const loading = new Server(['--import', 'goro/register'])
const bare = new Server([])
afterAll(() => {
  loading.stop()
  bare.stop()
  plot.remove()
})

const minified = (text: string) => transformSync(text, { minify: true, format: 'esm' }).code

function compiled(text: string, filename: string): string {
  return compile(text, { filename, dependency: true, preempt: true })?.code ?? text
}

/** The ways to run a program, by name: what becomes of its modules, and who runs them. */
const WAYS: Record<string, { server: Server; make(text: string, filename: string): string }> = {
  plain: { server: bare, make: (text) => text },
  loaded: { server: loading, make: (text) => text },
  'loaded after a minifier': { server: loading, make: minified },
  'minified after the compiler': { server: bare, make: (text, filename) => minified(compiled(text, filename)) },
}

let count = 0

/** What the program gives, by each way. */
async function run(program: Program): Promise<Record<string, string>> {
  const id = ++count
  const entries = Object.entries(WAYS).map(([way, { server, make }]) => {
    const dir = `programs/${id}-${way.replaceAll(' ', '-')}`
    for (const name of ['helpers', 'main'] as const) {
      const text = program[name].replace('GORO', way === 'plain' ? '../../plain.mjs' : 'goro')
      plot.write(`${dir}/${name}.mjs`, make(text, join(plot.dir, dir, `${name}.mjs`)))
    }
    return { way, server, path: join(plot.dir, dir, 'main.mjs') }
  })
  const outcomes: Record<string, string> = {}
  await Promise.all(
    [loading, bare].map(async (server) => {
      const own = entries.filter((entry) => entry.server === server)
      const given = await server.run(own.map(({ path }) => path))
      for (const [i, { way }] of own.entries()) outcomes[way] = given[i] as string
    }),
  )
  for (const { path } of entries) rmSync(dirname(path), { recursive: true })
  return outcomes
}

/** A minifier moves what it does not take away. */
const placeless = (outcome: string) => outcome.replace(/ at \S+$/, '')

test('random programs mean the same plain and as goroutines', { timeout: 3_600_000 }, async () => {
  const kinds = new Map<string, number>()
  let failedAt = Number.POSITIVE_INFINITY
  const choices = fc.array(fc.nat(10_000), { minLength: 20, maxLength: 800, size: 'max' })
  const property = fc.asyncProperty(choices, async (choices) => {
    fc.pre(Date.now() < failedAt + SHRINKING)
    const program = programOf(choices)
    const { plain = '', loaded, ...others } = await run(program)
    const kind = plain.replace(/:.*/s, '').replace(/^-?\d+$/, 'a number')
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
    const minified = Object.fromEntries(Object.entries(others).map(([way, outcome]) => [way, placeless(outcome)]))
    const expected = { loaded: plain, ...Object.fromEntries(Object.keys(others).map((way) => [way, placeless(plain)])) }
    try {
      expect({ loaded, ...minified }, `\n${program.helpers}\n// ---\n${program.main}`).toEqual(expected)
    } catch (error) {
      failedAt = Math.min(failedAt, Date.now())
      throw error
    }
  })
  // In CI always the same programs: there a change fails for what it has done, and for nothing else.
  const given = process.env.GORO_FUZZ_SEED ?? (process.env.CI === undefined ? undefined : '20261124')
  const seed = given === undefined ? {} : { seed: Number(given) }
  const bounds =
    RUNS > 0 ? { numRuns: RUNS } : { numRuns: 100_000, interruptAfterTimeLimit: BUDGET, markInterruptAsFailure: false }
  await fc.assert(property, { ...seed, ...bounds })
  // It is no fuzz test if the programs don't run.
  expect([...kinds.keys()].filter((kind) => kind !== 'a number' && kind !== 'RangeError')).toEqual([])
  expect(kinds.get('a number')).toBeGreaterThan(10)
})
