/** `goro run`, as a user types it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Project, run } from '../../../compiler/test/integration/project.ts'

// Each starts a few processes, and a bundler or two takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))

let project: Project
beforeAll(() => {
  project = new Project('typescript')
})
afterAll(() => project.remove())

const goro = (...args: string[]) => project.node(['node_modules/goro/bin/goro.js', ...args])

test('node_modules/.bin has it after the set-up', async () => {
  const { stdout, code } = await run(join(ROOT, 'node_modules/.bin/goro'), ['--help'], { folder: ROOT })
  expect(stdout).toContain('run [options] <file> [args...]')
  expect(code).toBe(0)
})

test('its help says what there is', async () => {
  const { stdout, code } = await goro('run', '--help')
  expect(stdout).toContain('--procs <n>  how many processors run goroutines (GOMAXPROCS)')
  expect(stdout).toContain('--preempt    let goroutines be interrupted in the loops of async functions')
  expect(code).toBe(0)
})

describe('runs', () => {
  test('TypeScript with enums, parameter properties and path aliases, on as many processors as it is told', async () => {
    const { code, stdout, stderr } = await goro('run', 'src/main.ts', '--procs', '3', '--', '--deep', 'x y')
    expect(stderr).toBe('')
    expect(stdout.split('\n')).toEqual([
      'Low false',
      'High true',
      'late',
      `RangeError no 2 ${project.placeOf('new RangeError', 'src/main.ts')}`,
      '--deep x y 3',
      '',
    ])
    expect(code).toBe(0)
  })

  test('JavaScript, with the arguments as under node', async () => {
    project.write('argv.mjs', 'console.log(JSON.stringify(process.argv.slice(1)))\n')
    const { stdout } = await goro('run', 'argv.mjs', 'a', '--', '--procs', '-x')
    expect(JSON.parse(stdout)).toEqual([join(project.folder, 'argv.mjs'), 'a', '--procs', '-x'])
  })

  test('CommonJS, which is the main module', async () => {
    project.write('main.cjs', 'console.log(require.main === module, __filename)\n')
    expect((await goro('run', 'main.cjs')).stdout).toBe(`true ${join(project.folder, 'main.cjs')}\n`)
  })
})

test('with --preempt, a goroutine that loops lets the others on its thread go on', async () => {
  const project = new Project('preempt')
  const options = { env: { GOMAXPROCS: '1' } }
  const { code, stdout, stderr } = await project.node(
    ['node_modules/goro/bin/goro.js', 'run', '--preempt', 'src/main.ts'],
    options,
  )
  expect(stderr).toBe('')
  expect(stdout).toBe(`woken true\nno 2 ${project.placeOf('new Unwanted', 'src/main.ts')}\n`)
  expect(code).toBe(0)
  project.remove()
})

describe('ends as the program does', () => {
  test('its exit code', async () => {
    project.write('code.ts', 'process.exitCode = 37 as number\n')
    expect((await goro('run', 'code.ts')).code).toBe(37)
  })

  test('a signal that it dies of', async () => {
    project.write('dies.ts', "process.kill(process.pid, 'SIGTERM')\nsetInterval(() => {}, 1000)\n")
    expect((await goro('run', 'dies.ts')).signal).toBe('SIGTERM')
  })

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('a %s from outside, which it may handle', async (signal) => {
    project.write(
      'handles.ts',
      `for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => { console.log('got', signal); process.exit(5) })
}
console.log('ready')
setInterval(() => {}, 1000)
`,
    )
    const child = spawn(process.execPath, ['node_modules/goro/bin/goro.js', 'run', 'handles.ts'], {
      cwd: project.folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
      if (text.includes('ready')) child.kill(signal)
    })
    const [code] = await once(child, 'close')
    expect(output).toBe(`ready\ngot ${signal}\n`)
    expect(code).toBe(5)
  })
})

describe('says what is wrong', () => {
  test('a missing file', async () => {
    const { code, stderr } = await goro('run', 'nowhere.ts')
    expect(stderr).toBe(`goro run: there is no file nowhere.ts (from ${project.folder})\n`)
    expect(code).toBe(1)
  })

  test('a folder', async () => {
    const { code, stderr } = await goro('run', 'src')
    expect(stderr).toBe('goro run: src is no file\n')
    expect(code).toBe(1)
  })

  test('a syntax error', async () => {
    project.write('wrong.ts', "import { go } from 'goro'\nconst x = = 1\nawait go(() => x)\n")
    const { code, stderr } = await goro('run', 'wrong.ts')
    expect(stderr).toContain('wrong.ts:2:10')
    expect(code).toBe(1)
  })

  test('what the compiler refuses', async () => {
    project.write('refused.ts', "import { go } from 'goro'\nlet n: number = 0\nawait go(() => { n++ })\n")
    const { code, stderr } = await goro('run', 'refused.ts')
    expect(stderr).toContain('refused.ts:3:18: `n` is assigned to in a goroutine')
    expect(code).toBe(1)
  })

  const problems: [args: string[], message: string][] = [
    [['run', '--cores', '2', 'argv.mjs'], "error: unknown option '--cores'"],
    [
      ['run', '--procs', '0', 'argv.mjs'],
      "error: option '--procs <n>' argument '0' is invalid. It takes a whole number from 1 to 256.",
    ],
    [['run', '--procs', 'many', 'argv.mjs'], "error: option '--procs <n>' argument 'many' is invalid."],
    [['run'], "error: missing required argument 'file'"],
    [['walk'], "error: unknown command 'walk'"],
  ]
  test.each(problems)('%j', async (args, message) => {
    const { code, stderr } = await goro(...args)
    expect(stderr).toContain(message)
    expect(stderr).toContain('goro run --help')
    expect(code).toBe(2)
  })
})
