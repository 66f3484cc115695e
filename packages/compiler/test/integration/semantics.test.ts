/**
 * What a goroutine does is what a call does. Every case of `fixtures/semantics/cases` runs twice: plain, where `go` is a call on
 * the main thread; and compiled, by the loader, where it is goro's. Results are equal, and errors come from the same line.
 *
 * One case: `npm test -- --project integration packages/compiler/test/integration/semantics.test.ts -t 'a namespace'`
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { type Plot, plotOf, TSX } from './plot.ts'

interface Line {
  readonly file: string
  /** Absent if the file itself failed, with why. */
  readonly name?: string
  readonly failed?: string
  /** What it should give: compiled, and plain. A `*` at the end stands for anything. */
  readonly expected: string
  readonly plain: string
  readonly outcome: string
  /** Where an error was thrown. */
  readonly place?: string
}

const FIXTURE = 'semantics'
const plain = plotOf(FIXTURE)
const compiled = plotOf(FIXTURE)
afterAll(() => {
  plain.remove()
  compiled.remove()
})

plain.linkGoro('real-goro')
plain.write('node_modules/goro/package.json', '{ "name": "goro", "type": "module", "exports": "./index.mjs" }\n')
plain.write('node_modules/goro/index.mjs', readFileSync(join(plain.dir, 'plain-goro.mjs'), 'utf8'))
compiled.linkGoro('goro')

const files = readdirSync(join(plain.dir, 'cases')).sort()
const typescript = files.filter((file) => file.endsWith('.ts'))
const javascript = files.filter((file) => !file.endsWith('.ts'))

async function run(plot: Plot, nodeArgs: readonly string[]): Promise<Map<string, Line>> {
  const lines = new Map<string, Line>()
  const inTypeScript = await plot.node([...nodeArgs, '--import', TSX, 'run.mjs', ...typescript])
  const inJavaScript = await plot.node([...nodeArgs, 'run.mjs', ...javascript])
  for (const { code, stdout, stderr } of [inTypeScript, inJavaScript]) {
    for (const text of stdout.split('\n').filter((text) => text.startsWith('{'))) {
      const line = JSON.parse(text) as Line
      lines.set(`${line.file}: ${line.name ?? ''}`, line)
    }
    if (code !== 0) lines.set('the process', { file: '', expected: '0', plain: '0', outcome: `${code}\n${stderr}` })
  }
  return lines
}

const plainly = await run(plain, [])
const asGoroutines = await run(compiled, ['--import', 'goro/register'])

test('every file of cases was run, to its end', () => {
  for (const [lines, expected] of [
    [plainly, 'plain'],
    [asGoroutines, 'expected'],
  ] as const) {
    expect([...lines.values()].filter(({ failed }) => failed !== undefined).map(({ failed }) => failed)).toEqual([])
    expect(lines.get('the process')?.outcome).toBe(undefined)
    expect(new Set([...lines.values()].map(({ file }) => file)), expected).toEqual(new Set(files))
  }
  expect([...asGoroutines.keys()]).toEqual([...plainly.keys()])
})

describe.each(files)('%s', (file) => {
  const cases = [...plainly.values()].filter((line) => line.file === file && line.name !== undefined)
  test.each(cases.map((line) => [line.name as string, line] as const))('%s', (name, line) => {
    const other = asGoroutines.get(`${file}: ${name}`)
    expect(matches(line.outcome, line.plain), `plain: ${line.outcome}`).toBe(line.plain)
    expect(matches(other?.outcome ?? 'nothing', line.expected), other?.outcome).toBe(line.expected)
    if (line.place !== undefined) expect(other?.place).toBe(line.place)
  })
})

/** `expected` if that is what came, up to a `*` at its end. */
function matches(outcome: string, expected: string): string {
  return expected.endsWith('*') && outcome.startsWith(expected.slice(0, -1)) ? expected : outcome
}
