import { expect, test } from 'vitest'
import { run } from './run.ts'

const LINE =
  /^SCHED \d+ms: gomaxprocs=2 idleprocs=\d+ threads=\d+ spinningthreads=\d+ needspinning=0 idlethreads=\d+ runqueue=\d+ \[ \d+ \d+ \] schedticks=\[ \d+ \d+ \]$/

test("GORODEBUG=schedtrace prints Go's line, also while the main thread is blocked", async () => {
  const { stdout, stderr } = await run('watched.mjs', {
    args: ['600'],
    env: { GOMAXPROCS: '2', GORODEBUG: 'schedtrace=20' },
  })
  expect(stdout).toBe('1\n')
  const lines = stderr.trim().split('\n')
  expect(lines.length).toBeGreaterThan(3)
  for (const line of lines) expect(line).toMatch(LINE)
})

test('scheddetail adds a line for each P, M and G', async () => {
  const { stderr } = await run('watched.mjs', {
    args: ['600'],
    env: { GOMAXPROCS: '2', GORODEBUG: 'schedtrace=20,scheddetail=1' },
  })
  expect(stderr).toMatch(/^SCHED .* gcwaiting=false nmidlelocked=0 stopwait=0 sysmonwait=false$/m)
  expect(stderr).toMatch(/^ {2}P0: status=[01] schedtick=\d+ syscalltick=0 m=\d+ runqsize=\d+ gfreecnt=0 timerslen=0$/m)
  expect(stderr).toMatch(
    /^ {2}M1: p=(0|1|nil) curg=(\d+|nil) mallocing=0 .* spinning=(true|false) blocked=(true|false) lockedg=nil$/m,
  )
  expect(stderr).toMatch(/^ {2}G2: status=4\(chan receive\) m=nil lockedm=nil$/m)
})

test('GORODEBUG=schedtrace=often is a clear error', async () => {
  const { code, stderr } = await run('watched.mjs', { args: ['0'], env: { GORODEBUG: 'schedtrace=often' } })
  expect(code).toBe(1)
  expect(stderr).toContain(
    'RangeError: GORODEBUG: schedtrace=often: takes milliseconds between two lines, such as schedtrace=1000',
  )
})

test('SIGUSR2 prints what every goroutine does, and the program goes on', async () => {
  const { code, stdout, stderr } = await run('watched.mjs', { args: ['0', 'signal'] })
  expect(stderr).toMatch(
    /^goroutine 2 \[chan receive\]:\nthe receiver\n {4}at file:.*watched\.mjs:5:\d+\ncreated by file:.*watched\.mjs:8:\d+\n$/,
  )
  expect([code, stdout]).toEqual([0, '1\n'])
})
