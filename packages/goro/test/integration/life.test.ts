import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { run } from './run.ts'

describe('process life', () => {
  test('a program that has awaited its goroutines ends at once by itself', async () => {
    const outcome = await run('await.mjs', { plain: true })
    expect(outcome).toMatchObject({ code: 0, stdout: '42\n', stderr: '' })
  })

  test('an importing program that never uses it ends at once', async () => {
    expect(await run('import-only.mjs', { plain: true })).toMatchObject({ code: 0, stdout: '', stderr: '' })
  })

  test('the exit code is the one the program sets', async () => {
    expect(await run('exit-code.mjs')).toMatchObject({ code: 7, stdout: 'done\n' })
  })

  test('a goroutine that still runs keeps the process alive, awaited or not', async () => {
    expect(await run('not-awaited.mjs')).toMatchObject({ code: 0, stdout: 'main ends\ngoroutine ends\n' })
  })

  test('so does one that a goroutine has started', async () => {
    expect(await run('grandchild.mjs')).toMatchObject({ code: 0, stdout: 'main ends\ngrandchild ends\n' })
  })

  test('what goroutines print comes out whole, even just before the end', async () => {
    const { stdout, code } = await run('prints.mjs')
    expect(code).toBe(0)
    const lines = stdout.trimEnd().split('\n')
    expect(lines.sort()).toEqual(Array.from({ length: 200 }, (_, i) => `line ${String(i).padStart(3, '0')}`))
  })

  test.each([
    ['at once', ['50'], 50],
    ['slowly', ['slowly', '400'], 400],
  ])(
    'what a goroutine prints before it ends, sends or shares something stands before what others print then, also if it is read %s',
    async (_how, args, rounds) => {
      const { stdout, code } = await run('prints-in-order.mjs', { args })
      expect(code).toBe(0)
      const lines = stdout.trimEnd().split('\n')
      const isMain = (line: string) => line.startsWith('main ')
      const numbers = Array.from({ length: rounds }, (_, i) => i)
      expect(lines.filter((line) => !isMain(line))).toEqual(
        numbers.flatMap((i) => ['ends', 'sends', 'shares'].map((what) => `${what} ${i}`)),
      )
      expect(lines.filter(isMain)).toEqual(numbers.flatMap((i) => Array(3).fill(`main ${i}`)))
      // What the main thread prints may be late itself: if there is no room for it Node goes on, and writes it when there is.
      const places = (of: boolean) => lines.flatMap((line, i) => (isMain(line) === of ? [i] : []))
      const mains = places(true)
      expect(places(false).every((place, i) => place < mains[i]!)).toBe(true)
    },
  )

  test('it comes out whole, also if the reader is slow', async () => {
    const { stdout, code } = await run('prints-much.mjs', { args: ['slowly'] })
    expect(code).toBe(0)
    expect(stdout).toBe('4194304 4194304\n')
  })

  test('the main thread may compute for a second: goroutines go on, those they start too', async () => {
    const { stdout, code } = await run('busy-main.mjs')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual({ ranMeanwhile: 20, results: 20 })
  })

  test('the main thread may block right after the first go', async () => {
    expect(await run('blocked-main.mjs')).toMatchObject({ code: 0, stdout: 'woken by a goroutine\n' })
  })

  test('a handle that goroutines left open keeps running while there is nothing to do', async () => {
    expect(await run('left-behind.mjs')).toMatchObject({ code: 0, stdout: 'ticked\n' })
  })

  test('even one that does not hold a process open', async () => {
    expect(await run('unref.mjs')).toMatchObject({ code: 0, stdout: 'true\n' })
  })

  test('channels do without WebAssembly', async () => {
    const { stdout } = await run('without-wasm.mjs', { nodeArgs: ['--jitless'] })
    expect(stdout).toBe('undefined 10\n')
  })

  test('a class that the program has put in the place of Worker stays there', async () => {
    // Two threads and the monitor.
    expect(await run('own-worker-class.mjs')).toMatchObject({ code: 0, stdout: '3 true\n' })
  })

  test('fake timers do not stop the runtime', async () => {
    const { code, stdout } = await run('fake-timers.mjs')
    expect([code, stdout]).toEqual([0, '1\n2\n3\n'])
  })

  test('works in a string of code on the command line', async () => {
    const code = "const { go } = await import('goro'); console.log(await go((x) => x + 1, 41))"
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], {
      cwd: import.meta.dirname,
    })
    expect(stdout).toBe('42\n')
  })

  test('beforeExit comes once, when nothing is left', async () => {
    expect(await run('before-exit.mjs')).toMatchObject({ code: 0, stdout: 'goroutine ends\nbeforeExit 0\n' })
  })

  test('shutdown drains, stops the threads, and refuses what comes after', async () => {
    const { stdout, code, stderr } = await run('shutdown.mjs')
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual({
      drained: true,
      threads: 0,
      refused: 'RuntimeClosedError',
      whileDraining: 'RuntimeClosedError',
      fromGoroutine: expect.stringContaining('called from a goroutine'),
    })
    expect(code).toBe(0)
  })

  test('shutdown before any use is fine', async () => {
    expect(await run('shutdown-unused.mjs')).toMatchObject({ code: 0, stdout: 'RuntimeClosedError\n' })
  })

  test('works when the main thread of the runtime is itself a worker thread', async () => {
    expect(await run('in-worker.mjs')).toMatchObject({ code: 0, stdout: '42\n', stderr: '' })
  })
})
