// Adds up orders that are lines of JSON, a task for 256 KiB of them, which it is given as a string (see realwork.mjs).

import { expect } from '../harness/measure.mjs'
import { contenders as all, realworkMarks } from '../realwork.mjs'
import { sumOrders } from '../work.mjs'

export const question = 'How long does it take to parse and add up 32 MiB of orders in JSON?'
export const unit = 'ms'
export const marks = realworkMarks
export const quick = 0.25

const chunk = 2 ** 18 // characters of a task, at least

export const contenders = all(
  128,
  (n) => {
    const { chunks, orders } = lines(n)
    return {
      task: sumOrders,
      phases: () => [chunks],
      check: (results) => {
        const counted = results.flatMap((result) => Object.values(result)).reduce((sum, { orders }) => sum + orders, 0)
        expect(counted, orders)
      },
    }
  },
  true,
)

function lines(n) {
  const chunks = []
  let orders = 0
  while (chunks.length < n) {
    const list = []
    for (let length = 0; length < chunk; ) {
      const line = JSON.stringify(order(orders++))
      length += line.length + 1
      list.push(line)
    }
    // Flat, as a text that was read.
    chunks.push(Buffer.from(list.join('\n')).toString('latin1'))
  }
  return { chunks, orders }
}

function order(id) {
  return {
    id,
    country: ['de', 'fr', 'it', 'pl', 'es'][id % 5],
    customer: { name: `Customer ${id % 977}`, mail: `customer${id % 977}@example.org` },
    items: Array.from({ length: 1 + (id % 4) }, (_, i) => ({
      sku: `sku-${id % 331}-${i}`,
      price: 100 + i,
      count: 1 + i,
    })),
    note: 'leave it with the neighbours',
  }
}
