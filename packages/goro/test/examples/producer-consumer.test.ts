/** docs/examples/producer-consumer.ts: every number arrives once, whoever made it. */
import { expect, test } from 'vitest'
import { runOriginal } from './go.ts'
import { runExample } from './run.ts'

test('consumes all that both produce, as in Go', async () => {
  const outcome = await runExample('producer-consumer')
  expect(outcome).toEqual({ code: 0, stdout: 'consumed 100 numbers, their sum is 5050\n', stderr: '' })
  expect((await runOriginal('producer-consumer')) ?? outcome).toEqual(outcome)
})
