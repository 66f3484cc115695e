/**
 * Functions on a real thread, in programs as users write them: modules, CommonJS, TypeScript by tsx and by Node itself. To look
 * at a failure, build the harness (`buildHarness` in fixtures/code/build.ts) and run the program named in the test by hand.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { buildHarness } from '../fixtures/code/build.ts'

const FOLDER = new URL('../fixtures/code/programs/', import.meta.url)
const urlOf = (name: string) => new URL(name, FOLDER).href
const pathOf = (name: string) => fileURLToPath(new URL(name, FOLDER))
const stripsTypes = Boolean((process.features as { typescript?: unknown }).typescript)

/** Starts Node in the programs' folder. */
function start(...args: string[]) {
  const { NODE_OPTIONS: _options, NODE_V8_COVERAGE: _coverage, ...env } = process.env
  return spawn(process.execPath, args, { cwd: fileURLToPath(FOLDER), env, stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Runs Node in the programs' folder and returns what it printed as JSON. Nothing else may be printed: no warning. */
async function run(...args: string[]): Promise<unknown> {
  const child = start(...args)
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
  return JSON.parse(stdout)
}

beforeAll(buildHarness)

describe('the places in stack traces are those of the original', { timeout: 60_000 }, () => {
  interface Frame {
    readonly name: string
    readonly place: string
  }

  async function compare(...args: string[]): Promise<string[]> {
    const report = (await run(...args)) as Record<string, { here: Frame; there: Frame; isNamed: boolean }>
    for (const [key, { here, there, isNamed }] of Object.entries(report)) {
      expect([key, there.place]).toEqual([key, here.place])
      // A function without a name is called after its place in the code around it, which is not shipped.
      if (isNamed) expect([key, there.name]).toEqual([key, here.name])
    }
    return Object.keys(report)
  }

  test('for functions in every form', async () => {
    expect(await compare('places.mjs', './forms.mjs')).toHaveLength(26)
  })

  test('for CommonJS', async () => {
    expect(await compare('places.mjs', './common.cjs')).toEqual(['plain', 'arrow', 'method'])
  })

  const loaders = [
    ['./typed.ts by tsx, which lays it out in one line', '--import', 'tsx', 'places.mjs', './typed.ts'],
    ['./typed.cts by tsx', '--import', 'tsx', 'places.mjs', './typed.cts'],
  ]
  if (stripsTypes) loaders.push(['./typed.ts by Node itself', 'places.mjs', './typed.ts'])

  test.each(loaders)('for %s', async (_, ...args) => {
    expect(await compare(...args)).toEqual(['arrow', 'method', 'later', 'declared'])
  })
})

describe('what a shipped function can load', { timeout: 60_000 }, () => {
  const loaded = {
    relative: 'sibling',
    parent: 'sibling',
    computed: 'sibling',
    url: 'sibling',
    builtin: 'function',
    bare: 'function',
    packageImport: 'function',
    fromFunctionsOwnFile: 'folder/sibling',
    sameTextHere: 'sibling',
    sameTextElsewhere: 'folder/sibling',
    typescript: 'plain',
    typescriptComputed: 'plain',
    enum: 'red',
    missing: 'ERR_MODULE_NOT_FOUND',
    synchronousThrow: 'function',
    meta: [urlOf('imports.mjs'), pathOf('imports.mjs'), pathOf('.').slice(0, -1)],
    metaOverSpace: urlOf('imports.mjs'),
    resolve: [urlOf('a.mjs'), expect.stringMatching(/^file:.*acorn/), 'node:fs', 'node:fs'],
    newUrl: new URL('data.json', FOLDER).pathname,
    required: 42,
    filename: [pathOf('imports.mjs'), pathOf('.').slice(0, -1)],
  }

  test('resolves from the file of its definition; TypeScript too, with what Node alone can not load', async () => {
    expect(await run('imports.mjs')).toEqual(loaded)
  })

  test('is the same under tsx', async () => {
    expect(await run('--import', 'tsx', 'imports.mjs')).toEqual(loaded)
  })

  test('resolves from the working folder for code of no file', async () => {
    const program = `import('#harness').then(async ({ codeOf, describeCode, ship, stackOf }) => {
  const name = await ship(async () => (await import('./sibling.mjs')).name)
  const { file, line } = describeCode(codeOf(() => 1, 'go'))
  const stack = await stackOf(() => { throw new Error('x') })
  console.log(JSON.stringify([name, file, line, stack.split('\\n')[1].trim()]))
})`
    expect(await run('-e', program)).toEqual(['sibling', '[eval]', 2, 'at [eval]:4:45'])
    const url = urlOf('[eval1]')
    expect(await run('--input-type=module', '-e', program)).toEqual(['sibling', url, 2, `at ${url}:4:45`])
  })

  test('is the same for functions that are defined and shipped within shipped functions', async () => {
    const url = urlOf('nested.mjs')
    expect(await run('nested.mjs')).toEqual({
      inner: [url, 5, 16],
      top: `at inner (${url}:7:11)`,
      loaded: ['sibling', url],
      refused: expect.stringContaining(`refers to \`inner\` at ${url}:17:96`),
    })
  })
})

test('strictness is kept, and CommonJS has what it is used to', { timeout: 60_000 }, async () => {
  expect(await run('strictness.cjs')).toEqual({
    arrow: false,
    plain: false,
    directive: true,
    asyncArrow: false,
    method: false,
    blockFunction: 'hoisted',
    with: 'found',
    require: 42,
    dirname: [pathOf('strictness.cjs'), pathOf('.').slice(0, -1)],
    strictFile: true,
    module: true,
    made: [false, 1],
  })
})

test('`using` works as tsx has it', { timeout: 60_000 }, async () => {
  const order = ['4', 'c', 'b', 'a', 'SuppressedError', 'in the block object', 'TypeError']
  expect(await run('--import', 'tsx', 'using.ts')).toEqual(order)
})

describe('refusals', { timeout: 60_000 }, () => {
  const at = (line: number, column: number) => `${urlOf('refused.mjs')}:${line}:${column}`
  const data = (name: string) =>
    `which it would not find on another thread. Pass data as an argument: go(fn, …, ${name}); ` +
    "import code inside the function: await import('…'). Or let goro compile the program, which ships what a function " +
    "refers to: goro run FILE, node --import goro/register FILE, or goro's plugin for your bundler"
  const outer = 'which belongs to the code around it; a goroutine is a plain call. Pass what it needs as an argument'
  const object =
    'which belongs to the object of the method; a goroutine is a plain call. Pass what it needs as an argument'
  const generator = 'is a generator function, which can only be stepped through on the thread where it was called'

  test('name the function, the variable, both places and the ways out', async () => {
    const itself = 'If that is the function itself, write it as function parse(…) { … }.'
    const report = (await run('refused.mjs')) as Record<string, string>
    expect(report).toEqual({
      variable: `CaptureError: go: \`variable\` (${at(27, 13)}) refers to \`base\` at ${at(27, 24)}, ${data('base')}`,
      variables: expect.stringContaining(`refers to \`base\` at ${at(28, 21)}, \`imported\` at ${at(28, 27)}, which`),
      inside: `CaptureError: go: \`named\` (${at(29, 11)}) refers to \`base\` at ${at(30, 31)}, ${data('base')}`,
      imported: expect.stringContaining(`refers to \`imported\` at ${at(32, 25)}`),
      itself: `CaptureError: go: \`parse\` (${at(6, 15)}) refers to \`parse\` at ${at(6, 25)}, ${data('parse').replace('. ', `. ${itself} `)}`,
      global: expect.stringMatching(/refers to `configured` at .*Each thread has a globalThis of its own/),
      undeclared: expect.stringContaining(`refers to \`nowhere\` at ${at(35, 21)}`),
      typeof: expect.stringContaining(`refers to \`base\` at ${at(36, 24)}`),
      ofThis: `CaptureError: go: the function (${at(22, 11)}) uses \`this\` at ${at(22, 17)}, ${outer}`,
      ofArguments: `CaptureError: go: the function (${at(22, 23)}) uses \`arguments\` at ${at(22, 29)}, ${outer}`,
      ofTarget: `CaptureError: go: the function (${at(22, 43)}) uses \`new.target\` at ${at(22, 49)}, ${outer}`,
      method: `CaptureError: go: \`deposit\` (${at(10, 3)}) uses \`this\` at ${at(11, 5)}, ${object}`,
      super: `CaptureError: go: \`describe\` (${at(13, 3)}) uses \`super\` at ${at(14, 12)}, ${object}`,
      accessor: `CaptureError: go: \`get self\` (${at(16, 3)}) is a getter or setter; pass a function that has what it returns`,
      private: `CaptureError: go: \`peek\` (${at(19, 10)}) uses \`#balance\` at ${at(19, 27)}, ${outer}`,
      native: 'CaptureError: go: `max` is a native function, which has no source; pass a function that calls it',
      bound: expect.stringMatching(
        /^CaptureError: go: `bound` is a bound function, which has no source; pass the function/,
      ),
      nodes: expect.stringMatching(
        /^CaptureError: go: `fetch` .* is a part of Node itself; pass a function that calls it$/,
      ),
      class: `CaptureError: go: \`Account\` (${at(8, 1)}) is a class; pass a function that makes an instance of it`,
      generator: `CaptureError: go: \`steps\` (${at(48, 14)}) ${generator}`,
      asyncGenerator: `CaptureError: go: \`asyncGenerator\` (${at(49, 19)}) ${generator}`,
      proxy: expect.stringContaining('a Proxy of a function has no source'),
      noFunction: 'TypeError: go: takes a function, not 42',
      noValue: 'TypeError: go: takes a function, not undefined',
    })
  })

  test('name the places in the file that the user wrote', async () => {
    const [name, message] = (await run('--import', 'tsx', 'refused.ts')) as [string, string]
    const url = urlOf('refused.ts')
    expect(name).toBe('CaptureError')
    expect(message).toContain(`\`shift\` (${url}:12:16) refers to \`offset\` at ${url}:15:14,`)
  })
})

test('a debugger that is attached changes nothing', { timeout: 60_000 }, async () => {
  const child = start('--inspect=0', 'nested.mjs')
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  expect(stderr).toMatch(/^Debugger listening/)
  expect(JSON.parse(stdout)).toMatchObject({
    inner: [urlOf('nested.mjs'), 5, 16],
    loaded: ['sibling', urlOf('nested.mjs')],
  })
})

test('without an inspector, functions are looked for in the file that called', { timeout: 60_000 }, async () => {
  // The permission model takes it away.
  const permission = process.allowedNodeEnvironmentFlags.has('--permission')
    ? '--permission'
    : '--experimental-permission'
  expect(await run(permission, '--allow-fs-read=*', '--allow-worker', '--no-warnings', 'no-inspector.mjs')).toEqual({
    refusal: 'ERR_ACCESS_DENIED',
    line: 4,
    column: 13,
    top: `at fail (${urlOf('no-inspector.mjs')}:6:9)`,
  })
})
