// pnpm bench [SCENARIO…]
//
// Measures goro beside its peers. docs/benchmarks.md says what is measured and how to read it.

import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { writeCharts } from './harness/chart.mjs'
import { describeMachine, findNodes, machineLines } from './harness/machine.mjs'
import { writePage } from './harness/page.mjs'
import { profile, profileTables } from './harness/profile.mjs'
import { nodesOf, table } from './harness/report.mjs'
import { runScenarios } from './harness/run.mjs'
import { allScenarios, byFile, selects } from './harness/scenarios.mjs'

const usage = `usage: pnpm bench [SCENARIO…] [--contender NAME]… [--node VERSION]… [--runs N] [--budget MINUTES] [--quick]
                  [--json FILE] [--chart] [--report]
       pnpm bench FILE.json… [--chart] [--report]
       pnpm bench --profile SCENARIO [--contender NAME] [--n N] [--top N] [--node VERSION]

  SCENARIO          selects every scenario that is it or begins with it and a dot; without one, all run
  --contender NAME  only this one; may be given several times
  --node VERSION    runs them under this Node, brought by npm, such as 24; may be given several times
  --runs N          rounds: how often each contender takes its turn (7, or 3 with --quick)
  --budget MINUTES  fewer rounds, but three at least, where that many take longer
  --quick           fewer operations, three rounds
  --json FILE       writes the figures there
  --chart           draws each scenario's chart into docs/charts
  --report          writes the figures, with charts, into docs/benchmarks.md
  FILE.json         figures of an earlier run, or of several, in place of measuring

  --profile SCENARIO  runs one contender under V8's profiler and prints, for each kind of thread, the functions with the
                      most time of their own
  --contender NAME    which (goro)
  --n N               how many operations (as many as when it is measured)
  --top N             how many functions (25)`

const scenarios = await allScenarios()
const options = commandLine()
if (options.profile) await profileOne(options)
else present(options.stored.length > 0 ? readRuns(options.stored) : await measure(options), options)

/** All contenders of the scenarios, in turns: `{ date, minutes, machine, records }`, as `--json` stores it. */
async function measure({ chosen, runs, budget, quick, contenders, nodes }) {
  const machine = describeMachine()
  console.log(
    machineLines(
      machine,
      nodes.map(({ version }) => version),
    ).join('\n'),
  )
  const begin = performance.now()
  const files = byFile(chosen)
  const all = []
  for (const [i, ofFile] of files.entries()) {
    console.log(`\n${ofFile.map(({ name }) => name).join(' ')}`)
    const start = performance.now()
    // What is left of the budget is for all that are still to come, in equal shares.
    const until = start + (begin + budget * 60_000 - start) / (files.length - i)
    const onTurn = progress
    const records = await runScenarios(ofFile, { runs, quick, nodes, only: contenders, until, onTurn })
    progress()
    for (const scenario of ofFile) print(scenario, records)
    console.log(`(${((performance.now() - start) / 1000).toFixed(0)} s)`)
    all.push(...records)
  }
  process.exitCode = all.some((record) => record.failed) ? 1 : 0
  return {
    date: new Date().toISOString().slice(0, 10),
    minutes: Math.ceil((performance.now() - begin) / 60_000),
    machine,
    records: all.filter((record) => record.median !== undefined),
  }
}

function print(scenario, records) {
  const own = records.filter((record) => record.scenario === scenario.name)
  if (own.length > 0) console.log(`${scenario.name}: ${scenario.question}\n${table(scenario, own)}`)
}

/** Several stored runs as one: what a later one measured again replaces what an earlier one has. */
function readRuns(files) {
  const runs = files.map((file) => JSON.parse(readFileSync(file, 'utf8'), never))
  const key = ({ scenario, contender, node }) => `${scenario} ${contender} ${node}`
  const records = new Map(runs.flatMap(withOwnGo).map((record) => [key(record), record]))
  const minutes = runs.reduce((sum, run) => sum + run.minutes, 0)
  const run = { ...runs[0], minutes, records: [...records.values()] }
  console.log(`${machineLines(run.machine, nodesOf(run.records)).join('\n')}\n`)
  for (const scenario of scenarios) print(scenario, run.records)
  return run
}

