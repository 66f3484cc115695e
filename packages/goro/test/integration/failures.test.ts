import { describe, expect, test } from 'vitest'
import { run } from './run.ts'

describe('a failed goroutine that nobody awaits', () => {
  test("is fatal and printed in Go's form", async () => {
    const { code, stdout, stderr } = await run('panic.mjs')
    expect(code).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^panic: RangeError: boom$/m)
    expect(stderr).toMatch(/^goroutine \d+ \[running\]:/m)
    expect(stderr).toMatch(/^\s+at explode \(.*panic\.mjs:4:\d+\)$/m)
    expect(stderr).toMatch(/^created by .*panic\.mjs:7:\d+/m)
  })

  test('is so too when what it threw is no error', async () => {
    const { code, stderr } = await run('panic-primitive.mjs')
    expect(code).toBe(1)
    expect(stderr).toMatch(/^panic: .*just text/m)
    expect(stderr).toMatch(/^goroutine \d+ \[running\]:/m)
  })

  test('is raised on the main thread when a goroutine had started it', async () => {
    const { code, stderr } = await run('panic-nested.mjs')
    expect(code).toBe(1)
    expect(stderr).toMatch(/^panic: Error: deep$/m)
    expect(stderr).toMatch(/^goroutine \d+ \[running\]:/m)
  })

  test('is raised on the main thread when a stray promise of a goroutine rejects', async () => {
    const { code, stderr } = await run('panic-stray.mjs')
    expect(code).toBe(1)
    expect(stderr).toContain('stray')
  })

  test('goes to an unhandledRejection listener if there is one, with the error itself', async () => {
    expect(await run('panic-listener.mjs')).toMatchObject({ code: 0, stdout: 'TypeError mine E_CODE\n', stderr: '' })
  })

  test.each([
    ['none', 0],
    ['warn', 0],
    ['strict', 1],
    ['throw', 1],
  ])('--unhandled-rejections=%s is obeyed', async (mode, code) => {
    expect((await run('panic.mjs', { nodeArgs: [`--unhandled-rejections=${mode}`] })).code).toBe(code)
  })

  test('is nothing of the kind when it is awaited in time', async () => {
    expect(await run('panic-awaited.mjs')).toMatchObject({ code: 0, stdout: 'caught boom\n', stderr: '' })
  })
})

describe('a thread that dies', () => {
  test('by process.exit: what ran there fails with ThreadDiedError, what was queued runs', async () => {
    const { code, stdout, stderr } = await run('die-exit.mjs')
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual({
      killer: ['ThreadDiedError', expect.stringContaining('exited with code: 3')],
      sibling: 'ThreadDiedError',
      queued: 500,
      after: 42,
      live: 0,
      isCounted: false,
      agrees: true,
    })
    expect(code).toBe(0)
  })

  test('by an exception outside of any goroutine: the cause is that exception', async () => {
    const { code, stdout } = await run('die-uncaught.mjs')
    expect(JSON.parse(stdout)).toEqual({ name: 'ThreadDiedError', cause: 'from a timer', after: 42 })
    expect(code).toBe(0)
  })

  test('out of heap: the goroutine fails and the others go on', async () => {
    const { code, stdout } = await run('die-heap.mjs')
    expect(JSON.parse(stdout)).toEqual({ name: 'ThreadDiedError', code: 'ERR_WORKER_OUT_OF_MEMORY', after: 42 })
    expect(code).toBe(0)
  })

  test('at its start, whatever is tried: what was queued fails, with the cause', async () => {
    const { code, stdout } = await run('die-at-start.mjs', { plain: true })
    expect(JSON.parse(stdout)).toEqual({ names: ['ThreadDiedError', 'ThreadDiedError'], cause: true })
    expect(code).toBe(0)
  })

  test('a hundred times in a row: goroutines are neither lost nor counted twice', async () => {
    const { code, stdout, stderr } = await run('die-often.mjs', { timeout: 60_000 })
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual({ died: 30, results: 3000, live: 0 })
    expect(code).toBe(0)
  })

  test('what it had started on other threads goes on', async () => {
    expect(JSON.parse((await run('die-parent.mjs')).stdout)).toEqual({
      parent: 'ThreadDiedError',
      childRan: true,
      live: 0,
    })
  })

  test('the contexts that it has made are cancelled, on all threads, and its timers go on', async () => {
    const { code, stdout, stderr } = await run('die-context.mjs')
    expect(stderr).toBe('')
    const cancelled = ['context canceled', 'ThreadDiedError']
    expect(JSON.parse(stdout)).toEqual({
      killer: 'ThreadDiedError',
      outcomes: {
        plain: cancelled,
        timeout: cancelled,
        derived: cancelled,
        ofSignal: cancelled,
        below: cancelled,
        ended: ['context canceled', 'AbortError'],
        passed: ['context deadline exceeded', 'TimeoutError'],
        never: [null, null],
      },
      own: [true, 'context canceled'],
      waited: 'ThreadDiedError',
      early: { after: false, timer: false, ticker: false },
      live: 0,
    })
    expect(code).toBe(0)
  })

  test('timers that nobody can wait for any more are given back with it', async () => {
    const { grown, live } = JSON.parse((await run('die-timers.mjs')).stdout)
    expect(grown).toBeLessThan(2 ** 20)
    expect(live).toBe(0)
  })
})

