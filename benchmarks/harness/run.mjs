// Runs scenarios: the contenders take turns, so that a slow minute of the machine hits all of them alike, and each turn
// is a process of its own, so that none inherits another's heap, threads or compiled code.

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { environment } from './machine.mjs'
import { median } from './measure.mjs'

const execute = promisify(execFile)
// Its goroutines are closures, as in a user's program.
const compiled = ['--import', 'goro/register']
const limit = 300_000 // ms for one turn
const maxBuffer = 2 ** 28 // bytes: a library may warn at each call
const fewestRounds = 3 // however little time there is

/**
 * All rounds of the scenarios of one file. Gives back one record for each scenario, contender and Node: its figures, or why it was
 * `skipped`, or how it `failed`. A contender that skipped or failed once gets no more turns. After `until`, on the clock
 * of `performance.now`, there are no more rounds than the fewest.
 */
export async function runScenarios(scenarios, { runs, quick, nodes, only, until = Infinity, onTurn }) {
  const [{ file, contenders, quick: fraction = 1 }] = scenarios
  const turns = Object.entries(contenders)
    .filter(([contender]) => only.length === 0 || only.includes(contender))
    .flatMap(([contender, { n, env }]) =>
      // Go runs under no Node.
      (contender === 'go' ? nodes.slice(0, 1) : nodes).map((node) => ({
        file,
        contender,
        node,
        env,
        n: quick ? n * fraction : n,
        rows: scenarios.flatMap(({ row }) => row ?? []),
        answers: [],
      })),
    )
  const begin = performance.now()
  for (let round = 0; round < runs; round++) {
    const now = performance.now()
    if (round >= fewestRounds && now + (now - begin) / round > until) break
    for (const turn of rotated(turns, round)) {
      if (turn.skipped || turn.failed) continue
      onTurn(turn, round)
      await take(turn)
    }
  }
  return scenarios.flatMap((scenario) => turns.map((turn) => summarise(scenario, turn)))
}

/** The list, begun one further on in each round, so that nobody always follows the same neighbour. */
function rotated(list, by) {
  const at = by % list.length
  return [...list.slice(at), ...list.slice(0, at)]
}

/** Runs one of this folder's programs in a process of its own, for one contender. Gives back the JSON of its last line. */
export async function inProcess(program, { file, contender, n, rows, node, env }, nodeArguments = []) {
  const compiler = contender === 'goro' ? compiled : []
  const path = fileURLToPath(new URL(program, import.meta.url))
  const { stdout } = await execute(
    node.path,
    [...nodeArguments, ...compiler, path, file, contender, String(n), ...rows],
    { cwd: import.meta.dirname, timeout: limit, maxBuffer, env: environment(node, env) },
  )
  return JSON.parse(stdout.trimEnd().split('\n').at(-1))
}

async function take(turn) {
  try {
    const { skip, value } = await inProcess('child.mjs', turn)
    if (skip) turn.skipped = skip
    else turn.answers.push(value)
  } catch (error) {
    turn.failed = error.killed ? `took longer than ${limit / 1000} s` : shortened(error.stderr || error.message)
  }
}

/** The end of what a process said, without the lines of minified libraries. */
function shortened(text) {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '' && line.length < 300)
    .slice(-15)
    .join('\n')
}

/** What a contender's turns say of one scenario. Undefined figures: it has none for that row. */
function summarise({ name, row, unit }, { contender, node, n, answers, skipped, failed }) {
  const record = { scenario: name, contender, ...(contender !== 'go' && { node: node.version }), unit, n }
  if (skipped || failed) return { ...record, skipped, failed }
  const values = answers
    .map((answer) => (row ? answer[row] : answer))
    .map((value) => (value === null ? Infinity : value))
  if (values[0] === undefined) return { ...record, skipped: '' }
  return {
    ...record,
    median: median(values),
    min: Math.min(...values),
    max: Math.max(...values),
    runs: values.length,
  }
}
