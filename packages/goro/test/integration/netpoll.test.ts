import { describe, expect, test } from 'vitest'
import { run } from './run.ts'

const env = { GOMAXPROCS: '1' }

describe('others run back to back while a goroutine of the same thread waits for', () => {
  test.each(['sockets', 'files', 'dns', 'children', 'timers', 'messages', 'immediates', 'threadpool'])(
    '%s, and both get on',
    async (kind) => {
      const { stdout } = await run('polls.mjs', { args: ['busy', kind], env })
      // All events came, and the others did not stand still in between.
      expect(JSON.parse(stdout)).toBe(true)
    },
  )
})

describe('a thread with nothing to run sleeps, uses no core, and is woken by', () => {
  test.each(['sockets', 'children', 'timers', 'messages', 'threadpool'])('%s', async (kind) => {
    const { stdout } = await run('polls.mjs', { args: ['idle', kind], env })
    expect(JSON.parse(stdout)).toEqual({ slept: true, idle: true, woken: true })
  })
})

test.each(['2', '4'])(
  'results get to a main thread that dozes, however long the threads compute on (GOMAXPROCS=%s)',
  async (procs) => {
    const { stdout } = await run('doze.mjs', { args: ['200'], env: { GOMAXPROCS: procs } })
    expect(stdout).toBe('200\n')
  },
)
