/** docs/examples/deadlock.ts: it is noticed, and says who waits for what. */
import { expect, test } from 'vitest'
import { runOriginal } from './go.ts'
import { runExample } from './run.ts'

test('ends with exit code 2 and a dump of all three, as in Go', async () => {
  const { code, stdout, stderr } = await runExample('deadlock')
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toMatch(
    /^fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 \[sync\.WaitGroup\.Wait\]:\n/,
  )
  expect(stderr.match(/^goroutine \d+ \[sync\.Mutex\.Lock\]:$/gm)).toHaveLength(2)
  expect(stderr.match(/^created by .*docs\/examples\/deadlock\.ts:\d+:\d+$/gm)).toHaveLength(2)

  const original = await runOriginal('deadlock')
  if (original === undefined) return
  expect(original.code).toBe(2)
  const [head, , main] = original.stderr.split('\n')
  expect(stderr.startsWith(`${head}\n\n${main}\n`)).toBe(true)
  expect(original.stderr.match(/^goroutine \d+ \[sync\.Mutex\.Lock\]:$/gm)).toHaveLength(2)
})
