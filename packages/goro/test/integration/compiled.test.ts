/**
 * Compiled functions on real threads. The fixtures are written by hand in the form that the compiler writes, so that this says
 * whose fault it is when compiler and runtime disagree. To look at a failure: run the program in fixtures/compiled by hand.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { buildForm, forms } from '../fixtures/compiled/build.ts'

const FOLDER = fileURLToPath(new URL('../fixtures/compiled/', import.meta.url))

function run(args: readonly string[], cwd = FOLDER) {
  const { NODE_OPTIONS: _options, NODE_V8_COVERAGE: _coverage, ...env } = process.env
  return spawnSync(process.execPath, args, { cwd, env, encoding: 'utf8', timeout: 60_000 })
}

/** What the program has printed as JSON, and nothing else: no warning either. */
function report(args: readonly string[], cwd?: string): Record<string, unknown> {
  const { stdout, stderr, status } = run(args, cwd)
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
  return JSON.parse(stdout)
}

const expected = {
  data: 'a?',
  nested: 4,
  imports: [['b!', 'c!'], 'd/e'],
  cycle: [true, false],
  classes: [true, 1, 2],
  table: [1, 2],
  channel: 5,
  moduleChannel: [true, ['sent!']],
  functions: ['1?', 3, false],
  namespace: ['function', 'function', 'object', 'function', 'function', 'object'],
  tree: 64,
  effects: 1,
  here: 1,
}

describe('one program', { timeout: 120_000 }, () => {
  test('as the compiler writes it', () => {
    const { unsendable, ...rest } = report(['main.mjs'])
    expect(rest).toEqual(expected)
    expect(unsendable).toBe(
      "DataCloneError: captured variable `options`, at .onDone: a function can't be sent to another thread; import it where " +
        `it is used, or send what it needs (go at ${pathToFileURL(FOLDER).href}main.mjs:54:58)`,
    )
  })

  test.each(forms)('%s', async (form) => {
    const { cwd, args } = await buildForm(form)
    const { unsendable, ...rest } = report(args, cwd)
    expect(rest).toEqual(expected)
    expect(unsendable).toMatch(/^DataCloneError: captured variable `\w+`, at .onDone: .* \(go at file:.*:\d+:\d+\)$/)
  })
})

test('many closures of few definitions leave nothing behind', { timeout: 120_000 }, () => {
  const { stdout, stderr, status } = run(['--expose-gc', 'flat.mjs', '30000'])
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
  const lines = stdout.trim().split('\n')
  const [shared, heap] = [0, 1].map((i) => lines.map((line) => Number(line.split(' ')[i])))
  expect(shared?.at(-1)).toBe(shared?.at(2))
  expect(heap?.at(-1)).toBeLessThan((heap?.at(2) as number) * 1.1)
})

describe('errors', () => {
  let errors: Record<string, unknown>
  const place = (line: number, column: number) => `${pathToFileURL(FOLDER).href}errors.mjs:${line}:${column}`
  beforeAll(() => {
    errors = report(['errors.mjs'])
  })

  test('a variable that is not initialised is named', () => {
    const message = `refers to \`late\`, which is not initialised yet; call go at ${place(14, 34)} after its declaration has run`
    expect(errors.early).toBe(`CaptureError: go: the function ${message}`)
  })

  test('what the compiler refuses has its words', () => {
    expect(errors.refused).toBe('CaptureError: errors.ts:1:2: `x` is assigned to in a goroutine.')
  })

  test('data of a helper is named with the helper, and an argument as ever', () => {
    const message =
      "captured variable `state` of `helper`, at .list[1]: a promise can't be sent to another thread; await it first"
    expect(errors.ofHelper).toBe(`DataCloneError: ${message} (go at ${place(23, 37)})`)
    expect(errors.withSignal).toBe(`DataCloneError: ${message} (go.with at ${place(24, 46)})`)
    expect(errors.argument).toBe(
      "DataCloneError: argument 1: a symbol can't be sent to another thread; send its description",
    )
  })

  test('a module that is not there, or throws, fails the goroutine, and what it brought is freed', () => {
    expect(errors.missing).toMatch(/^Error: Cannot find package 'not-there'/)
    expect(errors.throws).toBe('Error: thrown by a module')
    // What they brought is 4 MB; what is in use also says how many there were at once.
    expect(errors.kept).toBeLessThan(2 ** 20)
  })

  test('the stack leads through the functions where they are written', () => {
    expect(errors.stack).toEqual([`at fails (${place(7, 9)})`, `at through (${place(10, 10)})`])
  })
})