describe('shared memory that is full', () => {
  test('is an OutOfMemoryError that says what uses it and which setting raises it; nothing is corrupted', async () => {
    const { code, stdout, stderr } = await run('out-of-memory.mjs')
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual({
      name: 'OutOfMemoryError',
      message: expect.stringContaining('runtime.configure({ memory'),
      finished: true,
      again: 42,
      result: 'OutOfMemoryError',
      refused: 'OutOfMemoryError',
      kept: 32 * 2 ** 20,
      live: 0,
    })
    expect(code).toBe(0)
  })

  test('rejects what would have to wait, and throws nothing', async () => {
    const { code, stdout, stderr } = await run('out-of-memory-waiting.mjs')
    expect(stderr).toBe('')
    const outcomes = JSON.parse(stdout) as Record<string, string>
    const names = Object.keys(outcomes)
    expect(outcomes).toEqual(Object.fromEntries(names.map((name) => [name, 'rejects: OutOfMemoryError'])))
    expect(names.length).toBe(17)
    expect(code).toBe(0)
  })
})

describe('what throws when it is touched', () => {
  test('fails its goroutine and nothing else', async () => {
    const { code, stdout, stderr } = await run('throws-badly.mjs')
    expect(stderr).toBe('')
    const { outcomes, after } = JSON.parse(stdout)
    expect(new Set(Object.values(outcomes))).toEqual(new Set(['rejected']))
    expect([Object.keys(outcomes).length, after, code]).toEqual([12, 42, 0])
  })

  test('a MessagePort that was transferred before is refused at the call', async () => {
    const { stdout } = await run('port-twice.mjs')
    const refused = ['object', 'DataCloneError', expect.stringContaining("a MessagePort can't be transferred")]
    expect(JSON.parse(stdout)).toEqual([refused, refused])
  })
})

describe('threads that do not start', () => {
  test('none: every goroutine fails with the cause, now and later', async () => {
    const { code, stdout, stderr } = await run('no-threads.mjs', { plain: true })
    expect(stderr).toBe('')
    const failed = 'ThreadDiedError true'
    expect(JSON.parse(stdout)).toEqual([[failed], failed, 'Error true', 0])
    expect(code).toBe(0)
  })

  test('some: the others do all the work', async () => {
    expect(await run('bad-start.mjs', { plain: true })).toMatchObject({ code: 0, stdout: 'true true 0\n', stderr: '' })
  })
})

describe('a thread that dies in the midst of something', () => {
  test('output under way does not keep the process for ever', async () => {
    const { code, stdout } = await run('die-printing.mjs')
    expect([code, stdout.replace('printed\n', '')]).toEqual([0, ''])
  })
})
