/** A folder outside of the repository with a copy of a fixture in it, as a user's project: `goro` and packages in node_modules. */
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const FIXTURES = fileURLToPath(new URL('../fixtures/', import.meta.url))
const GORO = fileURLToPath(new URL('../../../goro', import.meta.url))
/** tsx as the runner of the tests has it: a project need not. */
export const TSX = import.meta.resolve('tsx')

export interface Plot {
  readonly dir: string
  /** Makes a file. */
  write(path: string, text: string): void
  /** Makes `name` in node_modules lead to the package `goro`. */
  linkGoro(name: string): void
  /** Runs Node there. */
  node(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Outcome>
  remove(): void
}

export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export function plotOf(fixture?: string): Plot {
  // Stack traces show real paths.
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'goro-compiler-')))
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(dir, path)), { recursive: true })
    writeFileSync(join(dir, path), text)
  }
  write('package.json', '{ "type": "module" }\n')
  mkdirSync(join(dir, 'node_modules'))
  if (fixture !== undefined) {
    cpSync(join(FIXTURES, fixture), dir, { recursive: true })
    const packages = join(dir, 'packages')
    if (existsSync(packages)) cpSync(packages, join(dir, 'node_modules'), { recursive: true })
  }
  return {
    dir,
    write,
    linkGoro: (name) => symlinkSync(GORO, join(dir, 'node_modules', name), 'junction'),
    node: (args, env = {}) =>
      new Promise((resolve) => {
        const { NODE_OPTIONS: _, ...outer } = process.env
        const options = { cwd: dir, env: { ...outer, ...env }, maxBuffer: 2 ** 26, timeout: 120_000 }
        const child = execFile(process.execPath, args, options, (_error, stdout, stderr) =>
          resolve({ code: child.exitCode ?? -1, stdout, stderr }),
        )
      }),
    remove: () => rmSync(dir, { recursive: true }),
  }
}
