import { describe, expect, test } from 'vitest'
import { run } from './run.ts'

const alone = { env: { GOMAXPROCS: '1' } }

describe('starves', () => {
  test('what is behind a goroutine that starts its successor, for ever', async () => {
    // The successor goes behind all of them at once: it is not that one of them begins each time that it is its turn.
    expect(JSON.parse((await run('fair.mjs', { ...alone, args: ['next'] })).stdout)).toBe('in a row')
  })

  test('what is behind two goroutines that start each other, for ever', async () => {
    expect(JSON.parse((await run('fair.mjs', { ...alone, args: ['pair'] })).stdout)).toBe('ended')
  })

  test('what is behind the children of a goroutine that yields in between', async () => {
    expect(JSON.parse((await run('fair.mjs', { ...alone, args: ['gosched'] })).stdout)).toBe('ended')
  })

  test.each(['1', '2', '4'])('what the main thread starts, while every processor is busy (%s)', async (procs) => {
    const { stdout } = await run('fair.mjs', { args: ['main'], env: { GOMAXPROCS: procs } })
    expect(JSON.parse(stdout)).toBe('ended')
  })

  test.each(['1', '2'])(
    'what is in the queue of a thread in blocking code, while every processor is busy (%s)',
    async (procs) => {
      const { stdout } = await run('fair.mjs', { args: ['left'], env: { GOMAXPROCS: procs } })
      expect(JSON.parse(stdout)).toBe('ended')
    },
  )
})

test('goroutines that are made while others always find something ready run as fast as they are made', async () => {
  const { stdout } = await run('fair.mjs', { ...alone, args: ['spawner'] })
  expect(JSON.parse(stdout)).toEqual({ spawned: 100_000, mostlyRun: true })
})

test('goroutines that yield for ever get as far as one another, and stop nobody', async () => {
  const { stdout } = await run('fair.mjs', { ...alone, args: ['yields'] })
  expect(JSON.parse(stdout)).toEqual({ alike: true, othersToo: true })
})
