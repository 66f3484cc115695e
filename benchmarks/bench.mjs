// pnpm bench [SCENARIO…] [--json FILE] [--quick] [--runs N]
// pnpm bench --profile SCENARIO [--contender NAME] [--n N] [--top N]
//
// Measures goro beside its peers. docs/benchmarks.md says what is measured and how to read it.

import { readdirSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { profile, profileTables } from './harness/profile.mjs'
import { machine, table } from './harness/report.mjs'
import { runScenario } from './harness/run.mjs'

const usage = `usage: pnpm bench [SCENARIO…] [--json FILE] [--quick] [--runs N]
       pnpm bench --profile SCENARIO [--contender NAME] [--n N] [--top N]

  SCENARIO     selects every scenario that is it or begins with it and a dot; without one, all run
  --json FILE  writes the figures there
  --quick      fewer operations, three rounds
  --runs N     rounds: how often each contender takes its turn (5, or 3 with --quick)

  --profile SCENARIO  runs one contender under V8's profiler and prints, for each kind of thread, the functions with the
                      most time of their own
  --contender NAME    which (goro)
  --n N               how many operations (as many as when it is measured)
  --top N             how many functions (25)`

const scenarios = readdirSync(new URL('scenarios/', import.meta.url))
  .filter((file) => file.endsWith('.mjs'))
  .map((file) => file.slice(0, -'.mjs'.length))
  .sort()

const options = commandLine()
console.log(machine())
if (options.profile) await profileOne(options)
else await compare(options)

/** All contenders of the scenarios, in turns. */
async function compare({ names, json, quick, runs }) {
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
}

/** One contender under the profiler. */
async function profileOne({ profile: scenario, contender, n, top }) {
  const { contenders } = await import(`./scenarios/${scenario}.mjs`)
  if (!contenders[contender])
    stop(`${scenario} has no contender '${contender}'; there are: ${Object.keys(contenders).join(', ')}`)
  console.log(`\n${scenario}, ${contender}`)
  const { folder, kinds } = await profile({ ...contenders[contender], scenario, contender, ...(n && { n }) })
  for (const text of profileTables(kinds, top)) console.log(`\n${text}`)
  console.log(`\nthe whole profiles, for the developer tools of a browser: ${folder}`)
}

function commandLine() {
  let parsed
  try {
    parsed = parseArgs({
      allowPositionals: true,
      options: {
        json: { type: 'string' },
        quick: { type: 'boolean', default: false },
        runs: { type: 'string' },
        profile: { type: 'string' },
        contender: { type: 'string', default: 'goro' },
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
  const { json, quick, contender } = values
  const runs = count('runs', values.runs ?? (quick ? '3' : '5'))
  const top = count('top', values.top)
  const n = values.n && count('n', values.n)
  if (values.profile && !scenarios.includes(values.profile)) unknown(values.profile)
  for (const wanted of positionals) {
    if (!scenarios.some((name) => selects(wanted, name))) unknown(wanted)
  }
  const names = scenarios.filter(
    (name) => positionals.length === 0 || positionals.some((wanted) => selects(wanted, name)),
  )
  return { names, json, quick, runs, profile: values.profile, contender, n, top }
}

function count(option, text) {
  const n = Number(text)
  if (!Number.isInteger(n) || n < 1) stop(`--${option} wants a whole number from 1 on, not '${text}'`)
  return n
}

function unknown(name) {
  stop(`no scenario '${name}'; there are: ${scenarios.join(', ')}`)
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
  process.stderr.write(record ? `\x1b[2K\r  round ${round + 1}/${options.runs}: ${record.contender}` : '\x1b[2K\r')
}
