// The scenarios: a file each, which says what it measures.
//
//   question, unit     what the figure answers, and what it is in
//   contenders         by name: { n, run, env? }. `run(n, rows)` warms up, measures once, checks the result, and gives back the
//                      figure. `env` is what the process is started with beside the environment there is
//   quick              by what `n` is multiplied with --quick
//   more               true where a larger figure is the better one
//   marks              what goro is to reach: { than: 'go', atMost: 1.2 }, at most 1.2 times that contender's figure ('pools':
//                      that of the best pool); or { atMost: 1.5 } or { atLeast: 0.97 }, the figure itself
//   rows               where one turn gives several figures, each a scenario FILE.ROW of its own: by name, what differs for it
//                      of question, unit, more and marks. `run` is told which are wanted, and gives back an object of figures
//   chart              'lines' where the rows are one thing that grows: they share a chart

import { readdirSync } from 'node:fs'

const folder = new URL('../scenarios/', import.meta.url)

/** The module of one file. */
export function load(file) {
  return import(new URL(`${file}.mjs`, folder))
}

/** Every scenario, `{ name, file, row, question, about (the question of all rows), unit, more, marks, chart, contenders, quick }`, in the order of their files. */
export async function allScenarios() {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.mjs'))
    .map((name) => name.slice(0, -'.mjs'.length))
    .sort()
  const lists = await Promise.all(files.map(async (file) => scenariosOf(file, await load(file))))
  return lists.flat()
}

function scenariosOf(file, { rows, ...module }) {
  if (!rows) return [{ ...module, name: file, file }]
  return Object.entries(rows).map(([row, own]) => ({
    ...module,
    ...own,
    about: module.question,
    name: `${file}.${row}`,
    file,
    row,
  }))
}

/** Whether `wanted`, as a person types it, means the scenario `name`. */
export function selects(wanted, name) {
  return name === wanted || name.startsWith(`${wanted}.`)
}

/** Scenarios by file, in their order: the rows of one are measured together. */
export function byFile(scenarios) {
  const files = new Map()
  for (const scenario of scenarios) files.set(scenario.file, [...(files.get(scenario.file) ?? []), scenario])
  return [...files.values()]
}
