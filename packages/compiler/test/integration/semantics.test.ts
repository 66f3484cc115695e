/**
 * What a goroutine does is what a call does. Every case of `fixtures/semantics/cases` runs plain, where `go` is a call on the main
 * thread; and through the loader, where it is goro's: with tsx registered after it and before it, and, on Nodes that can, without.
 * Results are equal, and errors come from the same line.
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
  /** What it should give: as a goroutine, and plain. A `*` at the end stands for anything. */
  readonly expected: string
  readonly plain: string
  readonly outcome: string
  /** Where an error was thrown. */
  readonly place?: string
}

const plain = plotOf('semantics')
const compiled = plotOf('semantics')
afterAll(() => {
  plain.remove()
  compiled.remove()
})

plain.linkGoro('real-goro')
plain.write('node_modules/goro/package.json', '{ "name": "goro", "type": "module", "exports": "./index.mjs" }\n')
plain.write('node_modules/goro/index.mjs', readFileSync(join(plain.dir, 'plain-goro.mjs'), 'utf8'))
compiled.linkGoro('goro')

const files = readdirSync(join(plain.dir, 'cases')).sort()
const typescript = files.filter((file) => /\.m?ts$/.test(file))
const javascript = files.filter((file) => !typescript.includes(file))
const GORO = 'goro/register'

/** The outcomes by name. */
async function run(plot: Plot, imports: readonly string[], files: readonly string[]): Promise<Map<string, Line>> {
  const { code, stdout, stderr } = await plot.node([
    ...imports.flatMap((specifier) => ['--import', specifier]),
    'run.mjs',
    ...files,
  ])
  const texts = stdout.split('\n').filter((text) => text.startsWith('{'))
  const lines = texts.map((text) => JSON.parse(text) as Line)
  const failed = lines.flatMap((line) => line.failed ?? [])
  if (code !== 0 || failed.length > 0) throw new Error(`exit code ${code}\n${[...failed, stderr].join('\n')}`)
  return new Map(lines.map((line) => [`${line.file}: ${line.name}`, line]))
}

const plainly = new Map([...(await run(plain, [TSX], typescript)), ...(await run(plain, [], javascript))])
const beforeTsx = new Map([
  ...(await run(compiled, [GORO, TSX], typescript)),
  ...(await run(compiled, [GORO], javascript)),
])
compiled.write(
  'always.mjs',
  `import { isMainThread } from 'node:worker_threads'
const { defineProperty } = Object
const interrupting = (object, name, property) =>
  name === '_goro_preempt'
    ? defineProperty(object, name, { ...property, value: Object.assign([1], { yield: property.value.yield }) })
    : defineProperty(object, name, property)
if (!isMainThread) Object.defineProperty = interrupting
`,
)
const ALWAYS = ['./always.mjs', 'goro/register/preempt']
const preemptive = new Map([
  ...(await run(compiled, [...ALWAYS, TSX], typescript)),
  ...(await run(compiled, ALWAYS, javascript)),
])
const afterTsx = await run(compiled, [TSX, GORO], typescript)
/** Node takes types off by itself, but no more than that; and what is newer than Node 22 in it is left as it is. */
const erasable =
  Number.parseInt(process.versions.node, 10) < 24 ? [] : typescript.filter((file) => file !== 'typescript.ts')
const stripped = erasable.length > 0 ? await run(compiled, [GORO], erasable) : new Map<string, Line>()

test('every case was run each time', () => {
  const names = [...plainly.keys()]
  expect(new Set([...plainly.values()].map(({ file }) => file))).toEqual(new Set(files))
  expect(names.length).toBeGreaterThan(150)
  expect([...beforeTsx.keys()]).toEqual(names)
  expect([...preemptive.keys()]).toEqual(names)
  expect(new Set([...stripped.values()].map(({ file }) => file))).toEqual(new Set(erasable))
  expect([...afterTsx.keys()]).toEqual(names.filter((name) => /^[^:]+\.m?ts:/.test(name)))
})

describe.each(files)('%s', (file) => {
  const cases = [...plainly.values()].filter((line) => line.file === file)
  test.each(cases.map((line) => [line.name as string, line] as const))('%s', (name, line) => {
    expect(matches(line.outcome, line.plain), `plain: ${line.outcome}`).toBe(line.plain)
    for (const [how, lines] of Object.entries({ beforeTsx, preemptive, afterTsx, stripped })) {
      const other = lines.get(`${file}: ${name}`)
      if (other === undefined) continue
      expect(matches(other.outcome, line.expected), `${how}: ${other.outcome}`).toBe(line.expected)
      if (line.place !== undefined) expect(other.place, how).toBe(line.place)
    }
  })
})

/** `expected` if that is what came, up to a `*` at its end. */
function matches(outcome: string, expected: string): string {
  return expected.endsWith('*') && outcome.startsWith(expected.slice(0, -1)) ? expected : outcome
}
