/**
 * Uses the packages as a stranger would: installs the tarballs in DIR into an empty project, and runs a program there
 * that is checked with TypeScript first. `node .ci/try-tarballs.mjs DIR`, after `.ci/run` has packed them.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const PROGRAM = `
import { type Goroutine, go } from 'goro'

const fib = (n: number): number => (n < 2 ? n : fib(n - 1) + fib(n - 2))
const goroutines: Goroutine<number>[] = [10, 20].map((n) =>
  go((n: number): number => {
    const fib = (n: number): number => (n < 2 ? n : fib(n - 1) + fib(n - 2))
    return fib(n)
  }, n),
)
for (const [i, n] of [10, 20].entries()) {
  const found: number = await goroutines[i]!
  if (found !== fib(n)) throw new Error(\`fib(\${n}) is not \${found}\`)
}
`
/** As `goro run` takes it, and nothing else: an enum, closures over an import, a variable and a function. */
const CLOSURES = `
import { basename } from 'node:path'
import { go } from 'goro'

enum Size { Small = 1, Large }
const sizeOf = (n: number): Size => (n > 10 ? Size.Large : Size.Small)
const path = 'a/b'
const found = await Promise.all([5, 50].map((n) => go(() => \`\${basename(path)} \${sizeOf(n)}\`)))
if (found.join() !== 'b 1,b 2') throw new Error(found.join())
`
const CONFIG = {
  compilerOptions: { strict: true, target: 'es2023', module: 'nodenext', types: ['node'] },
  files: ['program.ts'],
}

const dir = process.argv[2]
const project = join(dir, 'project')
const tarballs = readdirSync(dir).filter((name) => name.endsWith('.tgz'))
const tsc = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url))

mkdirSync(project)
writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'stranger', private: true, type: 'module' }))
writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(CONFIG))
writeFileSync(join(project, 'program.ts'), PROGRAM)
writeFileSync(join(project, 'closures.ts'), CLOSURES)
const npmOptions = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']
run('npm', ['install', ...npmOptions, '@types/node@20', ...tarballs.map((name) => join(dir, name))])
run(process.execPath, [tsc])
run(process.execPath, ['program.js'])
run('npx', ['goro', 'run', 'closures.ts'])

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: project, stdio: 'inherit' })
  if (status === 0) return
  console.error(`${[command, ...args].join(' ')}: ${error?.message ?? `exit ${status}`}`)
  process.exit(1)
}
