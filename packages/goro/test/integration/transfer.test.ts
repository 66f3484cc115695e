/** Buffers that are moved. */
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { go, runtime, ThreadDiedError } from 'goro'
import { describe, expect, test } from 'vitest'
import { run } from './run.ts'

/** Of one that is copied, and one that is handed over, once a thread has copied so much that it pays to have one for that. */
const SIZES = { short: 1 << 15, long: 1 << 18 }

/** TypeScript knows it from ES2024 on. */
const Resizable = ArrayBuffer as unknown as new (length: number, options: object) => ArrayBuffer

function filled(byte: number, size = SIZES.short): ArrayBuffer {
  return new Uint8Array(size).fill(byte).buffer
}

/** The length, the first byte and the last. */
const ends = (buffer: ArrayBuffer) => {
  const bytes = new Uint8Array(buffer)
  return [bytes.length, bytes[0], bytes[bytes.length - 1]]
}

describe.each(Object.entries(SIZES))('buffers that are moved (%s)', (_, SIZE) => {
  test('are detached at once, however many, and each arrives with its own goroutine', async () => {
    for (let round = 0; round < 5; round++) {
      const buffers = Array.from({ length: 100 }, (_, i) => filled(i % 251, SIZE))
      const started = buffers.map((buffer) => go.with({ transfer: [buffer] }, ends, buffer))
      expect(buffers.every(({ byteLength }) => byteLength === 0)).toBe(true)
      const results = await Promise.all(started)
      results.forEach((result, i) => void expect(result).toEqual([SIZE, i % 251, i % 251]))
    }
  })

  test('go to goroutines one after another, too', async () => {
    for (let i = 0; i < 100; i++) {
      const buffer = filled(i, SIZE)
      const started = go.with({ transfer: [buffer] }, ends, buffer)
      expect(buffer.byteLength).toBe(0)
      expect(await started).toEqual([SIZE, i, i])
    }
  })

  test('are one for all that refer to them, and keep what they can do', async () => {
    const all = (whole: Uint8Array, part: Uint8Array, { again }: { again: ArrayBuffer }) => {
      part[0] = 5
      ;(again as ArrayBuffer & { resize(length: number): void }).resize(2 * SIZE)
      return [whole.buffer === part.buffer, whole.buffer === again, whole[16], whole.length, part.length]
    }
    for (let i = 0; i < 20; i++) {
      const buffer = new Resizable(SIZE, { maxByteLength: 2 * SIZE })
      const args = [new Uint8Array(buffer), new Uint8Array(buffer, 16, 8), { again: buffer }] as const
      const result = await go.with({ transfer: [buffer] }, all, ...args)
      expect(result).toEqual([true, true, 5, 2 * SIZE, 8])
    }
  })

  test('come with a MessagePort, an async function and a channel', async () => {
    const answer = async (port: MessagePort, buffer: ArrayBuffer) => {
      await new Promise((resolve) => setTimeout(resolve, 1))
      port.postMessage(buffer.byteLength)
      port.close()
    }
    for (let i = 0; i < 20; i++) {
      const { port1, port2 } = new MessageChannel()
      const answered = new Promise((resolve) => port1.on('message', resolve))
      const buffer = filled(1, SIZE)
      await go.with({ transfer: [buffer, port2] }, answer, port2, buffer)
      expect(await answered).toBe(SIZE)
      port1.close()
    }
  })

  test('are detached if nothing refers to them, and stay if something can not be sent', async () => {
    const unused = filled(1, SIZE)
    expect(await go.with({ transfer: [unused] }, () => 7)).toBe(7)
    expect(unused.byteLength).toBe(0)
    const kept = filled(2, SIZE)
    const bad = () => go.with({ transfer: [kept] }, (_: unknown) => 1, [kept, Symbol('none')] as never)
    expect(bad).toThrow('a symbol')
    expect(ends(kept)).toEqual([SIZE, 2, 2])
  })

  test('are gone with a goroutine that is aborted before it starts, and only with that', async () => {
    for (let round = 0; round < 10; round++) {
      const started = Array.from({ length: 60 }, (_, i) => {
        const controller = new AbortController()
        const buffer = filled(i, SIZE)
        const g = go.with({ transfer: [buffer], signal: controller.signal }, ends, buffer)
        if (i % 2 === 1) controller.abort(new Error('no more'))
        return g
      })
      const outcomes = await Promise.allSettled(started)
      for (const [i, outcome] of outcomes.entries()) {
        // One that had begun before it was aborted ends as any does.
        if (i % 2 === 0 || outcome.status === 'fulfilled')
          expect(outcome).toEqual({ status: 'fulfilled', value: [SIZE, i, i] })
        else expect(outcome.reason).toEqual(new Error('no more'))
      }
    }
  })
})

