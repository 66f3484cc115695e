// The charts: an SVG for each scenario, drawn by ECharts. A bar is a contender's median, the line on it runs from its smallest to its
// largest figure. Rows that are one thing that grows share a chart, with a line for each contender.

import { mkdirSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as echarts from 'echarts'
import { figure, nodesOf, under } from './report.mjs'

const folder = fileURLToPath(new URL('../../docs/charts/', import.meta.url))
const root = fileURLToPath(new URL('../../', import.meta.url))

const width = 760
const logarithmicFrom = 20 // times between the largest and the smallest
const goroColor = '#00758f'
const goColor = '#5dc9e2'
const otherColors = ['#8a8f98', '#c28e4e', '#8d6fb0', '#6a9a5b', '#b5616a', '#4f6d9c', '#a0a04a', '#777777']
const text = { fontFamily: 'sans-serif', fontSize: 13, color: '#333333' }

/** Draws what the run has of the scenarios, for the first of its Nodes. Gives back the folder, as a person would name it. */
export function writeCharts(scenarios, run) {
  mkdirSync(folder, { recursive: true })
  const [node] = nodesOf(run.records)
  const records = under(node, run.records)
  for (const [name, { scenarios: shown, lines }] of charts(scenarios)) {
    const own = shown.map((scenario) => ({
      scenario,
      records: records.filter((record) => record.scenario === scenario.name && Number.isFinite(record.median)),
    }))
    if (own.every((each) => each.records.length === 0)) continue
    writeFileSync(`${folder}${name}.svg`, `${lines ? growth(name, own) : bars(own[0])}\n`)
  }
  return relative(root, folder)
}

/** Each chart's name, and the scenarios that it shows. */
export function charts(scenarios) {
  const found = new Map()
  for (const scenario of scenarios) {
    const lines = scenario.chart === 'lines'
    const name = lines ? scenario.file : scenario.name
    if (!found.has(name)) found.set(name, { scenarios: [], lines })
    found.get(name).scenarios.push(scenario)
  }
  return found
}

function bars({ scenario, records }) {
  const axis = valueAxis(records)
  const label = (record) => `${figure(record.median)} ${scenario.unit}`
  return draw(70 + 30 * records.length, {
    title: title(scenario.name, scenario.question),
    grid: { left: 120, right: 110, top: 56, bottom: 30 },
    xAxis: axis,
    yAxis: {
      type: 'category',
      inverse: true,
      data: records.map(({ contender }) => contender),
      axisTick: { show: false },
      axisLabel: text,
    },
    series: [
      {
        type: 'bar',
        barWidth: 18,
        data: records.map((record) => ({ value: record.median, itemStyle: { color: color(record.contender) } })),
      },
      {
        // From the smallest to the largest, and the median in words beyond it.
        type: 'custom',
        z: 3,
        data: records.map((record, i) => [record.min, i, record.max]),
        renderItem(_, api) {
          const [from, y] = api.coord([api.value(0), api.value(1)])
          const [to] = api.coord([api.value(2), api.value(1)])
          const stroke = { stroke: '#222222', lineWidth: 1.5 }
          const line = (x1, y1, x2, y2) => ({ type: 'line', shape: { x1, y1, x2, y2 }, style: stroke })
          const words = label(records[api.value(1)])
          return {
            type: 'group',
            children: [
              line(from, y, to, y),
              line(from, y - 4, from, y + 4),
              line(to, y - 4, to, y + 4),
              { type: 'text', x: to + 8, y, style: { text: words, verticalAlign: 'middle', ...textStyle } },
            ],
          }
        },
      },
    ],
  })
}

function growth(name, rows) {
  const all = rows.flatMap(({ records }) => records)
  const contenders = [...new Set(all.map(({ contender }) => contender))]
  return draw(400, {
    title: title(name, rows[0].scenario.about),
    legend: { top: 48, left: 0, textStyle: text, itemWidth: 18, itemGap: 24 },
    grid: { left: 80, right: 30, top: 100, bottom: 40 },
    xAxis: { type: 'category', data: rows.map(({ scenario }) => scenario.row), axisLabel: text, boundaryGap: false },
    yAxis: { ...valueAxis(all), name: rows[0].scenario.unit, nameTextStyle: text },
    series: contenders.map((contender, i) => ({
      name: contender,
      type: 'line',
      symbolSize: 6,
      lineStyle: { width: contender === 'goro' ? 3 : 1.5 },
      itemStyle: { color: color(contender, i) },
      data: rows.map(({ records }) => records.find((record) => record.contender === contender)?.median ?? null),
    })),
  })
}

const textStyle = { font: `${text.fontSize}px ${text.fontFamily}`, fill: text.color }

function title(name, question) {
  return {
    text: name,
    subtext: question,
    left: 0,
    top: 0,
    itemGap: 4,
    textStyle: { ...text, fontSize: 16 },
    subtextStyle: { ...text, width: width - 20, overflow: 'break' },
  }
}

/** Logarithmic where the small ones could not be seen otherwise; then it begins at a power of ten below all of them. */
function valueAxis(records) {
  const values = records.flatMap(({ min, median, max }) => [min, median, max])
  const smallest = Math.min(...values)
  const largest = Math.max(...values)
  const common = { axisLabel: { ...text, formatter: (value) => value.toLocaleString('en') }, splitNumber: 5 }
  if (smallest <= 0 || largest / smallest < logarithmicFrom) return { type: 'value', ...common }
  const min = 10 ** Math.floor(Math.log10(smallest) - 0.1)
  return { type: 'log', min, startValue: min, ...common }
}

/** Of goro and Go, their own; of the others, in a chart with lines, one each. */
function color(contender, i = 0) {
  if (contender === 'goro') return goroColor
  if (contender === 'go') return goColor
  return otherColors[i % otherColors.length]
}

function draw(height, option) {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height })
  chart.setOption({ animation: false, backgroundColor: '#ffffff', ...option })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return svg
}
