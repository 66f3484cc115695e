import { describe, expect, test, vi } from 'vitest'
import { run } from './run.ts'

// Each starts many threads, which on a busy machine takes long.
vi.setConfig({ testTimeout: 120_000 })

const DIED =
  'ThreadDiedError: the thread that ran this goroutine (M…) died: worker exited with code: 5; ' +
  'goroutines that had not started run on another thread\n'
const GONE =
  'RuntimeClosedError: the runtime was shut down: what was pinned is gone; use it before runtime.shutdown()\n'

test.each(['1', '2', '4'])('a remote is used in all the ways that Comlink knows (GOMAXPROCS=%s)', async (procs) => {
  const { code, stdout, stderr } = await run('pin.mjs', { env: { GOMAXPROCS: procs }, timeout: 100_000 })
  expect(stderr).toBe('')
  expect(JSON.parse(stdout)).toEqual({
    calls: [4, 6, 6, 7],
    set: 10,
    thread: [true, true, ['later', 11]],
    error: [true, 'too much', 'E_MUCH', { x: 1 }, true, 'why'],
    stack: true,
    primitive: { error: 7 },
    aggregate: [true, true],
    described: { error: 'Error: with a function' },
    noMethod: { error: "TypeError: Cannot read properties of undefined (reading 'apply')" },
    unsendable: [
      { error: expect.stringMatching(/^DOMException: result, at \.list\[0\]: a function can't be sent/) },
      { error: expect.stringMatching(/^DOMException: argument 1, at \.f: a function can't be sent/) },
    ],
    passed: [true, 'E', 'RangeError'],
    transfer: [0, 0, [5, 5, 5, 5, 5, 5, 5, 5]],
    port: 'from the port',
    handles: [true, 42, true],
    context: 'context canceled',
    callback: [true, 20, 30],
    seen: [12],
    callbackThrows: { error: 'SyntaxError: from the callback' },
    callbackHandle: [3, 4],
    function: 8,
    class: [6, true],
    goroutine: [3, true],
    rejects: [
      { error: 'RangeError: no value' },
      { error: 'primitive' },
      { error: 'TypeError: pin: the factory is to return an object or a function, not 7' },
      { error: expect.stringMatching(/^DOMException: argument 1: a function can't be sent/) },
    ],
    asyncDispose: ['async', { error: 'Error: Proxy has been released and is not useable' }],
    dispose: 'sync',
    releaseProxy: 'released',
    badDispose: { error: 'Error: bad end' },
  })
  expect(code).toBe(0)
})

test('an instance of WebAssembly and a native addon with thread state stay on their threads', async () => {
  const { stdout } = await run('pin-native.mjs', { timeout: 100_000 })
  const onLinux = process.platform === 'linux'
  expect(JSON.parse(stdout)).toEqual({
    counted: [1, 2, 3],
    // Elsewhere it is the priority of the process.
    own: onLinux ? 5 : 0,
    others: 1,
  })
})

describe.each(['1', '2'])('the end of a process, or of what it has pinned (GOMAXPROCS=%s)', (procs) => {
  test.each([
    ['an idle one does not hold the process open', 'idle', 0, '1\n'],
    ['a call does', 'pending', 0, 'slow\n'],
    ['and one of a goroutine', 'pendingFromGoroutine', 0, 'slow\n'],
    ['and what the value has under way', 'valueIsBusy', 0, 'the timer of the pinned value\n'],
    ['an idle one hides no deadlock', 'deadlock', 2, ''],
    ['a call that nobody can answer is one', 'deadlockInCall', 2, ''],
    ['no other call is', 'noDeadlock', 0, 'sent\nslow\n'],
    ['shutdown waits for calls', 'shutdown', 0, `${GONE}slow by goroutine\n${GONE}`],
    ['a thread that dies', 'death', 0, `${DIED}${DIED}${DIED}${DIED}0\n`],
    ['who has pinned it dies', 'creatorDies', 0, '1\ndisposed\nThreadDiedError: the thread that ran this goroutin\n'],
    [
      'too few threads',
      'limit',
      0,
      'maxThreads (3) reached: processors wait for a thread that comes back from blocking code, or that nobody has locked\n' +
        'ordinary 1\n1\n',
    ],
    ['one thread', 'onlyThread', 0, '1\nordinary\n'],
  ])('%s', async (_title, name, code, printed) => {
    const outcome = await run('pin-ends.mjs', { args: [name], env: { GOMAXPROCS: procs }, timeout: 100_000 })
    expect(outcome.stdout.replace(/\(M\d+\)/g, '(M…)')).toBe(name === 'shutdown' ? `${printed}${CLOSED}` : printed)
    expect(outcome.stderr.split('\n')[0]).toBe(code === 2 ? 'fatal error: all goroutines are asleep - deadlock!' : '')
    expect(outcome.code).toBe(code)
  })
})

const CLOSED = 'RuntimeClosedError: pin: the runtime was shut down; start goroutines before runtime.shutdown()\n'

test('what is garbage is released; a method of it keeps it', async () => {
  const { stdout } = await run('pin-gc.mjs', { nodeArgs: ['--expose-gc'], timeout: 100_000 })
  expect(JSON.parse(stdout)).toEqual({
    used: 1,
    main: true,
    goroutine: true,
    stays: [2, 1],
    found: ['main', 'goroutine'],
    kept: 1,
  })
})

test('100 in a row leave no goroutine, no thread and no shared memory behind', async () => {
  const { stdout } = await run('pin-many.mjs', { args: ['100'], timeout: 240_000 })
  expect(JSON.parse(stdout)).toMatchObject({ sum: 5050, goroutines: 0, few: true })
}, 240_000)
