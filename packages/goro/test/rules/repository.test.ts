/** What may be committed: rules over the text of every tracked file. Each has a text that breaks it. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ROOT } from './root.ts'

interface TextRule {
  name: string
  reason: string
  files: RegExp
  forbidden: RegExp
  offender: string
}

const literally = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

const RULES: TextRule[] = [
  {
    name: 'no address in the lockfile',
    reason: 'it must install from whatever registry a person’s npm is set to',
    files: /^pnpm-lock\.yaml$/,
    forbidden: /https?:\/\/\S*/,
    offender: 'resolution: {tarball: https://example.test/acorn.tgz}',
  },
  {
    name: 'no registry host',
    reason: 'which registry is used is for the person’s npm to say',
    files: /./,
    forbidden: /\bregistry\.(npmjs|yarnpkg|npmmirror)\b/,
    offender: ['registry', 'npmjs', 'org'].join('.'),
  },
  {
    name: 'no path of this machine',
    reason: 'it is there on this machine only',
    files: /./,
    forbidden: new RegExp(`${literally(ROOT)}|${literally(join(homedir(), '/'))}`),
    offender: `see ${ROOT}packages`,
  },
  {
    name: 'no skipped test, and none that runs alone',
    reason: 'a suite that passes must have run',
    files: /\.(test|test-d)\.ts$/,
    forbidden: /\b(test|it|describe|suite)\.(skip|only|todo|skipIf|runIf|fails)\b/,
    offender: ['test', "skip('later', () => {})"].join('.'),
  },
  {
    name: 'no note to self',
    reason: 'what is open belongs in an issue',
    files: /\.([cm]?[jt]s|json|jsonc|yaml|sh|go|md)$|^\.ci\/run$/,
    forbidden: new RegExp(`\\b(${['TO', 'FIX', 'X'].map((start, i) => start + ['DO', 'ME', 'XX'][i]).join('|')})\\b`),
    offender: `// ${'TO'}${'DO'} later`,
  },
]

const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' }).split('\0').filter(Boolean)

/** `file:line text` for every line that breaks the rule. */
function offences({ files, forbidden }: TextRule): string[] {
  return tracked
    .filter((path) => files.test(path))
    .flatMap((path) =>
      readTracked(path)
        .split('\n')
        .flatMap((line, i) => (forbidden.test(line) ? [`${path}:${i + 1} ${line.trim().slice(0, 100)}`] : [])),
    )
}

/** A tracked file that has been deleted and not yet committed holds nothing. */
function readTracked(path: string): string {
  try {
    return readFileSync(join(ROOT, path), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}

test('the rules see the files', () => {
  expect(tracked).toEqual(expect.arrayContaining(['pnpm-lock.yaml', 'packages/memory/src/atomics.ts']))
})

describe.each(RULES)('$name', (rule) => {
  test('holds', () => {
    expect(offences(rule), `${rule.name}, because ${rule.reason}`).toEqual([])
  })

  test('finds a planted offender', () => {
    expect(rule.offender).toMatch(rule.forbidden)
  })
})

test('the WebAssembly that is kept is what its source compiles to', async () => {
  const { codeFile, TARGET } = (await import('../../../../.ci/wasm.mjs' as string)) as {
    codeFile(root: string): Promise<string>
    TARGET: string
  }
  expect(readFileSync(join(ROOT, TARGET), 'utf8')).toBe(await codeFile(ROOT))
})
