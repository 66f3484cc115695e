// One contender under V8's profiler: `node --cpu-prof … profiled.mjs FILE CONTENDER N [ROW…]`, for profile.mjs. Runs it twice, since
// the first time is also that of starting threads, loading modules and compiling, and prints as one line of JSON, last,
// when the second began and ended, in µs of the clock that profiles use.

import { writeSync } from 'node:fs'
import { load } from './scenarios.mjs'

const [file, contender, n, ...rows] = process.argv.slice(2)
const { contenders } = await load(file)
const { run } = contenders[contender]

await run(Number(n), rows)
const from = now()
await run(Number(n), rows)
writeSync(1, `${JSON.stringify({ from, to: now() })}\n`)
process.exit(0) // each thread writes its profile as it ends

function now() {
  return Number(process.hrtime.bigint() / 1000n)
}
