// pnpm bench [SCENARIO…] [--json FILE] [--quick] [--runs N]
//
// Measures goro beside its peers. docs/benchmarks.md says what is measured and how to read it.

import { readdirSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { machine, table } from './harness/report.mjs'
import { runScenario } from './harness/run.mjs'

const usage = `usage: pnpm bench [SCENARIO…] [--json FILE] [--quick] [--runs N]

  SCENARIO     selects every scenario that is it or begins with it and a dot; without one, all run
  --json FILE  writes the figures there
  --quick      fewer operations, three rounds
  --runs N     rounds: how often each contender takes its turn (5, or 3 with --quick)`

const scenarios = readdirSync(new URL('scenarios/', import.meta.url))
  .filter((file) => file.endsWith('.mjs'))
  .map((file) => file.slice(0, -'.mjs'.length))
  .sort()

const { names, json, quick, runs } = commandLine()
console.log(machine())
const all = []
for (const name of names) {
  const scenario = await import(`./scenarios/${name}.mjs`)
  console.log(`\n${name}: ${scenario.question}`)
  const records = await runScenario(name, scenario, { runs, quick, onTurn: progress })
  progress()
  console.log(table(scenario, records))
  all.push(...records)
}
const measured = all.filter((record) => record.median !== undefined)
if (json) writeFileSync(json, `${JSON.stringify(measured, null, 2)}\n`)
process.exitCode = all.some((record) => record.failed) ? 1 : 0

function commandLine() {
  let parsed
  try {
    parsed = parseArgs({
      allowPositionals: true,
      options: {
        json: { type: 'string' },
        quick: { type: 'boolean', default: false },
        runs: { type: 'string' },
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
  const runs = Number(values.runs ?? (values.quick ? 3 : 5))
  if (!Number.isInteger(runs) || runs < 1) stop(`--runs wants a number of rounds, not '${values.runs}'`)
  for (const wanted of positionals) {
    if (!scenarios.some((name) => selects(wanted, name))) {
      stop(`no scenario '${wanted}'; there are: ${scenarios.join(', ')}`)
    }
  }
  const names = scenarios.filter(
    (name) => positionals.length === 0 || positionals.some((wanted) => selects(wanted, name)),
  )
  return { names, json: values.json, quick: values.quick, runs }
}

function selects(wanted, name) {
  return name === wanted || name.startsWith(`${wanted}.`)
}

function stop(message) {
  console.error(message)
  process.exit(2)
}

/** A line that overwrites itself, for a person who waits. */
function progress(record, round) {
  if (!process.stderr.isTTY) return
  process.stderr.write(record ? `\x1b[2K\r  round ${round + 1}/${runs}: ${record.contender}` : '\x1b[2K\r')
}
