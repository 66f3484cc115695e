import { describe, expect, test } from 'vitest'
import { run } from './run.ts'

const env = { GOMAXPROCS: '1' }

describe('others run back to back while a goroutine of the same thread waits for', () => {
  test.each(['sockets', 'files', 'dns', 'children', 'timers', 'messages', 'immediates', 'threadpool'])(
    '%s, and both get on',
    async (kind) => {
      const { stdout } = await run('polls.mjs', { args: ['busy', kind], env })
      // Between none of the events and the one before it did the others stand still.
      expect(JSON.parse(stdout)).toBe(0)
    },
  )
})

describe('a thread with nothing to run sleeps, uses no core, and is woken by', () => {
  test.each(['sockets', 'children', 'timers', 'messages', 'threadpool'])('%s', async (kind) => {
    const { stdout } = await run('polls.mjs', { args: ['idle', kind], env })
    expect(JSON.parse(stdout)).toEqual({ slept: true, idle: true, woken: true })
  })
})
