/**
 * Random programs mean the same plain and as goroutines. A failure prints the smallest program that it could find, with seed and
 * path: `fc.assert(property, { seed, path })` runs it again. For longer runs: GORO_FUZZ_RUNS=10000, and GORO_FUZZ_SEED for a seed.
 */
import { fork } from 'node:child_process'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { plotOf } from './plot.ts'
import { programOf } from './program.ts'

const RUNS = Number(process.env.GORO_FUZZ_RUNS ?? 0)
/** Without a number of runs it ends after this time, in milliseconds. */
const BUDGET = 15_000
/** So long it looks for a smaller program that fails. */
const SHRINKING = 30_000

const plot = plotOf('fuzz')
plot.linkGoro('goro')
const server = fork(join(plot.dir, 'server.mjs'), { execArgv: ['--import', 'goro/register'], cwd: plot.dir })
afterAll(() => {
  server.kill()
  plot.remove()
})

let count = 0

/** What the program gives, plain and as goroutines. */
function run({ main, helpers }: { main: string; helpers: string }): Promise<[string, string]> {
  const paths = ['../../plain.mjs', 'goro'].map((goro, i) => {
    const dir = `programs/${++count}-${['plain', 'compiled'][i]}`
    plot.write(`${dir}/helpers.mjs`, helpers.replace('GORO', goro))
    plot.write(`${dir}/main.mjs`, main.replace('GORO', goro))
    return join(plot.dir, dir, 'main.mjs')
  })
  return new Promise((resolve, reject) => {
    const died = (code: number | null) => reject(new Error(`the process ended with ${code}`))
    server.once('exit', died)
    server.once('message', (outcomes) => {
      server.off('exit', died)
      resolve(outcomes as [string, string])
    })
    server.send(paths)
  })
}

test('random programs mean the same plain and as goroutines', { timeout: 3_600_000 }, async () => {
  const outcomes = new Map<string, number>()
  let failedAt = Number.POSITIVE_INFINITY
  const property = fc.asyncProperty(
    fc.array(fc.nat(10_000), { minLength: 20, maxLength: 800, size: 'max' }),
    async (choices) => {
      fc.pre(Date.now() < failedAt + SHRINKING)
      const program = programOf(choices)
      const [plain, compiled] = await run(program)
      const kind = plain.replace(/:.*/s, '').replace(/^-?\d+$/, 'a number')
      outcomes.set(kind, (outcomes.get(kind) ?? 0) + 1)
      if (compiled !== plain) failedAt = Math.min(failedAt, Date.now())
      expect(compiled, `\n${program.helpers}\n// ---\n${program.main}`).toBe(plain)
    },
  )
  const seed = process.env.GORO_FUZZ_SEED === undefined ? {} : { seed: Number(process.env.GORO_FUZZ_SEED) }
  const bounds =
    RUNS > 0 ? { numRuns: RUNS } : { numRuns: 100_000, interruptAfterTimeLimit: BUDGET, markInterruptAsFailure: false }
  await fc.assert(property, { ...seed, ...bounds })
  // It is no fuzz test if the programs don't run.
  expect([...outcomes.keys()].filter((kind) => kind !== 'a number' && kind !== 'RangeError')).toEqual([])
  expect(outcomes.get('a number')).toBeGreaterThan(50)
})
