/**
 * The programs in docs/guide: each block of TypeScript that imports goro, and no file that is not there, is one, and is run as a
 * reader would. It prints what stands in the block of text after it, where `…` is anything; without such a block, what its
 * comments after `console.log(…)` say.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { root, runFile, runNode } from './run.ts'

interface Snippet {
  chapter: string
  line: number
  code: string
  /** What it prints, to both streams; a pattern of `…` for what differs each time. */
  prints: string
}

const guide = `${root}docs/guide`
const IS_PROGRAM = /^import .* from 'goro'$(?![\s\S]* from '\.)/m
const BLOCK = /^```ts\n(?<code>.*?)^```$(?:\n+^```text\n(?<text>.*?)^```$)?/gms

const snippets: Snippet[] = readdirSync(guide).flatMap((chapter) => {
  const page = readFileSync(join(guide, chapter), 'utf8')
  return [...page.matchAll(BLOCK)].flatMap((match) => {
    const { code, text } = match.groups as { code: string; text?: string }
    const line = page.slice(0, match.index).split('\n').length
    return IS_PROGRAM.test(code) ? [{ chapter, line, code, prints: text ?? commentsOf(code) }] : []
  })
})

/** What the comments say that `console.log(…)` prints. */
function commentsOf(code: string): string {
  return [...code.matchAll(/console\.log\(.*\).* \/\/ (.*)$/gm)].map(([, says]) => `${says}\n`).join('')
}

/** A pattern for `text`. */
function patternOf(text: string): RegExp {
  const literal = (part: string) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  return new RegExp(`^${text.split('…').map(literal).join('[^]*')}$`)
}

/** A folder like a reader's project. */
const project = mkdtempSync(join(tmpdir(), 'goro-guide-'))
const fileOf = ({ chapter, line }: Snippet) => join(project, `${chapter.replace('.md', '')}-${line}.ts`)

beforeAll(() => {
  symlinkSync(join(root, 'node_modules'), join(project, 'node_modules'))
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }')
  writeFileSync(
    join(project, 'tsconfig.json'),
    JSON.stringify({
      extends: join(root, 'tsconfig.tests.json'),
      compilerOptions: { typeRoots: ['node_modules/@types'] },
      include: ['*.ts'],
    }),
  )
  for (const snippet of snippets) writeFileSync(fileOf(snippet), `${snippet.code}\nexport {}\n`)
})

afterAll(() => rmSync(project, { recursive: true }))

test('they are found', () => {
  expect(snippets.length).toBeGreaterThan(30)
  expect(IS_PROGRAM.test("import { go } from 'goro'\ngo(f)")).toBe(true)
  expect(IS_PROGRAM.test("import { go } from 'goro'\nimport { f } from './f.ts'\ngo(f)")).toBe(false)
})

test('their types are right', async () => {
  expect(await runNode([`${root}node_modules/typescript/bin/tsc`, '-p', project])).toEqual({
    code: 0,
    stdout: '',
    stderr: '',
  })
})

describe.each([...new Set(snippets.map(({ chapter }) => chapter))])('%s', (chapter) => {
  test.each(snippets.filter((snippet) => snippet.chapter === chapter))('line $line', async (snippet) => {
    const { code, stdout, stderr } = await runFile(fileOf(snippet), { cwd: project })
    expect(stdout + stderr).toMatch(patternOf(snippet.prints))
    expect(code).toBe(/^fatal error:/m.test(stderr) ? 2 : /^panic:/m.test(stderr) ? 1 : 0)
  })
})

test('a program that prints something else is noticed', () => {
  expect('4\n').toMatch(patternOf(commentsOf('console.log(2 + 2) // 4\n')))
  expect('5\n').not.toMatch(patternOf(commentsOf('console.log(2 + 2) // 4\n')))
  expect('goroutine 7 [running]:\n').toMatch(patternOf('goroutine … [running]:\n'))
})
