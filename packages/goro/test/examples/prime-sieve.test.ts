/** docs/examples/prime-sieve.ts: a chain of twenty filters, which still wait when the program ends. */
import { expect, test } from 'vitest'
import { runOriginal } from './go.ts'
import { runExample } from './run.ts'

test('prints twenty primes, as in Go', async () => {
  const outcome = await runExample('prime-sieve')
  const primes = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71]
  expect(outcome).toEqual({ code: 0, stdout: primes.map((n) => `${n}\n`).join(''), stderr: '' })
  expect((await runOriginal('prime-sieve')) ?? outcome).toEqual(outcome)
})
