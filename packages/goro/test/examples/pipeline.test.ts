/** docs/examples/pipeline.ts: stages that end because they are cancelled. */
import { expect, test } from 'vitest'
import { runOriginal } from './go.ts'
import { runExample } from './run.ts'

test('prints squares in order until cancelled, and both stages end, as in Go', async () => {
  const outcome = await runExample('pipeline')
  const squares = Array.from({ length: 10 }, (_, i) => `${(i + 1) ** 2}\n`)
  expect(outcome).toEqual({ code: 0, stdout: `${squares.join('')}context canceled\n`, stderr: '' })
  expect((await runOriginal('pipeline')) ?? outcome).toEqual(outcome)
})
