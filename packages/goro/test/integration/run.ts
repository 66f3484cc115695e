/** Runs a program of `programs/` as a user would: a process of its own, with this Node and `--import goro/register`. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface Outcome {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  /** From start to end, in milliseconds. */
  readonly time: number
}

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv
  readonly nodeArgs?: readonly string[]
  readonly args?: readonly string[]
  /** Without the compiler: the program says why. */
  readonly plain?: boolean
  /** After this many milliseconds the process is killed: a hang is a failure that shows what was printed. */
  readonly timeout?: number
}

/** `goro/register`, wherever the process is started. */
const REGISTER = new URL('../../dist/register.js', import.meta.url).href

export function run(program: string, options: RunOptions = {}): Promise<Outcome> {
  const file = fileURLToPath(new URL(`programs/${program}`, import.meta.url))
  const { GOMAXPROCS: _outer, NODE_OPTIONS: _options, ...env } = process.env
  return new Promise((resolve, reject) => {
    const start = performance.now()
    const compiler = options.plain ? [] : ['--import', REGISTER]
    const child = spawn(process.execPath, [...compiler, ...(options.nodeArgs ?? []), file, ...(options.args ?? [])], {
      env: { ...env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    const killer = setTimeout(() => child.kill('SIGKILL'), options.timeout ?? 20_000)
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(killer)
      resolve({ code, signal, stdout, stderr, time: performance.now() - start })
    })
  })
}
