/**
 * The house as a whole: it is formatted and linted, its tests and examples have the right types, and its set-up notices
 * what is missing. Each check is shown to fail on something that is wrong.
 */
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { ROOT } from './root.ts'

const BIOME = join(ROOT, 'node_modules/@biomejs/biome/bin/biome')
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc')

const plot = mkdtempSync(join(tmpdir(), 'goro-house-'))
afterAll(() => rmSync(plot, { recursive: true }))

/** Runs a Node program to its end; never rejects. */
function node(args: string[], cwd = ROOT): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, { cwd }, (_, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, output: stdout + stderr })
    })
  })
}

test('formatted and linted (`npm run format` mends most of it)', async () => {
  const { code, output } = await node([BIOME, 'check', '--error-on-warnings', '--max-diagnostics=50'])
  expect(code, output).toBe(0)
})

test('the formatter and the linter find offenders', async () => {
  const check = [BIOME, 'check', `--config-path=${join(ROOT, 'biome.jsonc')}`, '--vcs-enabled=false']
  const offenders = { 'semicolons.ts': 'export const x = 1;\n', 'any.ts': 'export const x: any = 1\n' }
  for (const [name, text] of Object.entries(offenders)) {
    writeFileSync(join(plot, name), text)
    expect((await node([...check, name], plot)).code, name).toBe(1)
  }
  writeFileSync(join(plot, 'fine.ts'), 'export const x = 1\n')
  const { code, output } = await node([...check, 'fine.ts'], plot)
  expect(code, output).toBe(0)
})

test('tests and examples type-check (`npm run typecheck`)', async () => {
  const { code, output } = await node([TSC, '-p', 'tsconfig.tests.json'])
  expect(code, output).toBe(0)
})

test('the type check finds an offender', async () => {
  const config = { extends: join(ROOT, 'tsconfig.tests.json'), compilerOptions: { types: [] }, include: ['*.ts'] }
  const offender = join(plot, 'types')
  mkdirSync(offender)
  writeFileSync(join(offender, 'tsconfig.json'), JSON.stringify(config))
  writeFileSync(join(offender, 'wrong.ts'), "export const n: number = 'text'\n")
  expect((await node([TSC, '-p', offender])).output).toContain('wrong.ts')
})

test('the set-up says what is missing', async () => {
  const clone = join(plot, 'clone')
  for (const path of ['.ci/setup.mjs', 'package.json', 'pnpm-lock.yaml']) cpSync(join(ROOT, path), join(clone, path))
  mkdirSync(join(clone, 'packages'))
  expect(await node(['.ci/setup.mjs', '--check'], clone)).toEqual({
    code: 1,
    output: 'The dependencies are not installed, or not those of pnpm-lock.yaml: run `npm run setup`.\n',
  })
})

test('the set-up refuses a Node that is too old', async () => {
  const clone = join(plot, 'old')
  cpSync(join(ROOT, '.ci/setup.mjs'), join(clone, '.ci/setup.mjs'))
  writeFileSync(join(clone, 'package.json'), JSON.stringify({ engines: { node: '>=99.1' } }))
  expect(await node(['.ci/setup.mjs'], clone)).toEqual({
    code: 1,
    output: `goro needs Node 99.1 or later, and this is Node ${process.versions.node}.\n`,
  })
})
