/** GOMAXPROCS at run time, under load (programs/resize.mjs). `GORO_STRESS_RUNS` runs it longer. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const runs = Number(process.env.GORO_STRESS_RUNS ?? 1)
const compiler = ['--import', new URL('../../dist/register.js', import.meta.url).href]
const program = fileURLToPath(new URL('programs/resize.mjs', import.meta.url))

function run(seed: number, changes: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const args = [program, String(seed), String(changes)]
    const child = spawn(process.execPath, [...compiler, ...args], {
      env: { ...process.env, GORODEBUG: 'locks=1' },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 120_000,
      killSignal: 'SIGKILL',
    })
    let output = ''
    child.stdout.on('data', (text) => {
      output += text
    })
    child.stderr.on('data', (text) => {
      output += text
    })
    child.on('error', reject)
    child.on('close', (_code, signal) => {
      const again = `GORODEBUG=locks=1 node --import goro/register ${program} ${seed} ${changes}`
      resolve(output.startsWith('ok: ') ? 'ok' : `${output}\n${signal ?? ''}\nagain: ${again}`)
    })
  })
}

test.each(Array.from({ length: runs }, (_, i) => i))(
  'no goroutine is lost and none runs beyond GOMAXPROCS while that changes, run %i',
  async () => {
    expect(await run((Math.random() * 2 ** 31) | 1, 18)).toBe('ok')
  },
)
