/**
 * Every program of docs/examples is run by a test of its own name here. All but those that are about goro itself have a
 * Go original, and the page that shows both is up to date.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { page } from '../../../../docs/side-by-side.ts'
import { root } from './run.ts'

const NOT_FROM_GO = ['hello', 'survey']

const names = (folder: string, ending: string) =>
  readdirSync(root + folder)
    .filter((name) => name.endsWith(ending))
    .map((name) => name.slice(0, -ending.length))
const examples = names('docs/examples', '.ts')

test('no example goes untested', () => {
  expect(examples).toContain('survey')
  expect(names('packages/goro/test/examples', '.test.ts')).toEqual(expect.arrayContaining(examples))
})

test('each has its Go original', () => {
  const originals = readdirSync(`${root}docs/examples/go`).filter((name) => !name.startsWith('go.'))
  expect(originals.sort()).toEqual(examples.filter((name) => !NOT_FROM_GO.includes(name)).sort())
})

test('docs/side-by-side.md is what `npm run side-by-side` makes of them', () => {
  expect(readFileSync(`${root}docs/side-by-side.md`, 'utf8')).toBe(page())
})

test('that page shows every pair, and no comment', () => {
  const text = page()
  for (const name of examples.filter((name) => !NOT_FROM_GO.includes(name))) {
    expect(text).toContain(`(examples/${name}.ts)`)
    expect(text).toContain(`(examples/go/${name}/main.go)`)
  }
  expect(text).not.toMatch(/(^|\s)\/\/\s|\/\*/m)
})
