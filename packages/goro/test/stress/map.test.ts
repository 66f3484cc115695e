/** The map that all threads share, while threads die. `GORO_STRESS_RUNS` says how often. */
import { describe, expect, test } from 'vitest'
import { run } from '../integration/run.ts'

const runs = Number(process.env.GORO_STRESS_RUNS ?? 1)

describe.each(['1', '2', '4', '8'])('GOMAXPROCS=%s', (procs) => {
  test.each(Array.from({ length: runs }, (_, i) => i))(
    'a map that dying threads change loses nothing, run %i',
    async () => {
      const options = { args: ['8'], env: { GOMAXPROCS: procs, GORODEBUG: 'locks' }, timeout: 120_000 }
      expect(await run('map-die.mjs', options)).toMatchObject({ code: 0, stdout: 'ok\n', stderr: '' })
    },
  )
})
