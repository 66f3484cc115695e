// Runs scenarios: the contenders take turns, so that a slow minute of the machine hits all of them alike, and each turn
// is a process of its own, so that none inherits another's heap, threads or compiled code.

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { median } from './measure.mjs'

const execute = promisify(execFile)
// Its goroutines are closures, as in a user's program.
const compiled = ['--import', 'goro/register']

const limit = 300_000 // ms for one turn

/**
 * All rounds of one scenario. Gives back one record a contender: its figures, or why it was `skipped`, or how it
 * `failed`. A contender that skipped or failed once gets no more turns.
 */
export async function runScenario(name, scenario, { runs, quick, onTurn }) {
  const records = Object.entries(scenario.contenders).map(([contender, { n, env }]) => ({
    scenario: name,
    contender,
    unit: scenario.unit,
    n: quick ? n * (scenario.quick ?? 1) : n,
    env,
    values: [],
  }))
  for (let round = 0; round < runs; round++) {
    for (const record of rotated(records, round)) {
      if (record.skipped || record.failed) continue
      onTurn(record, round)
      Object.assign(record, await takeTurn(record))
    }
  }
  return records.map(summarise)
}

/** The list, begun one further on in each round, so that nobody always follows the same neighbour. */
function rotated(list, by) {
  const at = by % list.length
  return [...list.slice(at), ...list.slice(0, at)]
}

/** Runs one of this folder's programs in a process of its own, for one contender. Gives back the JSON of its last line. */
export async function inProcess(program, { scenario, contender, n, env }, nodeArguments = []) {
  const compiler = contender === 'goro' ? compiled : []
  const path = fileURLToPath(new URL(program, import.meta.url))
  const { stdout } = await execute(
    process.execPath,
    [...nodeArguments, ...compiler, path, scenario, contender, String(n)],
    { cwd: import.meta.dirname, timeout: limit, env: { ...process.env, ...env } },
  )
  return JSON.parse(stdout.trimEnd().split('\n').at(-1))
}

async function takeTurn(record) {
  try {
    const answer = await inProcess('child.mjs', record)
    return answer.skip ? { skipped: answer.skip } : { values: [...record.values, answer.value ?? Infinity] }
  } catch (error) {
    return { failed: error.killed ? `took longer than ${limit / 1000} s` : error.stderr || error.message }
  }
}

function summarise({ scenario, contender, unit, n, values, skipped, failed }) {
  if (skipped || failed) return { scenario, contender, unit, n, skipped, failed }
  return {
    scenario,
    contender,
    unit,
    median: median(values),
    min: Math.min(...values),
    max: Math.max(...values),
    runs: values.length,
    n,
    node: process.version,
  }
}
