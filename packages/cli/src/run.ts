/**
 * `goro run FILE`: Node with tsx and the loader (preload.ts). It is a process of its own, so that the program finds everything as
 * under `node FILE`: its arguments, standard streams, exit code and signals.
 */
import { spawn } from 'node:child_process'
import { statSync } from 'node:fs'
import { constants } from 'node:os'
import { resolve } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'

interface RunOptions {
  procs?: number
  preempt?: boolean
}

export const runCommand = new Command('run')
  .description('Run a TypeScript or JavaScript program on all cores.')
  .usage('FILE [options] [-- args]')
  .argument('<file>', 'the program')
  .argument('[args...]', 'its arguments; those that begin with a dash stand after --')
  .option('--procs <n>', 'how many processors run goroutines (GOMAXPROCS)', count)
  .option('--preempt', 'let goroutines be interrupted in the loops of async functions')
  .action((file: string, args: string[], options: RunOptions) => run(file, args, options))

const MAX_PROCS = 256

function count(text: string): number {
  const n = Number(text)
  if (/^\d+$/.test(text) && n >= 1 && n <= MAX_PROCS) return n
  throw new InvalidArgumentError(`It takes a whole number from 1 to ${MAX_PROCS}.`)
}

/** What ends a process that does not listen for it; the first three may come from a terminal. */
const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR2'] as const

async function run(file: string, args: readonly string[], { procs, preempt }: RunOptions): Promise<void> {
  const problem = problemOf(file)
  if (problem !== undefined) {
    console.error(`goro run: ${problem}`)
    process.exitCode = 1
    return
  }
  const preload = new URL(`./preload.js${preempt === true ? '?preempt' : ''}`, import.meta.url).href
  const child = spawn(process.execPath, [...process.execArgv, '--import', preload, resolve(file), ...args], {
    stdio: 'inherit',
    env: procs === undefined ? process.env : { ...process.env, GOMAXPROCS: String(procs) },
  })
  const hasTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
  for (const signal of SIGNALS) {
    // A terminal sends its signals to both processes; then ours only has to outlive the program.
    const isForBoth = hasTerminal && SIGNALS.indexOf(signal) < 3
    process.on(signal, () => {
      if (!isForBoth) child.kill(signal)
    })
  }
  const { code, signal } = await new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((done, fail) => {
    child.once('error', fail)
    child.once('exit', (code, signal) => done({ code, signal }))
  })
  if (signal === null) process.exit(code)
  // Ends as the program did.
  for (const each of SIGNALS) process.removeAllListeners(each)
  process.kill(process.pid, signal)
  // A signal that is ignored here, or that Node can't die of at once: a shell's number for it.
  setImmediate(() => process.exit(128 + constants.signals[signal]))
}

/** Why `file` can't be run. */
function problemOf(file: string): string | undefined {
  const stats = statSync(file, { throwIfNoEntry: false })
  if (stats === undefined) return `there is no file ${file} (from ${process.cwd()})`
  return stats.isFile() ? undefined : `${file} is no file`
}
