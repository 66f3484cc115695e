/** docs/examples/survey.ts on small folders: what it counts, what it says when something is wrong, and its exit codes. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { runExample } from './run.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'goro-survey-'))
})

afterEach(() => {
  rmSync(folder, { recursive: true })
})

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}

/** The number in the table row that begins with this label. */
function row(stdout: string, label: string): number {
  const found = stdout.match(new RegExp(`│ +${label} +│ +([\\d,]+) `))
  return Number(found?.[1]?.replaceAll(',', ''))
}

test('counts functions and identifiers in modules and scripts, and both ways agree', async () => {
  write('module.mjs', 'import { a } from "b"\nexport const twice = (x) => x * 2\nexport default class { m() {} }\n')
  write('deep/er/script.cjs', 'function f(x) { return x }\nwith ({}) f(1)\nreturn\n')
  write('tool.js', '#!/usr/bin/env node\nconsole.log(async () => null)\n')
  write('names.js', 'var __proto__, constructor, é, __proto__\n')
  write('notes.txt', 'function not() {}')
  const { code, stdout, stderr } = await runExample('survey', { args: [folder] })
  expect(stderr).toBe('')
  expect(code).toBe(0)
  expect(stdout).toContain(': 4 files, 0.0 MB')
  // =>, m, f, async =>
  expect(row(stdout, 'functions')).toBe(4)
  // module: a a twice x x m; script: f x x f; tool: console log; names: __proto__ constructor é __proto__
  expect(row(stdout, 'identifiers')).toBe(16)
  expect(row(stdout, 'different ones')).toBe(10)
  expect(row(stdout, 'x')).toBe(4)
  expect(row(stdout, '__proto__')).toBe(2)
  expect(stdout).toContain('0 unparsable files\n')
  expect(stdout).toContain('0 unreadable files\n')
  expect(stdout).toMatch(/goroutines +│ +\d+\.\d\d │ +\d+\.\d\d times faster, results identical/)
})

test('runs one goroutine for each file', async () => {
  for (let i = 0; i < 50; i++) write(`f${i}.js`, `let v${i}`)
  const { stdout } = await runExample('survey', { args: [folder] })
  const ran = [...stdout.matchAll(/│ \d+ +│ +(\d+) │ +\d+ │/g)].map(([, n]) => Number(n))
  expect(ran.length).toBeGreaterThan(0)
  expect(ran.reduce((sum, n) => sum + n)).toBe(50)
})

test('visits no file twice, whatever links lead to it, and survives a circle of links', async () => {
  write('store/pkg/index.js', 'let once')
  symlinkSync(join(folder, 'store/pkg'), join(folder, 'pkg'))
  symlinkSync(join(folder, 'store/pkg/index.js'), join(folder, 'other-name.js'))
  symlinkSync(folder, join(folder, 'store/pkg/circle'))
  const { code, stdout } = await runExample('survey', { args: [folder] })
  expect(code).toBe(0)
  expect(stdout).toContain(': 1 file, ')
  expect(row(stdout, 'once')).toBe(1)
})

test('names what it can not parse and what it can not read, and goes on', async () => {
  write('good.js', 'let good')
  write('bad.js', 'let let = 1 +')
  symlinkSync('nowhere.js', join(folder, 'dangling.js'))
  symlinkSync('itself.js', join(folder, 'itself.js'))
  const { code, stdout } = await runExample('survey', { args: [folder] })
  expect(code).toBe(0)
  expect(stdout).toMatch(/1 unparsable file\n {2}bad\.js: .*\(1:\d+\)/)
  expect(stdout).toMatch(/2 unreadable files\n/)
  expect(stdout).toMatch(/ {2}dangling\.js: ENOENT/)
  expect(stdout).toMatch(/ {2}itself\.js: ELOOP/)
  expect(row(stdout, 'good')).toBe(1)
})

test('stops with a diff when the two ways disagree', async () => {
  write('honest.js', 'let honest')
  write('liar.js', 'let truth')
  const lie = fileURLToPath(new URL('../fixtures/lie-on-the-main-thread.mjs', import.meta.url))
  const { code, stderr } = await runExample('survey', { args: [folder], env: { NODE_OPTIONS: `--import=${lie}` } })
  expect(code).toBe(1)
  expect(stderr).toContain(`goroutines (actual) and plain code (expected) disagree on ${join(folder, 'liar.js')};`)
  expect(stderr).toMatch(/\+ +truth: 1/)
  expect(stderr).toMatch(/- +lie: 1/)
})

test('an empty folder is exit code 1', async () => {
  write('readme.md', '')
  const { code, stdout, stderr } = await runExample('survey', { args: [folder] })
  expect(code).toBe(1)
  expect(stdout).toBe('')
  expect(stderr).toBe(`survey: there is no .js, .mjs or .cjs file that can be read in ${folder}\n`)
})

test('a folder with nothing readable says what it could not read', async () => {
  symlinkSync('nowhere.js', join(folder, 'dangling.js'))
  const { code, stdout } = await runExample('survey', { args: [folder] })
  expect(code).toBe(1)
  expect(stdout).toMatch(/1 unreadable file\n {2}dangling\.js: ENOENT/)
})

test.each([
  ['a missing folder', () => [join(folder, 'missing')], /no folder can be read at .*missing: ENOENT/],
  ['a file in place of a folder', () => [fileURLToPath(import.meta.url)], /survey\.test\.ts is no folder/],
  ['two folders', () => [folder, folder], /one folder at a time/],
])('%s is exit code 2', async (_, args, message) => {
  const { code, stderr } = await runExample('survey', { args: args() })
  expect(stderr).toMatch(message)
  expect(code).toBe(2)
})
