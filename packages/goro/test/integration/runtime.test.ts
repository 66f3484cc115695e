import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chan, go, runtime } from 'goro'
import { describe, expect, test } from 'vitest'
import { run } from './run.ts'

describe('runtime', () => {
  test('numGoroutine counts what has not finished', async () => {
    expect(runtime.numGoroutine()).toBe(0)
    const gate = chan()
    const gs = Array.from({ length: 10 }, () => go(async () => void (await gate.recv())))
    expect(runtime.numGoroutine()).toBe(10)
    gate.close()
    await Promise.all(gs)
    expect(runtime.numGoroutine()).toBe(0)
  })

  test('numThread is the number of threads for goroutines', async () => {
    await go(() => {})
    // One more for each step that the machine holds up for so long that it is overtaken.
    expect(runtime.numThread()).toBe(runtime.stats().threads.length)
    expect(runtime.numThread()).toBeGreaterThanOrEqual(runtime.gomaxprocs())
  })

  test('stats shows processors, threads, goroutines and memory', async () => {
    await Promise.all(Array.from({ length: 100 }, () => go(() => {})))
    const stats = runtime.stats()
    expect(stats.gomaxprocs).toBe(runtime.gomaxprocs())
    expect(stats.processors).toHaveLength(stats.gomaxprocs)
    for (const p of stats.processors) {
      expect(p).toEqual({
        id: expect.any(Number),
        status: expect.stringMatching(/^(idle|busy)$/),
        thread: expect.any(Number),
        queue: expect.any(Number),
        ticks: expect.any(Number),
        steals: expect.any(Number),
      })
    }
    expect(stats.threads.reduce((sum, t) => sum + t.ticks, 0)).toBeGreaterThanOrEqual(100)
    expect(stats.threads.every(({ threadId, state }) => threadId > 0 || state === 'starting')).toBe(true)
    expect(stats.memory.used).toBeGreaterThan(0)
    expect(stats.memory.used).toBeLessThan(stats.memory.reserved)
  })

  test('configure after the start is refused', async () => {
    await go(() => {})
    expect(() => runtime.configure({ maxProcs: 1 })).toThrow(/has started/)
  })

  test('gomaxprocs grows and shrinks while goroutines run, and none is lost', async () => {
    const before = runtime.gomaxprocs()
    const spin = (n: number) => {
      let x = n
      for (let i = 0; i < 2000; i++) x = (x * 1103515245 + 12345) | 0
      return n
    }
    let sum = 0
    let expected = 0
    for (const procs of [4, 1, 3, 2, 8, 1, before]) {
      const gs = Array.from({ length: 500 }, (_, i) => go(spin, i))
      expect(runtime.gomaxprocs(procs)).toBeGreaterThan(0)
      expect(runtime.gomaxprocs()).toBe(procs)
      for (const g of gs) sum += await g
      expected += (499 * 500) / 2
    }
    expect(sum).toBe(expected)
    expect(runtime.numGoroutine()).toBe(0)
  })

  test('what a goroutine of a retired processor had started goes on', async () => {
    const before = runtime.gomaxprocs(4)
    const slow = async (ms: number) => {
      await new Promise((resolve) => setTimeout(resolve, ms))
      return go((x: number) => x + 1, ms)
    }
    const gs = Array.from({ length: 40 }, (_, i) => go(slow, 20 + i))
    await new Promise((resolve) => setTimeout(resolve, 10))
    runtime.gomaxprocs(1)
    expect(await Promise.all(gs)).toEqual(Array.from({ length: 40 }, (_, i) => 21 + i))
    runtime.gomaxprocs(before)
  })

  test('gomaxprocs can be set by a goroutine', async () => {
    const before = runtime.gomaxprocs()
    expect(await go(() => runtime.gomaxprocs(3))).toBe(before)
    expect(runtime.gomaxprocs()).toBe(3)
    await Promise.all(Array.from({ length: 100 }, () => go(() => {})))
    runtime.gomaxprocs(before)
  })

  test.each([0, -1, 1.5, Number.NaN, 257, '2'])('gomaxprocs(%j) is refused', (n) => {
    expect(() => runtime.gomaxprocs(n as number)).toThrow(RangeError)
  })
})

