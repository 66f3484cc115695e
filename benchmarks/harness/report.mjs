// What a person sees: the machine, and one table a scenario, with each contender's median as a multiple of goro's.

import { availableParallelism, cpus } from 'node:os'
import Table from 'cli-table3'

export function machine() {
  return `${cpus()[0].model.trim()}, ${availableParallelism()} cores, Node ${process.version}, ${process.platform} ${process.arch}`
}

export function table(scenario, records) {
  const goro = records.find(({ contender }) => contender === 'goro')
  const rows = new Table({
    head: ['contender', `median, ${scenario.unit}`, 'min … max', 'n', 'runs', 'goro is'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  })
  const notes = []
  for (const record of records) {
    const { contender, median, min, max, n, runs, skipped, failed } = record
    if (skipped) notes.push(`${contender} skipped: ${skipped}`)
    else if (failed) notes.push(`${contender} FAILED: ${failed.trimEnd()}`)
    else {
      rows.push([
        contender,
        figure(median),
        `${figure(min)} … ${figure(max)}`,
        n.toLocaleString('en'),
        runs,
        ratio(record, goro, scenario.more),
      ])
    }
  }
  return [rows.toString(), ...notes].join('\n')
}

/** Three digits, however large or small. */
function figure(value) {
  if (value === Infinity) return 'never'
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3)
}

/** `more`: the larger figure is the faster. */
function ratio(record, goro, more) {
  if (record === goro) return ''
  if (!goro || goro.median === undefined || goro.median === Infinity) return '?'
  const times = more ? goro.median / record.median : record.median / goro.median
  if (times === Infinity) return '∞ × faster'
  return times >= 1 ? `${figure(times)} × faster` : `${figure(1 / times)} × slower`
}
