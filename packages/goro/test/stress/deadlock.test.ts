/** No deadlock is reported that is none. A failure prints its seed: `node --import goro/register …/no-false-deadlock.mjs ROUNDS SEED`. */
import { describe, expect, test } from 'vitest'
import { run } from '../integration/run.ts'

const runs = Number(process.env.GORO_STRESS_RUNS ?? 1)

describe.each(['1', '2', '4', '8'])('GOMAXPROCS=%s', (procs) => {
  test.each(Array.from({ length: runs }, (_, i) => i))(
    'everything waits for one thing that will come, run %i',
    async () => {
      const seed = String((Math.random() * 2 ** 30) | 1)
      const options = { args: ['150', seed], env: { GOMAXPROCS: procs, GORODEBUG: 'locks' }, timeout: 120_000 }
      const { code, stdout, stderr } = await run('no-false-deadlock.mjs', options)
      expect({ seed, code, stdout, stderr }).toEqual({ seed, code: 0, stdout: 'ok\n', stderr: '' })
    },
  )
})
