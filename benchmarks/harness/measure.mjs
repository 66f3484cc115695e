// The loops that time a contender. All of them check the results: a fast wrong answer is no figure.

/** Starts `n` calls, then awaits them all. Milliseconds for the whole. */
export async function fanOut(call, n, argument = (i) => i) {
  const pending = new Array(n)
  const start = performance.now()
  for (let i = 0; i < n; i++) pending[i] = call(argument(i))
  let sum = 0
  for (let i = 0; i < n; i++) sum += await pending[i]
  return { ms: performance.now() - start, sum }
}

/** Awaits each of `n` calls before it starts the next. Milliseconds for the whole. */
export async function oneByOne(call, n) {
  const start = performance.now()
  let sum = 0
  for (let i = 0; i < n; i++) sum += await call(i)
  return { ms: performance.now() - start, sum }
}

const WARM_UP_MS = 1500

/** Does `work` for as long as V8 may take to optimise it in every thread, each of which does so for itself and has only a part of the work. */
export async function warmUp(work) {
  const end = performance.now() + WARM_UP_MS
  do await work()
  while (performance.now() < end)
}

export function expect(actual, expected) {
  if (actual !== expected) throw new Error(`the contender computed ${actual} where ${expected} is right`)
}

export function median(list) {
  const sorted = list.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
