import { describe, expect, test } from 'vitest'
import { type Program, run, start } from './run.ts'

const LINE =
  /^SCHED \d+ms: gomaxprocs=2 idleprocs=\d+ threads=\d+ spinningthreads=\d+ needspinning=0 idlethreads=\d+ runqueue=\d+ \[ \d+ \d+ \] schedticks=\[ \d+ \d+ \]$/

/** What the monitor prints in a program whose main thread is blocked, as far as `isEnough`, and the rest. */
async function traceOf(debug: string, isEnough: (stderr: string) => boolean): Promise<string> {
  const program = start('watched-blocked.mjs', { args: ['asleep'], env: { GOMAXPROCS: '2', GORODEBUG: debug } })
  await program.until(({ stdout, stderr }) => stdout === 'blocks\n' && isEnough(stderr))
  program.write('..')
  const { stdout, stderr } = await program.end
  expect(stdout).toBe('blocks\nturns\n1\n')
  return stderr
}

test("GORODEBUG=schedtrace prints Go's line, also while the main thread is blocked", async () => {
  const stderr = await traceOf('schedtrace=20', (text) => text.split('\n').length > 4)
  for (const line of stderr.trim().split('\n')) expect(line).toMatch(LINE)
})

test('scheddetail adds a line for each P, M and G', async () => {
  // Of one trace or of several: what it shows of goroutines is of a moment later than what it shows of processors.
  const lines = [
    /^SCHED .* gcwaiting=false nmidlelocked=0 stopwait=0 sysmonwait=false$/m,
    /^ {2}P0: status=[01] schedtick=\d+ syscalltick=0 m=\d+ runqsize=\d+ gfreecnt=0 timerslen=0$/m,
    /^ {2}M1: p=(0|1|nil) curg=(\d+|nil) mallocing=0 .* spinning=(true|false) blocked=(true|false) lockedg=nil$/m,
    /^ {2}G2: status=4\(chan receive\) m=nil lockedm=nil$/m,
  ]
  const stderr = await traceOf('schedtrace=20,scheddetail=1', (text) => lines.every((line) => line.test(text)))
  for (const line of lines) expect(stderr).toMatch(line)
})

test('GORODEBUG=schedtrace=often is a clear error', async () => {
  const { code, stderr } = await run('procs.mjs', { env: { GORODEBUG: 'schedtrace=often' } })
  expect(code).toBe(1)
  expect(stderr).toContain(
    'RangeError: GORODEBUG: schedtrace=often: takes milliseconds between two lines, such as schedtrace=1000',
  )
})

/** What SIGUSR2 prints of `file`, in which the receiver waits. */
const dumpOf = (file: string) =>
  new RegExp(
    `^goroutine 2 \\[chan receive\\]:\\nthe receiver\\n {4}at file:.*${file}:\\d+:\\d+\\ncreated by file:.*${file}:\\d+:\\d+$`,
    'gm',
  )

const dumps = (file: string, { stderr }: { stderr: string }) => stderr.match(dumpOf(file))?.length ?? 0

/** Sends SIGUSR2 and waits for the dump: one only, whoever prints it. */
async function askForDump(program: Program, file: string): Promise<void> {
  const before = dumps(file, program.output)
  program.kill('SIGUSR2')
  await program.until((output) => dumps(file, output) > before)
}

test('goroutines() and dump() say what every goroutine waits for, how long, and where it comes from', async () => {
  const { stdout, stderr } = await run('watched-itself.mjs')
  expect(JSON.parse(stdout)).toEqual({ grew: true, total: 1, waiting: 1, left: [] })
  expect(dumps('watched-itself.mjs', { stderr })).toBe(1)
})

describe('SIGUSR2', () => {
  const file = 'watched-blocked.mjs'

  test.each(['asleep', 'computing'])(
    'prints one dump while the main thread is blocked (%s), and one after',
    async (how) => {
      const program = start(file, { args: [how], env: { GOMAXPROCS: '2', GORODEBUG: 'schedtrace=50' } })
      // From then on the monitor hears: it is the monitor that prints this.
      await program.until(({ stdout, stderr }) => stdout === 'blocks\n' && stderr.includes('SCHED'))
      await askForDump(program, file)
      const whileBlocked = dumps(file, program.output)
      program.write('.')
      await program.until(({ stdout }) => stdout === 'blocks\nturns\n')
      await askForDump(program, file)
      program.write('.')
      const { code, stdout, stderr } = await program.end
      expect([code, stdout, whileBlocked, dumps(file, { stderr })]).toEqual([0, 'blocks\nturns\n1\n', 1, 2])
    },
  )

  test('prints while the main thread is blocked and nothing runs: the monitor is asleep then', async () => {
    const program = start(file, { args: ['asleep'], env: { GOMAXPROCS: '2' } })
    await program.until(({ stdout }) => stdout === 'blocks\n')
    // The monitor's thread may not be there yet: what it does not hear comes when the main thread goes on.
    const asking = setInterval(() => program.kill('SIGUSR2'), 200)
    await program.until((output) => dumps(file, output) > 1)
    clearInterval(asking)
    program.write('..')
    expect(await program.end).toMatchObject({ code: 0, stdout: 'blocks\nturns\n1\n' })
  })

  test('leaves handlers of the program what they are', async () => {
    const program = start('watched-alone.mjs')
    await program.until(({ stdout }) => stdout === 'ready\n')
    await askForDump(program, 'watched-alone.mjs')
    await program.until(({ stdout }) => stdout === 'ready\nits own\n')
    program.write('.')
    const { code, stdout, stderr } = await program.end
    expect([code, stdout, dumps('watched-alone.mjs', { stderr })]).toEqual([0, 'ready\nits own\n1\n', 1])
  })

  test('is answered by the main thread if the monitor has died', async () => {
    const program = start('watched-alone.mjs', { args: ['dies'] })
    await program.until(({ stdout }) => stdout.endsWith('ready\n'))
    await askForDump(program, 'watched-alone.mjs')
    program.write('.')
    const { code, stdout, stderr } = await program.end
    expect(stdout).toMatch(/^goro: the monitor thread died: .*\nready\nits own\n1\n$/)
    expect([code, dumps('watched-alone.mjs', { stderr })]).toEqual([0, 1])
  })
})
