/** docs/examples/scheduler.ts: a thousand goroutines at once, on two threads. */
import { expect, test } from 'vitest'
import { runOriginal } from './go.ts'
import { runExample } from './run.ts'

test('counts a thousand goroutines on two threads', async () => {
  expect(await runExample('scheduler')).toEqual({ code: 0, stdout: 'Goroutines: 1000, Threads: 2\n', stderr: '' })
})

test('Go counts its main goroutine too, and more threads than run Go code', async () => {
  const original = await runOriginal('scheduler')
  expect(original?.stdout ?? 'Goroutines: 1001, Threads: 4\n').toMatch(/^Goroutines: 1001, Threads: \d+\n$/)
})
