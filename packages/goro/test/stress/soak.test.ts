/**
 * Everything at once for a while: two minutes, or GORO_SOAK_MINUTES. A failure prints its seed: `GORO_SOAK_SEED=… node --expose-gc --import
 * goro/register …/soak.mjs`.
 */
import { expect, test } from 'vitest'
import { run } from '../integration/run.ts'

const minutes = Number(process.env.GORO_SOAK_MINUTES ?? 2)
/** Beside the time that it runs: a unit that hangs is waited for, and threads end. */
const MORE_MS = 240_000

test(
  'a mixed load ends with every goroutine accounted for, memory flat and nothing running',
  async () => {
    const { code, stdout, stderr } = await run('../../stress/programs/soak.mjs', {
      nodeArgs: ['--expose-gc'],
      env: { GORO_SOAK_MINUTES: String(minutes), GORODEBUG: 'locks' },
      timeout: minutes * 60_000 + MORE_MS,
    })
    expect({ code, stderr, stdout }).toEqual({ code: 0, stderr: '', stdout: expect.stringMatching(/^ok: /) })
    console.log(stdout)
  },
  minutes * 60_000 + MORE_MS + 10_000,
)
