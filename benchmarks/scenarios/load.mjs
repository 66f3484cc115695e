// What the compiler adds to the start of a program: from typing `goro run` to the first line that the survey example prints,
// beside `tsx` on the same file. Both start a second Node with tsx in it; one compiles what is loaded, too. Both keep what came of a
// file, in the folder for temporary files; with an empty one (`first`) all of it is done.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { median } from '../harness/measure.mjs'

export const question = 'How long from `goro run` to the first line of a TypeScript program, beside `tsx`?'
export const unit = 'ms'
export const quick = 0.5 // of n, with --quick

const path = (name) => fileURLToPath(new URL(`../../${name}`, import.meta.url))
// A folder with next to nothing in it: what it prints first is that.
const program = [path('docs/examples/survey.ts'), path('packages/goro/bin')]

const goro = [path('node_modules/.bin/goro'), 'run', ...program]
const tsx = [path('node_modules/.bin/tsx'), ...program]

export const contenders = {
  goro: { n: 10, run: (n) => untilFirstLine(goro, n) },
  tsx: { n: 10, run: (n) => untilFirstLine(tsx, n) },
  'goro, first': { n: 6, run: (n) => untilFirstLine(goro, n, true) },
  'tsx, first': { n: 6, run: (n) => untilFirstLine(tsx, n, true) },
}

/** Median of `n` processes, each from its spawn to the first line it prints; one before them fills the disk cache. */
async function untilFirstLine(command, n, isFirst = false) {
  const scratch = mkdtempSync(join(tmpdir(), 'goro-load-'))
  const times = []
  for (let i = 0; i <= n; i++) {
    times.push(await startToLine(command, scratch))
    if (isFirst) rmSync(scratch, { recursive: true })
  }
  rmSync(scratch, { recursive: true, force: true })
  return median(times.slice(1))
}

async function startToLine([command, ...args], scratch) {
  mkdirSync(scratch, { recursive: true })
  const start = performance.now()
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, TMPDIR: scratch } })
  const closed = once(child, 'close')
  const first = await Promise.race([once(child.stdout, 'data'), closed])
  const time = performance.now() - start
  if (!String(first[0]).includes(': 1 file')) throw new Error(`${command} printed ${first[0]}`)
  // The rest is of no interest.
  child.kill()
  await closed
  return time
}
