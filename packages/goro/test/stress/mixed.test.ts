import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const runs = Number(process.env.GORO_STRESS_RUNS ?? 1)
/** Compiled: its goroutines are closures. */
const compiler = ['--import', new URL('../../dist/register.js', import.meta.url).href]
const program = fileURLToPath(new URL('programs/mixed.mjs', import.meta.url))

function run(procs: number, seed: number, rounds: number, kills: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const args = [program, String(seed), String(rounds), String(kills)]
    const child = spawn(process.execPath, [...compiler, ...args], {
      env: { ...process.env, GOMAXPROCS: String(procs), GORODEBUG: 'locks=1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    child.stdout.on('data', (text) => {
      output += text
    })
    child.stderr.on('data', (text) => {
      output += text
    })
    // A hang is a failure that says how to see it again.
    const killer = setTimeout(() => {
      output += 'hangs'
      child.kill('SIGKILL')
    }, 120_000)
    child.on('error', reject)
    child.on('close', () => {
      clearTimeout(killer)
      const again = `GOMAXPROCS=${procs} node --import goro/register ${program} ${seed} ${rounds} ${kills}`
      resolve(output.startsWith('ok ') ? 'ok' : `${output}\nagain: ${again}`)
    })
  })
}

describe.each([1, 2, 4, 8])('GOMAXPROCS=%i', (procs) => {
  test.each(Array.from({ length: runs }, (_, i) => i))('mixed load, run %i', async () => {
    const seed = (Math.random() * 2 ** 31) | 1
    expect(await run(procs, seed, 20, 0)).toBe('ok')
  })

  test.each(Array.from({ length: runs }, (_, i) => i))('mixed load with dying threads, run %i', async () => {
    const seed = (Math.random() * 2 ** 31) | 1
    expect(await run(procs, seed, 12, 4)).toBe('ok')
  })
})
