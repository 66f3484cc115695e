/** docs/examples/hello.ts: the ten lines that the README shows. */
import { expect, test } from 'vitest'
import { runExample } from './run.ts'

test('prints the results in the order of the calls, nothing else, and ends by itself', async () => {
  expect(await runExample('hello')).toEqual({ code: 0, stdout: '9227465\n5702887\n3524578\n2178309\n', stderr: '' })
})
