/** Threads that are terminated in the middle of what they do. A failure prints its seed: `node …/terminated.mjs ROUNDS SEED`. */
import { describe, expect, test } from 'vitest'
import { run } from '../integration/run.ts'

const runs = Number(process.env.GORO_STRESS_RUNS ?? 1)

describe.each(['1', '2', '4', '8'])('GOMAXPROCS=%s', (procs) => {
  test.each(Array.from({ length: runs }, (_, i) => i))('whoever is left goes on, run %i', async () => {
    const seed = String((Math.random() * 2 ** 30) | 1)
    const options = { args: ['20', seed], env: { GOMAXPROCS: procs, GORODEBUG: 'locks' }, timeout: 120_000 }
    const { code, stdout, stderr } = await run('../../stress/programs/terminated.mjs', options)
    expect({ seed, code, stdout, stderr }).toEqual({ seed, code: 0, stdout: 'ok\n', stderr: '' })
  })
})
