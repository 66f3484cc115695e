/** Runs the Go original of an example, where there is Go. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Outcome, root } from './run.ts'

/** What it does; undefined where no Go is installed. */
export async function runOriginal(name: string): Promise<Outcome | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'goro-original-'))
  const program = join(folder, name)
  try {
    await promisify(execFile)('go', ['build', '-o', program, `./${name}`], { cwd: `${root}docs/examples/go` })
    return await run(program)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function run(program: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(program, (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }))
  })
}
