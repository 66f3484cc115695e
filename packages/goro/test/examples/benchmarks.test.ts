/**
 * The benchmarks run: every scenario's goro contender once with next to no operations, each of which checks its result; and what the
 * harness makes of figures is what is said of them.
 */
import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { ROOT } from '../rules/root.ts'

/** A module of the harness, which has no types. */
const harness = (name: string) => import(`${ROOT}benchmarks/harness/${name}.mjs`)

interface Scenario {
  name: string
  file: string
  row?: string
  contenders: { goro: { env?: Record<string, string> } }
}

const { charts } = await harness('chart')
const { cells, checkMarks } = await harness('report')
const { allScenarios, byFile, selects } = await harness('scenarios')
const scenarios: Scenario[] = await allScenarios()
const files: [Scenario, ...Scenario[]][] = byFile(scenarios)

/** How many operations are the fewest that a scenario makes sense with, where that is not a thousand; and the rows, where not all. */
const FEWEST: Record<string, { n: number; rows?: string[] }> = {
  cpu: { n: 4 },
  grain: { n: 200 },
  latency: { n: 40 },
  load: { n: 1 },
  nested: { n: 10_000 },
  'payload.bytes': { n: 20, rows: ['16B', '64KiB'] },
  'payload.json': { n: 20, rows: ['16B', '64KiB'] },
  'payload.shared': { n: 20, rows: ['16B', '64KiB'] },
  'payload.string': { n: 20, rows: ['16B', '64KiB'] },
  'payload.transferred': { n: 20, rows: ['16B', '64KiB'] },
  'realwork.blur': { n: 64 },
  'realwork.gzip': { n: 10 },
  'realwork.json': { n: 2 },
  'realwork.montecarlo': { n: 4 },
  'realwork.survey': { n: 5 },
  scale: { n: 8 },
  startup: { n: 1 },
  tree: { n: 22 },
}

describe('goro computes what is right in', () => {
  test.each(files.map((ofFile) => ({ file: ofFile[0].file, ofFile })))('$file', ({ file, ofFile }) => {
    const { n, rows } = FEWEST[file] ?? { n: 1000 }
    const wanted = rows ?? ofFile.flatMap(({ row }) => row ?? [])
    const [{ contenders }] = ofFile
    const args = ['--import', 'goro/register', 'harness/child.mjs', file, 'goro', String(n), ...wanted]
    const output = execFileSync(process.execPath, args, {
      cwd: `${ROOT}benchmarks`,
      env: { ...process.env, ...contenders.goro.env },
      encoding: 'utf8',
    })
    const { value } = JSON.parse(output.trimEnd().split('\n').at(-1)!)
    // `grain` may find none (null): with so little work goroutines need not win.
    for (const figure of wanted.length > 0 ? wanted.map((row) => value[row]) : [value]) {
      expect(figure === null || typeof figure === 'number').toBe(true)
    }
  })
})

describe('of figures', () => {
  const figures = (contender: string, median: number, node?: string) => ({
    scenario: 'latency',
    contender,
    node,
    unit: 'ms',
    n: 1,
    median,
    min: median,
    max: median * 2,
    runs: 3,
  })
  const records = [
    figures('goro', 2, '24.1.0'),
    figures('plain', 8, '24.1.0'),
    figures('piscina', 5, '24.1.0'),
    figures('tinypool', 1, '24.1.0'),
    figures('go', 4),
  ]

  test('the table says how goro compares, and how each does with Go', () => {
    expect(cells({}, records)).toEqual([
      ['goro', '2.00', '2.00 … 4.00', 3, '', '0.500'],
      ['plain', '8.00', '8.00 … 16.0', 3, '4.00 × faster', '2.00'],
      ['piscina', '5.00', '5.00 … 10.0', 3, '2.50 × faster', '1.25'],
      ['tinypool', '1.00', '1.00 … 2.00', 3, '2.00 × slower', '0.250'],
      ['go', '4.00', '4.00 … 8.00', 3, '2.00 × faster', ''],
    ])
    expect(cells({ more: true }, records)[1]).toContain('4.00 × slower')
  })

  test('marks are held against the contender that they name, the best pool among them', () => {
    const marks = [
      { than: 'go', atMost: 0.4 },
      { than: 'pools', atMost: 1 },
      { atMost: 2 },
      { than: 'nobody', atMost: 1 },
    ]
    expect(checkMarks({ marks }, records)).toEqual([
      { text: 'at most 0.400 × go', value: 0.5, reached: false },
      { text: 'at most 1.00 × the best pool (tinypool)', value: 2, reached: false },
      { text: 'at most 2.00', value: 2, reached: true },
    ])
  })

  test('beside Go, half as much again is allowed before Node 24', () => {
    const older = records.map((record) => (record.node ? { ...record, node: '20.19.0' } : record))
    expect(checkMarks({ marks: [{ than: 'go', atMost: 0.4 }] }, older)).toEqual([
      { text: 'at most 0.600 × go', value: 0.5, reached: true },
    ])
  })

  test('a name selects the scenario and what begins with it and a dot; rows that are one thing share a chart', () => {
    const chosen = scenarios.filter(({ name }) => selects('payload.json', name))
    expect(chosen.map(({ name }) => name)).toContain('payload.json.16MiB')
    expect([...charts(chosen).keys()]).toEqual(['payload.json'])
    expect([...charts(scenarios.filter(({ name }) => selects('latency', name))).keys()]).toEqual([
      'latency.p50',
      'latency.p99',
      'latency.rps',
    ])
  })
})
