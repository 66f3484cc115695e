// From the start of the process to the first result that another thread computed. Nothing is warm, on purpose: this is
// what a command-line program pays. `plain` computes the same without a thread and shows Node's own share.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { median } from '../harness/measure.mjs'
import { goCommand } from '../peers/go/build.mjs'

export const question = 'How long from the start of the process to the first result from another thread?'
export const unit = 'ms'
export const marks = [{ than: 'worker', atMost: 1.15 }]
export const quick = 0.5 // of n, with --quick

const node = (name) => [process.execPath, fileURLToPath(new URL(`../peers/startup/${name}.mjs`, import.meta.url))]

export const contenders = {
  goro: { n: 10, run: (n) => untilFirstResult(node('goro'), n) },
  plain: { n: 10, run: (n) => untilFirstResult(node('plain'), n) },
  worker: { n: 10, run: (n) => untilFirstResult(node('worker'), n) },
  piscina: { n: 10, run: (n) => untilFirstResult(node('piscina'), n) },
  go: { n: 10, run: async (n) => untilFirstResult([...(await goCommand()), 'startup'], n) },
}

/** Median of `n` processes, each from its spawn to the line it prints; the first one fills the disk cache. */
async function untilFirstResult(command, n) {
  await startToResult(command)
  const times = []
  for (let i = 0; i < n; i++) times.push(await startToResult(command))
  return median(times)
}

async function startToResult([command, ...args]) {
  const start = performance.now()
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let printed = ''
  let end
  child.stdout.on('data', (text) => {
    end ??= performance.now()
    printed += text
  })
  const [code] = await once(child, 'close')
  if (code !== 0 || printed.trim() !== '42') throw new Error(`exit code ${code}, printed '${printed}'`)
  return end - start
}
