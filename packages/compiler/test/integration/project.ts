/** A project as a user has it, made of the programs in fixtures/apps: a folder of its own, with what is installed there. */
import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const APPS = fileURLToPath(new URL('../fixtures/apps/', import.meta.url))
const COMPILER = fileURLToPath(new URL('../../', import.meta.url))
const ROOT = join(COMPILER, '../..')

/** The packages that come from ours, by where they are linked. */
const INSTALLED: Readonly<Record<string, readonly string[]>> = {
  [ROOT]: ['goro', 'tsx', 'vitest'],
  [COMPILER]: [
    '@rollup/plugin-commonjs',
    '@rollup/plugin-node-resolve',
    '@rspack/core',
    'esbuild',
    'esbuild-loader',
    'rolldown',
    'rollup',
    'vite',
    'webpack',
  ],
}

export interface Outcome {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export class Project {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'goro-app-')))

  /** Puts `app` of the fixtures into the folder, and the packages into its `node_modules`. */
  constructor(app: string, manifest: object = { type: 'module' }) {
    cpSync(join(APPS, app), this.folder, { recursive: true })
    this.write('package.json', JSON.stringify(manifest))
    cpSync(join(APPS, 'packages'), join(this.folder, 'node_modules'), { recursive: true })
    for (const [from, names] of Object.entries(INSTALLED)) {
      for (const name of names) {
        const link = join(this.folder, 'node_modules', name)
        mkdirSync(dirname(link), { recursive: true })
        symlinkSync(realpathSync(join(from, 'node_modules', name)), link)
      }
    }
  }

  write(name: string, text: string): void {
    mkdirSync(dirname(join(this.folder, name)), { recursive: true })
    writeFileSync(join(this.folder, name), text)
  }

  add(fixture: string, name: string): void {
    cpSync(join(APPS, fixture), join(this.folder, name), { recursive: true })
  }

  read(name: string): string {
    return readFileSync(join(this.folder, name), 'utf8')
  }

  /** `FILE:LINE:COLUMN` of `text` in a file. */
  placeOf(text: string, name: string): string {
    const before = this.read(name).split(text, 1)[0]?.split('\n') as string[]
    return `${name.split('/').pop()}:${before.length}:${(before.at(-1)?.length ?? 0) + 1}`
  }

  node(args: readonly string[], options: { folder?: string; env?: NodeJS.ProcessEnv } = {}): Promise<Outcome> {
    return run(process.execPath, args, { folder: this.folder, ...options })
  }

  /** A copy of its `dist` where there is nothing else. */
  deploy(): string {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'goro-deployed-')))
    cpSync(join(this.folder, 'dist'), folder, { recursive: true })
    this.#deployed.push(folder)
    return folder
  }

  readonly #deployed: string[] = []

  remove(): void {
    for (const folder of [this.folder, ...this.#deployed]) rmSync(folder, { recursive: true })
  }
}

export function run(
  command: string,
  args: readonly string[],
  { folder, env }: { folder: string; env?: NodeJS.ProcessEnv },
): Promise<Outcome> {
  const { NODE_OPTIONS: _, GOMAXPROCS: __, VITEST: ___, NODE_ENV: ____, ...outer } = process.env
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: folder, env: { ...outer, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}
