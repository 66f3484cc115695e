/** Runs a program of docs/examples as a user does: tsx, from the root of the workspace, nothing built but `dist`. */
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
  nodeArgs?: string[]
  env?: NodeJS.ProcessEnv
}

const command = (name: string, { args = [], nodeArgs = [] }: Options) => [
  ...nodeArgs,
  '--import',
  'tsx',
  `docs/examples/${name}.ts`,
  ...args,
]

/** Runs it to its end. */
export function runExample(name: string, options: Options = {}): Promise<Outcome> {
  const env = { ...process.env, ...options.env }
  return new Promise((resolve) => {
    const child = execFile(process.execPath, command(name, options), { cwd: root, env }, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    )
  })
}

/** Runs one that does not end by itself as long as `use` takes, which gets the first line that it prints. */
export async function withExample(name: string, options: Options, use: (line: string) => Promise<void>) {
  const child = spawn(process.execPath, command(name, options), { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`${name} has ended with ${code}`)))
    const [text] = await Promise.race([once(child.stdout.setEncoding('utf8'), 'data'), ended])
    await Promise.race([use((text as string).trim()), ended])
  } finally {
    child.kill()
  }
}
