/** Selects with channels, promises and goroutines. `GORO_STRESS_RUNS` says how often, each time with another seed. */
import { describe, expect, test } from 'vitest'
import { run } from '../integration/run.ts'

const runs = Number(process.env.GORO_STRESS_RUNS ?? 1)

describe.each(['1', '2', '4', '8'])('GOMAXPROCS=%s', (procs) => {
  test.each(Array.from({ length: runs }, () => String((Math.random() * 2 ** 30) | 0)))(
    'a select does one case and leaves no trace in the others, seed %s',
    async (seed) => {
      const options = { args: [seed], env: { GOMAXPROCS: procs, GORODEBUG: 'locks' }, timeout: 120_000 }
      expect(await run('../../stress/programs/selects.mjs', options)).toMatchObject({
        code: 0,
        stdout: 'ok\n',
        stderr: '',
      })
    },
  )
})
