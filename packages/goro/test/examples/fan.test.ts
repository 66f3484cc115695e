/** docs/examples/fan.ts: one stream for three, three streams into one. */
import { expect, test } from 'vitest'
import { runOriginal } from './go.ts'
import { runExample } from './run.ts'

test('each number is squared once, as in Go', async () => {
  const outcome = await runExample('fan')
  expect(outcome).toEqual({ code: 0, stdout: '1 4 9 16 25 36 49 64 81 100\n', stderr: '' })
  expect((await runOriginal('fan')) ?? outcome).toEqual(outcome)
})
