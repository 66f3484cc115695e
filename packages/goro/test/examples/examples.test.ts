/**
 * Every program of docs/examples runs, as a user runs it: a process of its own, ended by itself. Where one closes with a
 * comment `// Output:` (as Go's testable examples do), that is what it prints.
 */
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))
const EXAMPLES = join(ROOT, 'docs/examples')

/** What an example is started with, where that is not nothing. */
const ARGUMENTS: Record<string, string[]> = {
  // A dozen files in place of the thousands of node_modules.
  'survey.ts': ['packages/memory/dist'],
}

const examples = readdirSync(EXAMPLES).filter((name) => /\.[cm]?[jt]s$/.test(name))

test('there are examples', () => {
  expect(examples).toContain('survey.ts')
})

test.each(examples)('%s', async (name) => {
  const { code, stdout, stderr } = await run(name)
  expect(code, `${stdout}\n${stderr}`).toBe(0)
  expect(stdout).not.toBe('')
  const promised = expectedOutput(readFileSync(join(EXAMPLES, name), 'utf8'))
  if (promised !== undefined) expect(stdout.trimEnd()).toBe(promised)
})

function run(name: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const args = ['--import', 'tsx', join(EXAMPLES, name), ...(ARGUMENTS[name] ?? [])]
    const child = execFile(process.execPath, args, { cwd: ROOT }, (_, stdout, stderr) => {
      resolve({ code: child.exitCode, stdout, stderr })
    })
  })
}

/** What stands below a last `// Output:`. */
function expectedOutput(source: string): string | undefined {
  const [, comment] = /^\/\/ Output:\n((?:\/\/.*\n?)+)$/m.exec(source) ?? []
  return comment?.replace(/^\/\/ ?/gm, '').trimEnd()
}
