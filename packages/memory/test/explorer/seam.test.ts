/** That the explorer explores the structures themselves: under its import condition their `#atomics` is its seam. */
import * as seam from '@goro/model/seam'
import { expect, test } from 'vitest'
import * as imported from '#atomics'
import * as real from '../../src/atomics.ts'

test('the structures get the explorer’s steps in place of the processor’s', () => {
  expect(imported.load).toBe(seam.load)
  expect(imported.load).not.toBe(real.load)
})

test('the explorer has a step for every function of the seam', () => {
  expect(Object.keys(seam)).toEqual(expect.arrayContaining(Object.keys(real)))
})
