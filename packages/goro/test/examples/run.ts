/** Runs a program of docs/examples as a user does: tsx, from the root of the workspace, nothing built but `dist`. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../../../', import.meta.url))

export interface Outcome {
  code: number
  stdout: string
  stderr: string
}

export function runExample(name: string, args: string[] = [], nodeArgs: string[] = []): Promise<Outcome> {
  const command = [...nodeArgs, '--import', 'tsx', `docs/examples/${name}.ts`, ...args]
  return new Promise((resolve) => {
    const child = execFile(process.execPath, command, { cwd: root }, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    )
  })
}
