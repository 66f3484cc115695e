/** docs/examples/leak.ts: two goroutines stay behind, and with a context none. */
import { expect, test } from 'vitest'
import { runOriginal } from './go.ts'
import { runExample } from './run.ts'

test('counts what each race leaves behind, and ends all the same, as in Go', async () => {
  const outcome = await runExample('leak')
  expect(outcome).toEqual({ code: 0, stdout: 'left behind: 2\nleft behind: 0\n', stderr: '' })
  expect((await runOriginal('leak')) ?? outcome).toEqual(outcome)
})
