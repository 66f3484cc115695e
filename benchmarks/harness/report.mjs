// What a person sees of the figures: one table a scenario, with each contender's median as a multiple of goro's, and whether goro's
// marks are reached.

import Table from 'cli-table3'

const pools = ['piscina', 'tinypool', 'workerpool', 'poolifier', 'multithreading']

/** The table of one scenario, as text. `records` are all of it, on whatever Nodes; each has its own. */
export function table(scenario, records) {
  const nodes = nodesOf(records)
  return nodes.map((node) => tableOfNode(scenario, under(node, records), nodes.length > 1 && node)).join('\n')
}

function tableOfNode(scenario, records, node) {
  const rows = new Table({
    head: heads(scenario),
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  })
  rows.push(...cells(scenario, records))
  const notes = records.flatMap(({ contender, skipped, failed }) => {
    if (failed) return `${contender} FAILED: ${failed.trimEnd()}`
    return skipped ? `${contender} skipped: ${skipped}` : []
  })
  return [...(node ? [`Node ${node}`] : []), rows.toString(), ...notes, ...markLines(scenario, records)].join('\n')
}

export function heads({ unit }) {
  return ['contender', `median, ${unit}`, 'min … max', 'runs', 'goro is', 'to Go']
}

/** The rows of a table of what has been measured. */
export function cells({ more }, records) {
  const goro = find(records, 'goro')
  const go = find(records, 'go')
  return records
    .filter(({ median }) => median !== undefined)
    .map((record) => [
      record.contender,
      figure(record.median),
      `${figure(record.min)} … ${figure(record.max)}`,
      record.runs,
      record === goro ? '' : comparison(record, goro, more),
      record === go || !go ? '' : figure(record.median / go.median),
    ])
}

/** For each mark of the scenario what there is to say of it; none for one whose contender was not measured. */
export function markLines(scenario, records) {
  return checkMarks(scenario, records).map(
    ({ text, value, reached }) => `mark: ${text}; it is ${figure(value)}: ${reached ? 'reached' : 'missed'}`,
  )
}

export function checkMarks({ marks = [], more }, records) {
  const goro = find(records, 'goro')
  if (!goro) return []
  return marks.flatMap(({ than, atMost, atLeast }) => {
    const peer = than && (than === 'pools' ? bestPool(records, more) : find(records, than))
    if (than && !peer) return []
    const value = goro.median / (peer?.median ?? 1)
    const most = atMost * (than === 'go' ? slack(goro.node) : 1)
    const limit = atMost === undefined ? `at least ${figure(atLeast)}` : `at most ${figure(most)}`
    return {
      text: than ? `${limit} × ${than === 'pools' ? `the best pool (${peer.contender})` : than}` : limit,
      value,
      reached: atMost === undefined ? value >= atLeast : value <= most,
    }
  })
}

/** The marks beside Go are for Node 24 and later; before that, one and a half times as much. */
function slack(node) {
  return Number.parseInt(node, 10) >= 24 ? 1 : 1.5
}

function bestPool(records, more) {
  const [best] = records
    .filter(({ contender, median }) => pools.includes(contender) && median !== undefined)
    .sort((a, b) => (more ? b.median - a.median : a.median - b.median))
  return best
}

export function find(records, wanted) {
  return records.find(({ contender, median }) => contender === wanted && median !== undefined)
}

/** The Nodes of these records, in the order in which they come. */
export function nodesOf(records) {
  const nodes = [...new Set(records.flatMap(({ node }) => node ?? []))]
  return nodes.length === 0 ? [undefined] : nodes
}

/** The records of one Node, with Go beside them. */
export function under(node, records) {
  return records.filter((record) => record.node === node || record.node === undefined)
}

/** Three digits, however large or small. */
export function figure(value) {
  if (value === Infinity) return 'never'
  return value >= 100 ? value.toFixed(0) : value === 0 ? '0' : value.toPrecision(3)
}

function comparison(record, goro, more) {
  if (!goro || goro.median === Infinity) return '?'
  const times = more ? goro.median / record.median : record.median / goro.median
  const [good, bad] = ['ns', 'µs', 'ms', 's'].includes(record.unit) ? ['faster', 'slower'] : ['better', 'worse']
  if (times === Infinity) return `∞ × ${good}`
  return times >= 1 ? `${figure(times)} × ${good}` : `${figure(1 / times)} × ${bad}`
}
