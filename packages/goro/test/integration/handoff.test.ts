import { describe, expect, test } from 'vitest'
import { run } from './run.ts'

describe('blocking', () => {
  test.each([
    ['1', 2],
    ['1', 12],
    ['2', 20],
    ['4', 12],
  ])('with GOMAXPROCS=%s %i goroutines block their threads at the same time, until they have met', async (procs, n) => {
    const { stdout, stderr } = await run('blocking.mjs', { args: [String(n)], env: { GOMAXPROCS: procs } })
    expect(stderr.replace(/^.*ExperimentalWarning.*$|^.*--trace-warnings.*$/gm, '').trim()).toBe('')
    expect(JSON.parse(stdout)).toEqual({
      results: n,
      thrown: 'RangeError: inside',
      refused: 'runtime.blocking: takes a function, not 7',
      nested: 'nested',
      main: 'here',
      after: 'waits',
      threads: true,
    })
  })

  test('more of them than there may be threads queue, and stats says why', async () => {
    const { stdout } = await run('blocking-queue.mjs')
    expect(JSON.parse(stdout)).toEqual({
      slept: 40,
      later: [1, 2, 3],
      message:
        'maxThreads (3) reached: processors wait for a thread that comes back from blocking code, or that nobody has locked',
      threads: 3,
    })
  })

  test.each(['1', '2'])(
    'threads that have nothing to do any more pass the processor on (GOMAXPROCS=%s)',
    async (procs) => {
      const { stdout } = await run('idle-after-blocking.mjs', { env: { GOMAXPROCS: procs } })
      expect(JSON.parse(stdout)).toEqual({ quiet: true, few: true })
    },
  )
})

test.each(['1', '2'])(
  'what a goroutine has left locked stays so when its thread ends, and others may unlock it (GOMAXPROCS=%s)',
  async (procs) => {
    const { stdout } = await run('locked-and-ended.mjs', { env: { GOMAXPROCS: procs } })
    expect(JSON.parse(stdout)).toEqual({ before: 0, after: [0, 1, 2] })
  },
)

// They wait for most of their time.
test.each(['1', '2'])('a thread that is locked has no processor after a callback (GOMAXPROCS=%s)', async (procs) => {
  const { stdout } = await run('locked-and-called.mjs', { env: { GOMAXPROCS: procs } })
  expect(stdout).toBe('ok\n')
})

test.concurrent('a thread that is one too many by now ends when it has had nothing to do for long enough', async () => {
  const { stdout } = await run('idle-one-too-many.mjs', { env: { GOMAXPROCS: '2' } })
  expect(JSON.parse(stdout)).toEqual({ again: 0, result: 2 })
})

test.concurrent('tickers that nobody stopped, and nobody has any more, keep no thread', {
  timeout: 70_000,
}, async () => {
  const env = { GOMAXPROCS: '8', GORODEBUG: 'deaths' }
  const { stdout, stderr } = await run('dropped-tickers.mjs', { env, timeout: 60_000 })
  expect(JSON.parse(stdout)).toEqual({ several: true, result: 2 })
  // Each has ended by itself, and not of what it did for that.
  const statuses = [...stderr.matchAll(/ died: \{"status":"(\w+)"/g)].map(([, status]) => status)
  expect(new Set(statuses)).toEqual(new Set(['retired']))
})

test('a thread that is to take the place of one that is just ending never starts', async () => {
  const { stdout } = await run('spent-at-the-limit.mjs')
  expect(JSON.parse(stdout)).toEqual([0, 1, 2, 3, 4])
})

describe('the monitor', () => {
  test.each(['1', '2', '4'])(
    'takes the processor of a goroutine that computes while others wait (GOMAXPROCS=%s)',
    async (procs) => {
      const { stdout } = await run('overtaken.mjs', { env: { GOMAXPROCS: procs } })
      const n = Number(procs)
      expect(JSON.parse(stdout)).toEqual([Array.from({ length: n }, (_, i) => i), 'its child ran', null])
    },
  )
})

describe('a goroutine that loops for ever', () => {
  const register = new URL('../../dist/register-preempt.js', import.meta.url).href

  test.each(['1', '2', '4', '8'])(
    'can be interrupted, if the compiler was asked for it: a channel, a timer and a socket on its thread go on (GOMAXPROCS=%s)',
    async (procs) => {
      const nodeArgs = ['--import', register]
      const { stdout, stderr, code } = await run('preempted.mjs', { nodeArgs, plain: true, env: { GOMAXPROCS: procs } })
      expect(stderr).toBe('')
      expect(stdout.split('\n')).toEqual(['read hello, received a job, timer fired', 'spinner ended: true', ''])
      expect(code).toBe(0)
    },
  )

  test('else keeps its thread', async () => {
    const { stdout, signal } = await run('preempted.mjs', { env: { GOMAXPROCS: '1' }, timeout: 3000 })
    expect(stdout).toBe('')
    expect(signal).toBe('SIGKILL')
  })
})

test.each(['1', '2', '4'])(
  'gosched lets others run, goexit ends a goroutine, lockOSThread keeps a thread (GOMAXPROCS=%s)',
  async (procs) => {
    const { stdout, code } = await run('osthread.mjs', { env: { GOMAXPROCS: procs } })
    expect(JSON.parse(stdout)).toEqual({
      // With one processor nobody else can have started it.
      seen: procs === '1' ? ['a', 'b'] : ['a', expect.any(String)],
      other: 1,
      io: true,
      timer: 'timer',
      exited: true,
      cleaned: true,
      exitedAtOnce: true,
      onMain: 'runtime.goexit: called on the main thread, which is no goroutine; use return, or process.exit()',
      others: false,
      stayed: true,
      afterwards: false,
      processors: Number(procs),
      main: true,
    })
    expect(code).toBe(0)
  },
)

test.each(['1', '2', '4'])(
  'what locks its thread begins on none that another one has locked (GOMAXPROCS=%s)',
  async (procs) => {
    const { stdout, stderr } = await run('osthread-many.mjs', { env: { GOMAXPROCS: procs }, timeout: 60_000 })
    expect({ stdout, stderr }).toEqual({ stdout: 'true\n', stderr: '' })
  },
  70_000,
)

test('a thread that would end stays as long as others wait for a context that it has made', async () => {
  const { stdout, stderr } = await run('osthread-context.mjs')
  expect({ stdout, stderr }).toEqual({ stdout: '{"late":"done","cause":"context canceled"}\n', stderr: '' })
})
