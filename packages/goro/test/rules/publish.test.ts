/** What is published, and what of it others can reach. `.ci/run` also has publint and attw look at the tarballs. */
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ROOT } from './root.ts'
import { packageOf, readTree } from './tree.ts'

/** The entries that are documented. Whatever is not here is an internal, and closed. */
const ENTRIES: Record<string, string[]> = {
  memory: ['.'],
  runtime: ['.'],
  goro: [
    '.',
    './compiled',
    './register',
    './register/preempt',
    './vite',
    './rollup',
    './rolldown',
    './esbuild',
    './webpack',
    './rspack',
  ],
  compiler: ['.', './register', './plugin'],
  cli: ['.'],
  model: ['.', './seam'],
}

interface Manifest {
  name: string
  private?: boolean
  version: string
  license: string
  type: string
  engines: { node: string }
  files: string[]
  exports: Record<string, Record<string, string>>
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
}

const names = readdirSync(join(ROOT, 'packages'))
const manifestOf = (name: string): Manifest =>
  JSON.parse(readFileSync(join(ROOT, 'packages', name, 'package.json'), 'utf8'))
const published = names.filter((name) => !manifestOf(name).private)

test('the packages are those of the design', () => {
  expect(names.sort()).toEqual(Object.keys(ENTRIES).sort())
  expect(published.sort()).toEqual(['cli', 'compiler', 'goro', 'memory', 'runtime'])
})

describe.each(names)('%s', (name) => {
  const manifest = manifestOf(name)

  test('exports what is documented and nothing else', () => {
    expect(Object.keys(manifest.exports)).toEqual(ENTRIES[name])
    for (const entry of Object.values(manifest.exports)) {
      expect(Object.keys(entry)).toEqual(['source', 'types', 'default'])
    }
  })

  test('is ESM for the Node that the workspace asks for', () => {
    const { engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest
    expect(manifest).toMatchObject({ type: 'module', license: 'Apache-2.0', engines })
  })

  test('declares what it imports', () => {
    const imported = readTree(ROOT)
      .filter(({ pkg }) => pkg === name)
      .flatMap(({ imports }) => imports)
      .filter(({ specifier }) => !/^(\.|#|node:)/.test(specifier))
    const packages = (isTypeOnly: boolean) =>
      imported
        .filter(({ typeOnly }) => typeOnly === isTypeOnly)
        .map(({ specifier }) => specifier.match(/^(@[^/]+\/)?[^/]+/)?.[0])
    const { dependencies, devDependencies } = manifest
    expect(Object.keys(dependencies ?? {})).toEqual(expect.arrayContaining([...new Set(packages(false))]))
    const forTypes = Object.keys({ ...dependencies, ...devDependencies })
    expect(forTypes).toEqual(expect.arrayContaining([...new Set(packages(true))]))
  })
})

describe.each(published)('%s, once published,', (name) => {
  const manifest = manifestOf(name)

  test('holds its build and the source that its maps lead to', () => {
    const commands = name === 'goro' ? ['bin'] : []
    expect(manifest.files).toEqual([...commands, 'dist', 'src', '!dist/.tsbuildinfo'])
  })

  test('depends on published packages only', () => {
    const own = Object.keys(manifest.dependencies ?? {})
      .map(packageOf)
      .filter(Boolean)
    expect(published).toEqual(expect.arrayContaining(own))
  })

  test('keeps its internals closed', () => {
    const { resolve } = createRequire(join(ROOT, 'packages', name, 'package.json'))
    expect(resolve(manifest.name)).toBe(join(ROOT, 'packages', name, 'dist/index.js'))
    for (const inner of ['dist/index.js', 'src/index.ts', 'package.json']) {
      expect(() => resolve(`${manifest.name}/${inner}`), inner).toThrow(
        expect.objectContaining({ code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' }),
      )
    }
  })
})