describe('settings', () => {
  test('GOMAXPROCS in the environment sets the processors', async () => {
    const { stdout, code } = await run('procs.mjs', { env: { GOMAXPROCS: '3' } })
    expect({ stdout, code }).toEqual({ stdout: '3 3\n', code: 0 })
  })

  test.each(['0', '-2', 'many', '1.5', '1000'])('GOMAXPROCS=%s is a clear error', async (value) => {
    const { stderr, code } = await run('procs.mjs', { env: { GOMAXPROCS: value } })
    expect(code).toBe(1)
    expect(stderr).toContain('RangeError')
    expect(stderr).toContain('GOMAXPROCS')
    expect(stderr).toContain(value)
  })

  test.each([
    ['unset', [3, 6, 2, 4, 4]],
    ['3', [3, 3]],
  ])(
    'the CPU quota is followed while goroutines run, if nobody has said how many processors (GOMAXPROCS %s)',
    async (set, seen) => {
      const folder = mkdtempSync(join(tmpdir(), 'goro-quota-'))
      const root = join(folder, 'root')
      cpSync(new URL('../../../runtime/test/fixtures/cgroup/v2', import.meta.url), root, { recursive: true })
      const env = { GORODEBUG: `sysroot=${root}`, ...(set === 'unset' ? {} : { GOMAXPROCS: set }) }
      const { stdout, stderr } = await run('quota.mjs', { args: [join(root, 'sys/fs/cgroup/app/cpu.max')], env })
      rmSync(folder, { recursive: true })
      expect(stderr).toBe('')
      expect(JSON.parse(stdout)).toEqual({ seen, lost: 0, live: 0 })
    },
  )

  test('configure reaches the threads: execArgv, env, resourceLimits, processors, memory', async () => {
    const { stdout, stderr, code } = await run('configure.mjs')
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual({
      procs: 3,
      env: 'yes',
      execArgv: ['--no-deprecation'],
      oldSpace: 111,
      reserved: true,
    })
    expect(code).toBe(0)
  })

  test('an option that Node refuses for its threads is its error at the first go, and can be corrected', async () => {
    const { stdout } = await run('configure-refused.mjs')
    expect(JSON.parse(stdout)).toEqual({ code: 'ERR_WORKER_INVALID_EXEC_ARGV', then: 42 })
  })

  test.each([
    ['{ maxProcs: 0 }', 'maxProcs'],
    ['{ maxProcs: "2" }', 'maxProcs'],
    ['{ memory: 1 }', 'memory'],
    ['{ maxThreads: 1e9 }', 'maxThreads'],
    ['{ execArgv: "x" }', 'execArgv'],
    ['{ env: 3 }', 'env'],
    ['{ procs: 3 }', 'no option procs'],
    ['null', 'object of options'],
  ])('configure(%s) is a clear error', (text, message) => {
    // In a process of its own it would be refused for the same reason, before it looks whether the runtime has started.
    return run('configure-bad.mjs', { args: [text], plain: true }).then(({ stdout }) =>
      expect(stdout).toContain(message),
    )
  })
})

describe('where goroutines run', () => {
  test('a thread that computes in a callback is not counted on, though it slept when that came', async () => {
    const { stdout } = await run('idle-computes.mjs', { env: { GOMAXPROCS: '2' } })
    expect(stdout).toBe('0\n')
  })

  test('a thread that looked for work is not counted on while it computes', async () => {
    const { stdout } = await run('spinner-computes.mjs', { env: { GOMAXPROCS: '2' } })
    expect(stdout).toBe('ok\n')
  })

  test('there are never more processors than threads', async () => {
    expect((await run('more-procs.mjs')).stdout).toBe('6 2 2\n')
  })

  test.each([
    ['freed', '1'],
    ['freed', '4'],
    ['sent', '1'],
    ['sent', '4'],
  ])('shared memory that is not used any more is given back (%s, GOMAXPROCS=%s)', async (how, procs) => {
    const options = { nodeArgs: ['--expose-gc'], env: { GOMAXPROCS: procs } }
    expect((await run(`shared-memory-${how}.mjs`, options)).stdout).toBe('ok\n')
  })
})
