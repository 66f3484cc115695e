// pnpm bench:checks
//
// The promises about memory and idling, each a program of its own in checks/ that prints its figures and exits with 0
// if they are kept: `node --import goro/register benchmarks/checks/NAME.mjs` runs one alone.

import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describeMachine, machineLines } from './harness/machine.mjs'

console.log(machineLines(describeMachine(), [process.versions.node]).join('\n'))
const folder = new URL('checks/', import.meta.url)
for (const file of readdirSync(folder).sort()) {
  console.log(`\n${file}`)
  const { status } = spawnSync(process.execPath, ['--import', 'goro/register', fileURLToPath(new URL(file, folder))], {
    cwd: import.meta.dirname,
    stdio: 'inherit',
    timeout: 600_000,
  })
  console.log(status === 0 ? 'kept' : 'NOT KEPT')
  if (status !== 0) process.exitCode = 1
}
