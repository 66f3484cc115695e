// The last full run, as docs/benchmarks.md shows it: an overview, and for each scenario its chart, its figures and its marks. It stands
// between two comments there, and is written anew each time.

import { readFileSync, writeFileSync } from 'node:fs'
import { charts } from './chart.mjs'
import { machineLines } from './machine.mjs'
import { cells, checkMarks, figure, find, heads, nodesOf, under } from './report.mjs'

const page = new URL('../../docs/benchmarks.md', import.meta.url)
const begin = '<!-- The last full run: written by `pnpm bench --report`. -->'
const end = '<!-- End of the last full run. -->'

/** Writes the run into the page. Gives back its path, as a person would name it. */
export function writePage(scenarios, run) {
  const text = readFileSync(page, 'utf8')
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  if (from < 0 || to < from) throw new Error(`docs/benchmarks.md lacks the comments ${begin} and ${end}`)
  writeFileSync(page, `${text.slice(0, from)}${begin}\n\n${section(scenarios, run)}\n${text.slice(to)}`)
  return 'docs/benchmarks.md'
}

function section(scenarios, { date, minutes, machine, records }) {
  const nodes = nodesOf(records)
  const measured = scenarios.filter(({ name }) => records.some(({ scenario }) => scenario === name))
  return [
    `${date}, ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}. ${machineLines(machine, nodes).join('; ')}.`,
    ...nodes.map((node) => overview(measured, under(node, records), node)),
    ...[...charts(measured)].map(([name, { scenarios: shown }]) => chapter(name, shown, records, nodes)),
  ].join('\n\n')
}

function overview(scenarios, records, node) {
  const rows = scenarios.flatMap((scenario) => {
    const own = records.filter((record) => record.scenario === scenario.name)
    const goro = find(own, 'goro')
    if (!goro) return []
    const go = find(own, 'go')
    const marks = checkMarks(scenario, own).map(
      ({ text, value, reached }) => `${text}: ${reached ? figure(value) : `**${figure(value)}**`}`,
    )
    return [
      [
        `\`${scenario.name}\``,
        `${figure(goro.median)} ${scenario.unit}`,
        go ? figure(go.median) : '',
        go ? figure(goro.median / go.median) : '',
        nearest(scenario, own),
        marks.join('; '),
      ],
    ]
  })
  return `### Node ${node}\n\nA mark in bold is missed.\n\n${markdown(['scenario', 'goro', 'Go', 'to Go', 'best in JavaScript', 'marks'], rows)}`
}

/** The best of the contenders in JavaScript beside goro. */
function nearest({ more }, records) {
  const [best] = records
    .filter(({ contender }) => contender !== 'goro' && contender !== 'go')
    .sort((a, b) => (more ? b.median - a.median : a.median - b.median))
  return best ? `${best.contender} ${figure(best.median)}` : ''
}

function chapter(name, scenarios, records, nodes) {
  const tables = scenarios.flatMap((scenario) =>
    nodes.map((node) => {
      const own = under(node, records).filter((record) => record.scenario === scenario.name)
      if (!own.some((record) => record.node === node)) return ''
      const title = [scenarios.length > 1 && `\`${scenario.name}\``, nodes.length > 1 && `Node ${node}`].filter(Boolean)
      return `${title.length > 0 ? `${title.join(', ')}:\n\n` : ''}${markdown(heads(scenario), cells(scenario, own))}`
    }),
  )
  return [`### ${name}`, `![${name}](charts/${name}.svg)`, ...tables.filter(Boolean)].join('\n\n')
}

function markdown(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
