/** The two sides of the seam: what differs between them could not be explored, or would be explored and not be there. */
import { expect, expectTypeOf, it } from 'vitest'
import * as real from '../../../memory/src/atomics.ts'
import * as model from '../../src/seam.ts'

it('has the same names on both sides', () => {
  expect(Object.keys(model).sort()).toEqual(Object.keys(real).sort())
})

it('has the same types on both sides', () => {
  expectTypeOf(model).toEqualTypeOf(real)
})

it('leaves memory to the explorer', () => {
  expect(() => model.reserve(4)).toThrow('the explorer makes the memory')
  expect(() => model.attach(new SharedArrayBuffer(4))).toThrow('the explorer makes the memory')
})
