// The tasks of the realwork scenarios: what people do hand to worker pools. As those in tasks.mjs, they are loaded by the pools and
// called by their names.

import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { parse } from 'acorn'

/** Reads and parses a JavaScript file: how many functions it has, and how often a name stands in it. */
export function surveyFile(path) {
  const found = { functions: 0, identifiers: 0 }
  const toVisit = [parse(readFileSync(path, 'utf8'), { ecmaVersion: 'latest', sourceType: 'module' })]
  while (toVisit.length > 0) {
    const node = toVisit.pop()
    if (node.type === 'Identifier') found.identifiers++
    else if (node.type?.includes('Function')) found.functions++
    for (const child of Object.values(node)) if (typeof child === 'object' && child !== null) toVisit.push(child)
  }
  return found
}

/** Reads and compresses a file: how many bytes are left. */
export function gzipFile(path) {
  return gzipSync(readFileSync(path)).length
}

/**
 * One direction of a box blur over the rows `from` to `to` of an image, four bytes a pixel, in shared memory: each pixel of
 * `target` is the mean of the 2 × radius + 1 around its place in `source`. Written turned by 90°, so that the second
 * direction is the first again.
 */
export function blurRows({ source, target, width, height, radius, from, to }) {
  const input = new Uint8Array(source)
  const output = new Uint8Array(target)
  const window = 2 * radius + 1
  for (let y = from; y < to; y++) {
    for (let channel = 0; channel < 4; channel++) {
      const row = y * width * 4 + channel
      let sum = 0
      for (let x = -radius; x <= radius; x++) sum += input[row + Math.min(Math.max(x, 0), width - 1) * 4]
      for (let x = 0; x < width; x++) {
        output[(x * height + y) * 4 + channel] = (sum / window) | 0
        sum += input[row + Math.min(x + radius + 1, width - 1) * 4] - input[row + Math.max(x - radius, 0) * 4]
      }
    }
  }
}

/** So many points of the unit square: those in the quarter circle are added to the first word of `shared`. */
export function throwDarts({ seed, times, shared }) {
  let x = seed
  let hits = 0
  const random = () => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return (x >>> 0) / 4294967296
  }
  for (let i = 0; i < times; i++) {
    const a = random()
    const b = random()
    if (a * a + b * b < 1) hits++
  }
  Atomics.add(new Int32Array(shared), 0, hits)
}

/** Lines of JSON, an order each: by country, how many there are and what they come to. */
export function sumOrders(lines) {
  const countries = {}
  for (const line of lines.split('\n')) {
    const order = JSON.parse(line)
    countries[order.country] ??= { orders: 0, cents: 0 }
    const country = countries[order.country]
    country.orders++
    for (const { price, count } of order.items) country.cents += price * count
  }
  return countries
}