/** The records of a run of one Node, with Go's as that Node's: a ratio is of two figures of one run. */
function withOwnGo({ records }) {
  const nodes = nodesOf(records)
  return nodes.length === 1 ? records.map((record) => ({ node: nodes[0], ...record })) : records
}

/** JSON has no Infinity: null stands for never. */
function never(key, value) {
  return value === null && ['median', 'min', 'max'].includes(key) ? Infinity : value
}

function present(run, { json, chart, report }) {
  if (json) writeFileSync(json, `${JSON.stringify(run, null, 2)}\n`)
  if (chart || report) console.log(`charts: ${writeCharts(scenarios, run)}`)
  if (report) console.log(`report: ${writePage(scenarios, run)}`)
}

/** One contender under the profiler. */
async function profileOne({ profile: wanted, contenders: [contender = 'goro'], nodes: [node], n, top }) {
  const ofFile = scenarios.filter(({ name }) => selects(wanted, name))
  const [{ file, contenders }] = ofFile
  if (!contenders[contender]) {
    stop(`${wanted} has no contender '${contender}'; there are: ${Object.keys(contenders).join(', ')}`)
  }
  const turn = { ...contenders[contender], file, contender, node, rows: ofFile.flatMap(({ row }) => row ?? []) }
  console.log(`${wanted}, ${contender}, Node ${node.version}`)
  const { folder, kinds } = await profile({ ...turn, ...(n && { n }) })
  for (const text of profileTables(kinds, top)) console.log(`\n${text}`)
  console.log(`\nthe whole profiles, for the developer tools of a browser: ${folder}`)
}

function commandLine() {
  let parsed
  try {
    parsed = parseArgs({
      allowPositionals: true,
      options: {
        contender: { type: 'string', multiple: true, default: [] },
        node: { type: 'string', multiple: true, default: [] },
        runs: { type: 'string' },
        budget: { type: 'string' },
        quick: { type: 'boolean', default: false },
        json: { type: 'string' },
        chart: { type: 'boolean', default: false },
        report: { type: 'boolean', default: false },
        profile: { type: 'string' },
        n: { type: 'string' },
        top: { type: 'string', default: '25' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
  } catch (error) {
    stop(`${error.message}\n\n${usage}`)
  }
  const { values, positionals } = parsed
  if (values.help) {
    console.log(usage)
    process.exit(0)
  }
  const isScenario = (text) => scenarios.some(({ name }) => selects(text, name))
  const stored = positionals.filter((text) => text.endsWith('.json') && !isScenario(text))
  const wanted = positionals.filter((text) => !stored.includes(text))
  for (const name of values.profile ? [values.profile] : wanted) {
    if (!isScenario(name)) {
      stop(`no scenario '${name}'; there are: ${scenarios.map((scenario) => scenario.name).join(', ')}`)
    }
  }
  return {
    ...values,
    contenders: values.contender,
    runs: count('runs', values.runs ?? (values.quick ? '3' : '7')),
    budget: values.budget ? count('budget', values.budget) : Infinity,
    top: count('top', values.top),
    n: values.n && count('n', values.n),
    nodes: findNodes(values.node),
    stored,
    chosen: scenarios.filter(({ name }) => wanted.length === 0 || wanted.some((each) => selects(each, name))),
  }
}

function count(option, text) {
  const n = Number(text)
  if (!Number.isInteger(n) || n < 1) stop(`--${option} wants a whole number from 1 on, not '${text}'`)
  return n
}

function stop(message) {
  console.error(message)
  process.exit(2)
}

/** A line that overwrites itself, for a person who waits. */
function progress(turn, round) {
  if (!process.stderr.isTTY) return
  process.stderr.write(turn ? `\x1b[2K\r  round ${round + 1}/${options.runs}: ${turn.contender}` : '\x1b[2K\r')
}
