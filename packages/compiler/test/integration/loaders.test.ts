/** The programs of fixtures/apps, as Node loads them: by `goro/register` alone, with tsx, with Node's own type stripping; and vitest. */
import { chmodSync, lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Project } from './project.ts'

// Each starts a few processes, and a bundler or two takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

const [major, minor] = process.versions.node.split('.').map(Number) as [number, number]
const STRIPS_TYPES = major > 22 || (major === 22 && minor >= 18)

const files = ['data/a.txt', 'data/b.txt']
const GORO = ['--import', 'goro/register']
const TSX = ['--import', 'tsx']

describe('a program of ES modules in TypeScript', () => {
  let project: Project
  beforeAll(() => {
    project = new Project('program')
  })
  afterAll(() => project.remove())

  const loaders: Record<string, readonly string[]> = {
    'tsx before goro/register': [...TSX, ...GORO],
    'goro/register before tsx': [...GORO, ...TSX],
    ...(STRIPS_TYPES ? { 'type stripping': GORO } : {}),
  }
  test.each(Object.entries(loaders))('%s', async (_, options) => {
    const { code, stdout, stderr } = await project.node([...options, 'src/main.ts', ...files])
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

  test('without a loader it is said what is missing', async () => {
    const { code, stderr } = await project.node([...TSX, 'src/main.ts', ...files])
    expect(stderr).toContain('CaptureError')
    expect(stderr).toContain('goro run FILE, node --import goro/register FILE')
    expect(code).toBe(1)
  })
})

describe('TypeScript in a package of CommonJS', () => {
  let project: Project
  beforeAll(() => {
    project = new Project('program', {})
  })
  afterAll(() => project.remove())

  test.each([
    ['tsx before goro/register', [...TSX, ...GORO]],
    ['goro/register before tsx', [...GORO, ...TSX]],
  ])('%s', async (_, options) => {
    const { code, stdout, stderr } = await project.node([...options, 'src/main.ts', ...files])
    expect(stderr).toBe('')
    expect(stdout.split('\n').slice(1)).toEqual([
      'A on a thread, Color on a thread',
      '42',
      `Unwanted no 2 ${project.placeOf('new Unwanted', 'src/main.ts')}`,
      '',
    ])
    expect(code).toBe(0)
  })
})

describe('JavaScript', () => {
  let project: Project
  beforeAll(() => {
    project = new Project('commonjs')
    project.add('program/data', 'data')
    project.write('late.mjs', 'export const late = (n) => n + 1\n')
    project.write(
      'module.mjs',
      `import { go } from 'goro'
import { late } from './late.mjs'
const text = 'a'
console.log(await go(async () => text.repeat(late(1))))
// What a goroutine imports by itself is compiled, too.
console.log(await go(async () => (await import('./again.mjs')).again(3)))
`,
    )
    project.write(
      'again.mjs',
      `import { go } from 'goro'
import { late } from './late.mjs'
export const again = async (n) => [n, await go(async () => late(n))]
`,
    )
  })
  afterAll(() => project.remove())

  test('CommonJS', async () => {
    const { code, stdout, stderr } = await project.node([...GORO, 'main.cjs', ...files])
    expect(stderr).toBe('')
    const place = project.placeOf('new Unwanted', 'main.cjs')
    expect(stdout.split('\n')).toEqual(['["color 2.5 false","a 3 false"]', `Unwanted no 2 ${place}`, ''])
    expect(code).toBe(0)
  })

  test('ES modules, also what a goroutine imports by itself', async () => {
    const { code, stdout, stderr } = await project.node([...GORO, 'module.mjs'])
    expect(stderr).toBe('')
    expect(stdout).toBe('aa\n[ 3, 4 ]\n')
    expect(code).toBe(0)
  })

  test('a refusal stops the program with its place and the way out', async () => {
    project.write('refused.mjs', "import { go } from 'goro'\nlet counter = 0\nawait go(() => { counter++ })\n")
    const { code, stderr } = await project.node([...GORO, 'refused.mjs'])
    expect(stderr).toContain('CaptureError')
    expect(stderr).toContain('refused.mjs:3:18: `counter` is assigned to in a goroutine')
    expect(code).toBe(1)
  })

  test('a package is left alone, unless it imports goro', async () => {
    const goes = "import { go } from 'goro'\nconst n = 20\nexport const twice = () => go(() => n * 2)\n"
    project.write('node_modules/goes/package.json', '{ "name": "goes", "type": "module", "exports": "./index.js" }')
    project.write('node_modules/goes/index.js', goes)
    const plain = 'export const text = (() => 1).toString()\n'
    project.write('node_modules/plain/package.json', '{ "name": "plain", "type": "module", "exports": "./index.js" }')
    project.write('node_modules/plain/index.js', plain)
    project.write(
      'packages.mjs',
      "import { twice } from 'goes'\nimport { text } from 'plain'\nconsole.log(await twice(), text)\n",
    )
    const registered = "console.log(globalThis[Symbol.for('goro.compiled')]?.length)"
    project.write('only-plain.mjs', `import 'plain'\n${registered}\n`)
    const { stdout, stderr } = await project.node([...GORO, 'packages.mjs'])
    expect(stderr).toBe('')
    expect(stdout).toBe('40 () => 1\n')
    expect((await project.node([...GORO, 'only-plain.mjs'])).stdout).toBe('undefined\n')
  })
})

describe('with goro/register/preempt, a goroutine that loops lets the others on its thread go on', () => {
  let project: Project
  beforeAll(() => {
    project = new Project('preempt')
    const spin =
      'exports.spin = async function (state) { for (let n = 1; ; n++) if (Atomics.load(state, 0) !== 0) return n }'
    project.write('spin.cjs', `${spin}\n`)
    const common = project.read('src/main.ts').replace('./spin.ts', '../spin.cjs')
    project.write('src/main-of-commonjs.ts', common)
    // What a goroutine imports by itself is compiled on its thread.
    const late = common
      .replace(/^import .*spin.*$/m, '')
      .replace('go(spin, state)', "go(async () => (await import('./spin.ts')).spin(state))")
    project.write('src/main-that-imports-late.ts', late)
  })
  afterAll(() => project.remove())

  const PREEMPT = ['--import', 'goro/register/preempt']
  const ways: Record<string, readonly string[]> = {
    'tsx before it': [...TSX, ...PREEMPT],
    'tsx after it': [...PREEMPT, ...TSX],
    'goro/register before it': [...TSX, ...GORO, ...PREEMPT],
    'goro/register after it': [...TSX, ...PREEMPT, ...GORO],
  }
  test.each(Object.entries(ways))('%s', async (_, options) => {
    for (const main of ['main', 'main-of-commonjs', 'main-that-imports-late']) {
      const { code, stdout, stderr } = await project.node([...options, `src/${main}.ts`])
      expect(stderr).toBe('')
      expect(stdout.split('\n')).toEqual([
        'woken true',
        `no 2 ${project.placeOf('new Unwanted', `src/${main}.ts`)}`,
        '',
      ])
      expect(code).toBe(0)
    }
  })
})

describe('what has been compiled is kept', () => {
  let project: Project
  let cache: string
  beforeAll(() => {
    project = new Project('program')
    project.write('tmp/.keep', '')
    project.write('main.mjs', "import { go } from 'goro'\nimport { a } from '#a'\nconsole.log(await go(() => a(1)))\n")
    project.write('a.mjs', 'const one = 1\nexport const a = (n) => n + one\n')
    project.write('package.json', '{ "type": "module", "imports": { "#a": "./a.mjs" } }')
    cache = join(project.folder, 'tmp', `goro-${process.getuid?.() ?? ''}`)
  })
  afterAll(() => project.remove())

  const main = async () => {
    const { stdout, stderr } = await project.node([...GORO, 'main.mjs'], {
      env: { TMPDIR: join(project.folder, 'tmp') },
    })
    return stdout + stderr
  }

  test('and taken the next time; what can not be read is compiled again', async () => {
    expect(await main()).toBe('2\n')
    const [name = '', other] = readdirSync(cache)
    expect(other).toBeDefined()
    expect(lstatSync(cache).mode & 0o777).toBe(0o700)
    // That it is taken shows in that a change of it shows.
    for (const file of readdirSync(cache)) {
      const text = readFileSync(join(cache, file), 'utf8')
      writeFileSync(join(cache, file), text.replace('n + one', 'n + one * 10'))
    }
    expect(await main()).toBe('11\n')
    for (const file of readdirSync(cache)) writeFileSync(join(cache, file), '{ "code": "cut o')
    expect(await main()).toBe('2\n')
    expect(readdirSync(cache)).toContain(name)
  })

  test('until it is old', async () => {
    writeFileSync(join(cache, '1-abc'), '')
    project.write('a.mjs', 'const one = 100\nexport const a = (n) => n + one\n')
    expect(await main()).toBe('101\n')
    expect(readdirSync(cache)).not.toContain('1-abc')
  })

  test('but not where others can write', async () => {
    chmodSync(cache, 0o777)
    for (const file of readdirSync(cache)) writeFileSync(join(cache, file), '{ "code": "evil()", "packages": {} }')
    expect(await main()).toBe('101\n')
  })
})

describe('vitest, by the plugin for Vite', () => {
  let project: Project
  beforeAll(() => {
    project = new Project('program')
    project.add('vitest/survey.test.ts', 'test/survey.test.ts')
    project.add('vitest/vitest.config.mjs', 'vitest.config.mjs')
  })
  afterAll(() => project.remove())

  test('closures work in tests, and an error has its place', async () => {
    const { code, stdout, stderr } = await project.node([
      'node_modules/vitest/vitest.mjs',
      'run',
      '--disable-console-intercept',
    ])
    expect(stdout + stderr).toContain(`place of the error: ${project.placeOf('new RangeError', 'test/survey.test.ts')}`)
    expect(code, stdout + stderr).toBe(0)
  })
})
