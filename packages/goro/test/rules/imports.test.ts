/** The import rules hold, and each of them can fail. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { RULES } from './imports.ts'
import { ROOT } from './root.ts'
import { readTree } from './tree.ts'

const plot = mkdtempSync(join(tmpdir(), 'goro-rules-'))
afterAll(() => rmSync(plot, { recursive: true }))

const tree = readTree(ROOT)

test('the rules see the source', () => {
  expect(tree.map(({ path }) => path)).toContain('packages/memory/src/atomics.ts')
  expect(tree.flatMap(({ imports }) => imports).length).toBeGreaterThan(20)
})

describe.each(RULES)('$name', ({ name, reason, offences, offender }) => {
  test('holds', () => {
    expect(offences(tree), `${name}, because ${reason}`).toEqual([])
  })

  test('finds a planted offender', () => {
    const planted = mkdtempSync(join(plot, 'offender-'))
    for (const [path, text] of Object.entries(offender.files)) {
      mkdirSync(join(planted, dirname(path)), { recursive: true })
      writeFileSync(join(planted, path), text)
    }
    expect(offences(readTree(planted))).toEqual(offender.offences)
  })
})
