/**
 * Every JavaScript and TypeScript file of the installed packages, as if a user had written it: nothing crashes, what comes out
 * parses, nothing but insertions happens, and what does not use goro comes back as it is.
 *
 * One file in ten, the same each time; with `GORO_ROBUSTNESS=all`, as `.ci/run` has it, all of them, which takes a minute.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { compile } from '../../src/index.ts'
import { parse } from '../../src/syntax.ts'

const STORE = fileURLToPath(new URL('../../../../node_modules/.pnpm/', import.meta.url))
const SHARE = process.env.GORO_ROBUSTNESS === 'all' ? 1 : 10
/** Generated tables and whole bundles: what they contain is in other files too. */
const MOST = 1_000_000

const SCRIPT = /(?<!\.d)\.[cm]?[jt]sx?$/

/** Each file of each package once, wherever else it is linked to. */
function* files(): Generator<string> {
  let n = 0
  for (const name of readdirSync(STORE)) {
    if (!name.includes('@')) continue
    const [own] = /^(@[^+]+\+)?[^@]+/.exec(name) as unknown as [string]
    const root = join(STORE, name, 'node_modules', own.replace('+', '/'))
    for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
      if (entry.isFile() && SCRIPT.test(entry.name) && n++ % SHARE === 0) yield join(entry.parentPath, entry.name)
    }
  }
}

const MINUTE = 60_000

test('the files of the installed packages', { timeout: 10 * MINUTE }, () => {
  let compiled = 0
  for (const file of files()) {
    const source = readFileSync(file, 'utf8')
    if (source.length > MOST) continue
    expect(compile(source, { filename: file }), file).toBeNull()
    const result = compile(source, { filename: file, dependency: true, preempt: true })
    if (result === null) continue
    compiled++
    if (parse(result.code, file, undefined, undefined) === undefined)
      throw new Error(`${file}: does not parse any more`)
    if (!isSubsequence(source, result.code)) throw new Error(`${file}: has lost something`)
  }
  expect(compiled).toBeGreaterThan(2000 / SHARE)
})

function isSubsequence(part: string, whole: string): boolean {
  let at = 0
  for (let i = 0; i < whole.length && at < part.length; i++) if (whole[i] === part[at]) at++
  return at === part.length
}
