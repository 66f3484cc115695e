/**
 * The program of fixtures/apps, built by each bundler as its user would, then run where there is nothing but the bundle: not the
 * sources, not node_modules.
 */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Project } from './project.ts'

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

describe.each(BUILDS)('%s', (build) => {
  test('runs by itself, and an error has its place in the source', async () => {
    const [bundler, format, ...rest] = build.split(' ')
    await project.node(['-e', "fs.rmSync('dist', { recursive: true, force: true })"])
    const built = await project.node([`builds/${bundler}.mjs`, format as string, ...rest])
    expect(built.stderr + built.stdout).toBe('')
    expect(built.code).toBe(0)
    const folder = project.deploy()
    const files = ['a', 'b'].map((name) => join(project.folder, `data/${name}.txt`))
    const main = `bin/main.${format === 'module' ? 'mjs' : 'cjs'}`
    const { code, stdout, stderr } = await project.node(['--enable-source-maps', main, ...files], { folder })
    expect(stderr).toBe('')
    expect(stdout.split('\n')).toEqual([
      '[{"title":"Color","mean":2.5,"by":"stats"},{"title":"A","mean":3,"by":"stats"}]',
      'A on a thread, Color on a thread',
      '42',
      `Unwanted no 2 ${project.placeOf('new Unwanted', 'src/main.ts')}`,
      '',
    ])
    expect(code).toBe(0)
  })
})
