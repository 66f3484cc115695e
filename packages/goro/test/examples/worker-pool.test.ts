/** docs/examples/worker-pool.ts: the work is shared out, the result is that of one worker. */
import { expect, test } from 'vitest'
import { runOriginal } from './go.ts'
import { runExample } from './run.ts'

test('finds the longest chain below a million, as in Go', async () => {
  const outcome = await runExample('worker-pool')
  expect(outcome).toEqual({ code: 0, stdout: 'from 837799 it takes 525 numbers to 1\n', stderr: '' })
  expect((await runOriginal('worker-pool')) ?? outcome).toEqual(outcome)
})

test.each([1, 2, 4])('is done with %i workers too', async (procs) => {
  const { stdout } = await runExample('worker-pool', { env: { GOMAXPROCS: `${procs}` } })
  expect(stdout).toBe('from 837799 it takes 525 numbers to 1\n')
})