describe.each(Object.entries(SIZES))('a goroutine that gets a moved buffer (%s)', (_, SIZE) => {
  test('runs elsewhere if the thread blocks on purpose, for that may wait for it', async () => {
    for (let round = 0; round < 50; round++) {
      const flag = new Int32Array(new SharedArrayBuffer(4))
      const wait = (word: Int32Array, buffer: ArrayBuffer) => {
        runtime.blocking(() => Atomics.wait(word, 0, 0))
        return buffer.byteLength
      }
      const wake = (word: Int32Array, buffer: ArrayBuffer) => {
        Atomics.store(word, 0, 1)
        Atomics.notify(word, 0)
        return buffer.byteLength
      }
      const buffers = [
        filled(1, SIZE),
        filled(2, SIZE),
        filled(3, SIZE),
        filled(4, SIZE),
        filled(5, SIZE),
        filled(6, SIZE),
      ]
      const started = buffers.map((buffer, i) => go.with({ transfer: [buffer] }, i === 5 ? wake : wait, flag, buffer))
      expect(await Promise.all(started)).toEqual(Array(6).fill(SIZE))
    }
  })

  test('runs elsewhere if another goroutine locks the thread', async () => {
    const keep = async (_: ArrayBuffer) => {
      runtime.lockOSThread()
      await new Promise((resolve) => setTimeout(resolve, 5))
      runtime.unlockOSThread()
      return 'kept'
    }
    for (let round = 0; round < 20; round++) {
      const started = Array.from({ length: 12 }, (_, i) => {
        const buffer = filled(i, SIZE)
        return go.with({ transfer: [buffer] }, (i === 0 ? keep : ends) as typeof ends, buffer)
      })
      const results = await Promise.all(started)
      expect(results[0]).toBe('kept')
      expect(results.slice(1).map(([, first]) => first)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
    }
  })

  test('ends with the thread, or is none of its, if that dies', async () => {
    const work = (buffer: ArrayBuffer, dies: boolean) => {
      if (dies) process.exit(3)
      return buffer.byteLength
    }
    let died = 0
    for (let round = 0; round < 8; round++) {
      const started = Array.from({ length: 64 }, (_, i) => {
        const buffer = filled(i, SIZE)
        return go.with({ transfer: [buffer] }, work, buffer, i === 7 + round)
      })
      for (const outcome of await Promise.allSettled(started)) {
        if (outcome.status === 'fulfilled') expect(outcome.value).toBe(SIZE)
        else {
          expect(outcome.reason).toBeInstanceOf(ThreadDiedError)
          died++
        }
      }
    }
    expect(died).toBeGreaterThanOrEqual(8)
  })
})

test('is handed over by a goroutine, too, and while the main thread blocks', async () => {
  const { code, stdout, stderr } = await run('transfers.mjs')
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'ok\n', stderr: '' })
})

describe('if the thread that hands them over dies', () => {
  const WARNING = /^\(node:\d+\) Warning: goro: the thread that hands over what is transferred died: .*\n.*\n$/

  test.each([
    ['held', 'on a thread that was there'],
    ['held, new thread', 'on a new thread'],
  ])('what it holds is lost (%s): the goroutine fails %s, and later ones get copies', async (how) => {
    const { code, stdout, stderr } = await run('transfers-lost.mjs', { args: [how] })
    expect(stderr).toMatch(WARNING)
    const lost = 'ThreadDiedError: the thread that held what was transferred to this goroutine died; start it again'
    expect({ code, stdout }).toEqual({ code: 0, stdout: `8 × ${lost}\nthen 262144\n` })
  })

  test('what it was asked for comes, or is lost', async () => {
    const { code, stdout, stderr } = await run('transfers-lost.mjs', { args: ['asked for'] })
    expect(stderr).toMatch(WARNING)
    expect({ code, stdout }).toEqual({ code: 0, stdout: '8\nthen 262144\n' })
  })
})
