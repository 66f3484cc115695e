import { expect, test } from 'vitest'
import { formatGoroutines, type GoroutineInfo } from '../../src/dump.ts'

const waiting = (age: number): GoroutineInfo => ({
  id: 7,
  name: 'reader',
  state: 'waiting',
  waitReason: 'chan receive',
  age,
  definedAt: 'file:///app.js:1:1',
  createdAt: 'main (file:///app.js:9:3)',
})

test("a dump says how long a goroutine has waited as Go's does: in whole minutes, once there is one", () => {
  const headings = [0, 59, 60, 119, 3600].map((age) => formatGoroutines([waiting(age)]).split('\n')[0])
  expect(headings).toEqual([
    'goroutine 7 [chan receive]:',
    'goroutine 7 [chan receive]:',
    'goroutine 7 [chan receive, 1 minute]:',
    'goroutine 7 [chan receive, 1 minute]:',
    'goroutine 7 [chan receive, 60 minutes]:',
  ])
})

test('where a goroutine is defined and was created, and what runs is not said to wait', () => {
  const running: GoroutineInfo = { ...waiting(0), name: '', state: 'running', waitReason: undefined }
  expect(formatGoroutines([waiting(0), running])).toBe(
    [
      'goroutine 7 [chan receive]:\nreader\n    at file:///app.js:1:1\ncreated by main (file:///app.js:9:3)',
      'goroutine 7 [running]:\n<anonymous>\n    at file:///app.js:1:1\ncreated by main (file:///app.js:9:3)',
    ].join('\n\n'),
  )
})
