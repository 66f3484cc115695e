// Arguments and results of 16 bytes to 16 MiB: what does it cost to hand one over and to have it back? A scenario is a kind of value, its
// rows are sizes. Calls are started until so many bytes are under way, then awaited, and again.

import { goro, multithreading, piscina, poolifier, tinypool, workerpool } from './contenders.mjs'
import { expect } from './harness/measure.mjs'

const sizes = { '16B': 16, '1KiB': 2 ** 10, '64KiB': 2 ** 16, '1MiB': 2 ** 20, '16MiB': 2 ** 24 }
const inFlight = 2 ** 25 // bytes under way at once

export const payloadRows = (what) =>
  Object.fromEntries(Object.keys(sizes).map((row) => [row, { question: `What does a call cost with ${what(row)}?` }]))

/**
 * The contenders of a scenario. `kind`: `{ task, make, check, isMoved?, isShared?, most? }`. `task` is what is called, one of tasks.mjs; `make(size)`
 * is an argument for it, and `check(result, argument)` throws if the result is wrong. `isMoved` arguments are made anew for each
 * call, before the clock starts, and transferred. `most` is how many bytes are handed over in all; of what `isShared`, none are.
 */
export function contenders(kind, hasMultithreading = true) {
  const contender = (start) => ({ n: 20_000, run: async (n, rows) => measure(await start(kind.task), n, rows, kind) })
  return {
    goro: contender(goro),
    piscina: contender(piscina),
    tinypool: contender(tinypool),
    workerpool: contender(workerpool),
    poolifier: contender(poolifier),
    ...(hasMultithreading && { multithreading: contender(multithreading) }),
  }
}

/** By row, the microseconds of each of `n` calls, or of fewer where that would be too many bytes. */
async function measure(call, n, rows, kind) {
  const figures = {}
  for (const row of rows) {
    const size = sizes[row]
    const calls = kind.isShared ? n : Math.min(n, Math.max(2, Math.floor(kind.most / size)))
    await run(call, Math.ceil(calls / 2), size, kind)
    figures[row] = ((await run(call, calls, size, kind)) * 1000) / calls
  }
  return figures
}

async function run(call, n, size, { make, check, isMoved, isShared }) {
  const batch = isShared ? 512 : Math.min(512, Math.max(2, Math.floor(inFlight / size)))
  const same = make(size)
  let ms = 0
  for (let done = 0; done < n; done += batch) {
    const count = Math.min(batch, n - done)
    const values = Array.from({ length: count }, () => (isMoved ? make(size) : same))
    const results = new Array(count)
    const start = performance.now()
    for (let i = 0; i < count; i++) results[i] = isMoved ? call(values[i], [values[i]]) : call(values[i])
    for (let i = 0; i < count; i++) results[i] = await results[i]
    ms += performance.now() - start
    for (const result of results) check(result, same)
  }
  return ms
}

/** Records as a database gives them, of about `size` bytes as JSON. */
export function records(size) {
  if (size < 100) return { id: 1, ok: true }
  const record = (id) => ({
    id,
    name: `item ${id}`,
    price: id / 4,
    tags: ['new', 'sale'],
    stock: { berlin: id, rome: 0 },
  })
  return Array.from({ length: Math.floor(size / JSON.stringify(record(1000)).length) }, (_, id) => record(id))
}

/** Of two values that are JSON, the ends. */
export function expectSame(result, argument) {
  expect(result.length, argument.length)
  expect(JSON.stringify(Array.isArray(result) ? result.at(-1) : result), JSON.stringify(argument.at?.(-1) ?? argument))
}
