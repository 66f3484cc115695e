/** Every program of docs/examples is run by a test of its own name here. */
import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { root } from './run.ts'

test('no example goes untested', () => {
  const examples = readdirSync(`${root}docs/examples`).map((name) => name.replace(/\.ts$/, ''))
  expect(examples).toContain('survey')
  expect(readdirSync(`${root}packages/goro/test/examples`)).toEqual(
    expect.arrayContaining(examples.map((name) => `${name}.test.ts`)),
  )
})
