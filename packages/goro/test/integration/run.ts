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
  return launch(program, options, 'ignore').end
}

/** A program that runs: what it has printed so far, and what can be done to it. */
export interface Program {
  readonly output: { readonly stdout: string; readonly stderr: string }
  /** Its outcome, once it has ended. */
  readonly end: Promise<Outcome>
  /** Resolves when what it has printed, or its end, makes `condition` true; rejects at its end if that does not. */
  until(condition: (output: Program['output']) => boolean): Promise<void>
  write(text: string): void
  kill(signal: NodeJS.Signals): void
}

/** As `run`, and speaks to it meanwhile. */
export function start(program: string, options: RunOptions = {}): Program {
  return launch(program, options, 'pipe')
}

function launch(program: string, options: RunOptions, stdin: 'ignore' | 'pipe'): Program {
  const file = fileURLToPath(new URL(`programs/${program}`, import.meta.url))
  const { GOMAXPROCS: _outer, NODE_OPTIONS: _options, ...env } = process.env
  const begin = performance.now()
  const compiler = options.plain ? [] : ['--import', REGISTER]
  const child = spawn(process.execPath, [...compiler, ...(options.nodeArgs ?? []), file, ...(options.args ?? [])], {
    env: { ...env, ...options.env },
    stdio: [stdin, 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  let look = () => {}
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]!.setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
      look()
    })
  }
  let killer = setTimeout(() => {
    // What it hangs in: the monitor says that also while the main thread is blocked.
    child.kill('SIGUSR2')
    killer = setTimeout(() => child.kill('SIGKILL'), 2000)
  }, options.timeout ?? 20_000)
  const end = new Promise<Outcome>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(killer)
      resolve({ code, signal, ...output, time: performance.now() - begin })
    })
  })
  return {
    output,
    end,
    until: (condition) =>
      new Promise((resolve, reject) => {
        look = () => {
          if (condition(output)) resolve()
        }
        look()
        void end.then((outcome) => reject(new Error(`it ended before: ${JSON.stringify(outcome)}`)), reject)
      }),
    write: (text) => child.stdin!.write(text),
    kill: (signal) => child.kill(signal),
  }
}
