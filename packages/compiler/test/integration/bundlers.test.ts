/**
 * The program of fixtures/apps, built by each bundler as its user would, then run where there is nothing but the bundle: not the
 * sources, not node_modules.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Project } from './project.ts'

// Each starts a few processes, and a bundler or two takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

let project: Project

beforeAll(() => {
  project = new Project('program')
  project.add('builds', 'builds')
})
afterAll(() => project.remove())

const BUILDS = [
  'esbuild module',
  'esbuild module minified',
  'esbuild commonjs',
  'esbuild commonjs minified',
  'rollup module',
  'rollup commonjs',
  'rolldown module',
  'rolldown module minified',
  'rolldown commonjs',
  'vite module',
  'vite module minified',
  'vite module readable library',
  'vite module minified library',
  'webpack module',
  'webpack module minified',
  'webpack commonjs',
  'webpack commonjs minified',
  'rspack module',
  'rspack module minified',
  'rspack commonjs',
  'rspack commonjs minified',
]

/** What it prints, run where there is nothing but its `dist`. */
async function buildAndRun(project: Project, build: string, env: NodeJS.ProcessEnv = {}): Promise<string[]> {
  const [bundler, format, ...rest] = build.split(' ')
  rmSync(join(project.folder, 'dist'), { recursive: true, force: true })
  const built = await project.node([`builds/${bundler}.mjs`, format as string, ...rest], { env })
  expect(built.stderr + built.stdout).toBe('')
  expect(built.code).toBe(0)
  const folder = project.deploy()
  const files = ['a', 'b'].map((name) => join(project.folder, `data/${name}.txt`))
  const main = `bin/main.${format === 'module' ? 'mjs' : 'cjs'}`
  const { code, stdout, stderr } = await project.node(['--enable-source-maps', main, ...files], { folder })
  expect(stderr).toBe('')
  expect(code).toBe(0)
  return stdout.split('\n')
}

test.each(BUILDS)('%s: it runs by itself, and an error has its place in the source', async (build) => {
  expect(await buildAndRun(project, build)).toEqual([
    '[{"title":"Color","mean":2.5,"by":"stats"},{"title":"A","mean":3,"by":"stats"}]',
    'A on a thread, Color on a thread',
    '42',
    `Unwanted no 2 ${project.placeOf('new Unwanted', 'src/main.ts')}`,
    '',
  ])
})

describe('sources in CommonJS', () => {
  let project: Project
  beforeAll(() => {
    project = new Project('program', {})
    project.add('builds', 'builds')
    project.add('commonjs', 'src')
  })
  afterAll(() => project.remove())

  test.each([
    'esbuild module',
    'rollup module',
    'rollup commonjs',
    'rolldown module',
    'rolldown commonjs minified',
    'vite module minified library',
    'webpack commonjs minified',
    'rspack module',
  ])('%s', async (build) => {
    expect(await buildAndRun(project, build, { ENTRY: './src/main.cjs' })).toEqual([
      '["color 2.5 false","a 3 false"]',
      `Unwanted no 2 ${project.placeOf('new Unwanted', 'src/main.cjs')}`,
      '',
    ])
  })
})

describe('a function that a module of the program makes at run time', () => {
  let project: Project
  beforeAll(() => {
    project = new Project('program')
    project.add('builds', 'builds')
    project.write(
      'src/main.ts',
      `import { go } from 'goro'
import * as parsers from './parsers.ts'
import { byComma, byDot, words } from './parsers.ts'

async function main() {
  console.log(await go(() => [words('a b'), byDot('a.b'), parsers.words('c d')]))
  try {
    go(() => byComma('a,b'))
  } catch (error) {
    console.log((error as Error).name, (error as Error).message)
  }
}
main()
`,
    )
    project.write(
      'src/parsers.ts',
      `console.log('once')
const plain = () => (text: string) => text.split(' ')
const marked = (separator: string) => (text: string) => { 'use goroutine'; return text.split(separator) }
const unmarked = (separator: string) => (text: string) => text.split(separator)
export const words = plain()
export const byDot = marked('.')
export const byComma = unmarked(',')
`,
    )
  })
  afterAll(() => project.remove())

  test.each(['esbuild module', 'rollup module', 'rolldown module', 'webpack commonjs'])(
    '%s: goes along if it can, and is refused with the way out if not',
    async (build) => {
      const [once, found, refused] = await buildAndRun(project, build)
      expect([once, found]).toEqual(['once', "[ [ 'a', 'b' ], [ 'a', 'b' ], [ 'c', 'd' ] ]"])
      expect(refused).toMatch(
        /^CaptureError go: .* refers to `separator` at .*, which it would not find .*'use goroutine'/,
      )
    },
  )
})

describe('with preempt, a goroutine that loops lets the others on its thread go on, and an error has its place', () => {
  let project: Project
  beforeAll(() => {
    project = new Project('preempt')
    project.add('builds', 'builds')
  })
  afterAll(() => project.remove())

  test.each([
    'esbuild module minified',
    'rollup commonjs',
    'rolldown module minified',
    'vite module minified library',
    'webpack module minified',
    'rspack commonjs',
  ])('%s', async (build) => {
    expect(await buildAndRun(project, build, { PREEMPT: '1' })).toEqual([
      'woken true',
      `no 2 ${project.placeOf('new Unwanted', 'src/main.ts')}`,
      '',
    ])
  })
})

describe('a refusal fails the build, with its place and the way out', () => {
  let project: Project
  beforeAll(() => {
    project = new Project('program')
    project.add('builds', 'builds')
    project.write('src/main.ts', "import { go } from 'goro'\nlet n: number = 0\nawait go(() => { n++ })\n")
  })
  afterAll(() => project.remove())

  test.each(['esbuild', 'rollup', 'rolldown', 'vite', 'webpack', 'rspack'])('%s', async (bundler) => {
    const { code, stdout, stderr } = await project.node([`builds/${bundler}.mjs`, 'module'])
    expect(stdout + stderr).toContain('src/main.ts:3:18: `n` is assigned to in a goroutine')
    expect(stdout + stderr).toContain('> 3 | await go(() => { n++ })')
    expect(code).toBe(1)
  })
})
