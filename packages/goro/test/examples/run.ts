/** Runs a program of docs/examples as a user does: `goro run`, from the root of the workspace, nothing built but `dist`. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../../../', import.meta.url))

export interface Outcome {
  code: number
  stdout: string
  stderr: string
}

export interface Options {
  args?: string[]
  env?: NodeJS.ProcessEnv
  cwd?: string
}

const example = (name: string) => `docs/examples/${name}.ts`

const GORO = `${root}node_modules/goro/bin/goro.js`

const command = (file: string, { args = [] }: Options) => [GORO, 'run', file, '--', ...args]

/** Runs an example to its end. */
export function runExample(name: string, options: Options = {}): Promise<Outcome> {
  return runFile(example(name), options)
}

/** Runs any program to its end, as a user does. */
export function runFile(file: string, options: Options = {}): Promise<Outcome> {
  return runNode(command(file, options), options)
}

/** A hang is a failure that shows what was printed, and leaves nothing behind. */
const TIMEOUT_MS = 100_000

/** Runs Node to its end. */
export function runNode(args: string[], { cwd = root, env }: Options = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      args,
      { cwd, env: { ...process.env, ...env }, timeout: TIMEOUT_MS },
      (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    )
  })
}

/** Runs one that does not end by itself as long as `use` takes, which gets the first line that it prints. */
export async function withExample(name: string, options: Options, use: (line: string) => Promise<void>) {
  const child = spawn(process.execPath, command(example(name), options), {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`${name} has ended with ${code}`)))
    const [text] = await Promise.race([once(child.stdout.setEncoding('utf8'), 'data'), ended])
    await Promise.race([use((text as string).trim()), ended])
  } finally {
    child.kill()
  }
}
