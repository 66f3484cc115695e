import { AsyncLocalStorage } from 'node:async_hooks'
import { getEventListeners } from 'node:events'
import { MessageChannel, type MessagePort, threadId } from 'node:worker_threads'
import { chan, go, runtime } from 'goro'
import { describe, expect, test } from 'vitest'

describe('go', () => {
  test('runs a sync function and hands back its result', async () => {
    expect(await go((x: number) => x + 1, 41)).toBe(42)
  })

  test('runs an async function and hands back what its promise resolves to', async () => {
    const slow = async (ms: number) => {
      await new Promise((resolve) => setTimeout(resolve, ms))
      return 'done'
    }
    expect(await go(slow, 5)).toBe('done')
  })

  test('awaits a promise as `await` does: a `then` of its own is not asked', async () => {
    const odd = () => {
      const promise = Promise.resolve('once')
      promise.then = ((callback: (value: string) => void) => {
        callback('twice')
        callback('twice')
      }) as never
      return promise
    }
    const twice = await Promise.all([go(odd), go(odd), go(async () => 'other')])
    expect(twice).toEqual(['once', 'once', 'other'])
  })

  test('runs on a thread that is not this one', async () => {
    expect(await go(() => threadId)).not.toBe(threadId)
  })

  test.each([0, 1, 2, 3, 7])('takes %i arguments', async (count) => {
    const args = Array.from({ length: count }, (_, i) => i + 0.5)
    expect(await go((...given: number[]) => given, ...args)).toEqual(args)
  })

  test('passes every kind of small value in a place of its own', async () => {
    for (const value of [
      undefined,
      null,
      true,
      false,
      0,
      -0,
      1,
      -1,
      2 ** 31,
      -(2 ** 31),
      0.1,
      Number.NaN,
      '',
      'seven77',
    ]) {
      expect(await go((x: unknown) => x, value)).toBe(value)
      expect(await go((_: number, x: unknown) => x, 1, value)).toBe(value)
    }
  })

  test('gives whole numbers to the function as V8 would make them, so that it is compiled for integers', async () => {
    // A number that was read out of memory as a double stays one in every sum: fib(30) then takes half as long again.
    const isSmallInteger = (n: number) => Object.is(n | 0, n)
    expect(await go(isSmallInteger, 30)).toBe(true)
  })

  test('copies what two arguments share as one', async () => {
    const shared = { n: 1 }
    expect(await go((a: object, b: object) => a === b, shared, shared)).toBe(true)
  })

  test('copies at the call: what the caller changes after it is not seen', async () => {
    const data = { n: 1 }
    const g = go((d: { n: number }) => d.n, data)
    data.n = 2
    expect(await g).toBe(1)
  })

  test('a goroutine may start goroutines and await them', async () => {
    const sum = async (n: number) => {
      const parts = Array.from({ length: n }, (_, i) => go((x: number) => x * x, i))
      let total = 0
      for (const part of parts) total += await part
      return total
    }
    expect(await go(sum, 100)).toBe(328_350)
  })

  test('a goroutine that returns another hands back its result', async () => {
    const outer = async () => go(() => 'inner')
    expect(await go(outer)).toBe('inner')
  })

  test('has an id that is a positive integer and nobody else has', () => {
    const ids = Array.from({ length: 1000 }, () => go(() => {}).id)
    for (const id of ids) expect(Number.isInteger(id) && id > 0).toBe(true)
    expect(new Set(ids).size).toBe(1000)
  })

  test("has the function's name, or the one it is given", async () => {
    const named = go(function crunch() {})
    expect(named.name).toBe('crunch')
    expect(go.with({ name: 'reader' }, () => {}).name).toBe('reader')
    await named
  })
})

describe('Goroutine', () => {
  test('can be awaited many times, before and after it is done', async () => {
    const g = go((x: number) => x, 5)
    expect(await Promise.all([g, g, g])).toEqual([5, 5, 5])
    expect(await g).toBe(5)
  })

  test('then, catch and finally are those of a promise', async () => {
    const order: string[] = []
    const g = go((x: number) => x, 5)
    const doubled = g.then((x) => x * 2)
    expect(doubled).toBeInstanceOf(Promise)
    expect(await doubled).toBe(10)
    expect(await g.finally(() => void order.push('finally'))).toBe(5)
    const failed = go(() => {
      throw new RangeError('no')
    })
    expect(await failed.catch((error: unknown) => (error as Error).message)).toBe('no')
    await expect(failed.finally(() => void order.push('again'))).rejects.toThrow('no')
    expect(order).toEqual(['finally', 'again'])
    await expect(g.then(() => Promise.reject(new Error('later')))).rejects.toThrow('later')
    await expect(
      go(() => 1).then(() => {
        throw new Error('in the handler')
      }),
    ).rejects.toThrow('in the handler')
    expect(await go(() => 1).then()).toBe(1)
  })

  test('handlers of a done goroutine do not run before `then` returns', async () => {
    const g = go(() => 1)
    await g
    let ran = false
    const after = g.then(() => {
      ran = true
    })
    expect(ran).toBe(false)
    await after
    expect(ran).toBe(true)
  })

  test('takes part in Promise.race, any and allSettled', async () => {
    const gate = chan()
    const late = go(async () => void (await gate.recv()))
    expect(await Promise.race([late, go(() => 'first')])).toBe('first')
    const settled = await Promise.allSettled([
      go(() => 1),
      go(() => {
        throw new Error('x')
      }),
    ])
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    gate.close()
    await late
  })
})

describe('errors', () => {
  test('keep class, message, code, cause and own properties', async () => {
    const failing = () => {
      throw Object.assign(new TypeError('bad', { cause: new RangeError('deep') }), { code: 'E_BAD', extra: [1, 2] })
    }
    const error = await go(failing).then(
      () => undefined,
      (e: unknown) => e,
    )
    expect(error).toBeInstanceOf(TypeError)
    expect(error).toMatchObject({ message: 'bad', code: 'E_BAD', extra: [1, 2] })
    expect((error as Error).cause).toBeInstanceOf(RangeError)
  })

  test('of a rejected promise are those of the goroutine', async () => {
    await expect(go(async () => Promise.reject(new Error('async')))).rejects.toThrow('async')
  })

  test('that are no errors come as they are', async () => {
    await expect(go(() => Promise.reject('text'))).rejects.toBe('text')
    await expect(
      go(() => {
        throw undefined
      }),
    ).rejects.toBe(undefined)
  })

  test('an aggregate keeps its errors', async () => {
    const error = (await go(() =>
      Promise.any([Promise.reject(new TypeError('a')), Promise.reject(new Error('b'))]),
    ).catch((e: unknown) => e)) as AggregateError
    expect(error).toBeInstanceOf(AggregateError)
    expect(error.errors.map((e: Error) => [e.constructor.name, e.message])).toEqual([
      ['TypeError', 'a'],
      ['Error', 'b'],
    ])
  })

  test('a result that cannot be sent rejects with the path to it', async () => {
    const g = go(() => ({ deep: { handler: () => {} } }) as unknown)
    await expect(g).rejects.toMatchObject({ name: 'DataCloneError', message: expect.stringContaining('.deep.handler') })
  })

  test('an argument that cannot be sent throws at the call with the path to it, and starts nothing', async () => {
    const before = runtime.numGoroutine()
    const call = () => go((...args: unknown[]) => args.length, 1, { options: { onDone: () => {} } })
    expect(call).toThrow(/argument 2, at \.options\.onDone/)
    try {
      call()
    } catch (error) {
      expect(error).toBeInstanceOf(DOMException)
      expect((error as Error).name).toBe('DataCloneError')
    }
    expect(runtime.numGoroutine()).toBe(before)
  })

  test('a thenable that throws in `then` rejects', async () => {
    const g = go(
      () =>
        ({
          get then() {
            throw new Error('trap')
          },
        }) as unknown,
    )
    await expect(g).rejects.toThrow('trap')
  })
})

describe('go.with', () => {
  test('a signal that is aborted already: it never runs and rejects with the reason', async () => {
    const reason = new Error('not today')
    const g = go.with({ signal: AbortSignal.abort(reason) }, () => 'ran')
    await expect(g).rejects.toBe(reason)
  })

  test('a signal that aborts before the start: it never runs and rejects at once', async () => {
    const flag = new Int32Array(new SharedArrayBuffer(8))
    const busy = (view: Int32Array) => {
      Atomics.add(view, 0, 1)
      Atomics.wait(view, 1, 0)
    }
    const workers = Array.from({ length: runtime.gomaxprocs() }, () => go(busy, flag))
    while (Atomics.load(flag, 0) < workers.length) await new Promise((resolve) => setImmediate(resolve))
    const controller = new AbortController()
    const ran = new Int32Array(new SharedArrayBuffer(4))
    const g = go.with({ signal: controller.signal }, (view: Int32Array) => void Atomics.store(view, 0, 1), ran)
    controller.abort(new Error('changed my mind'))
    await expect(g).rejects.toThrow('changed my mind')
    Atomics.store(flag, 1, 1)
    Atomics.notify(flag, 1)
    await Promise.all(workers)
    await go(() => {})
    expect(Atomics.load(ran, 0)).toBe(0)
  })

  test('a signal that aborts after the end changes nothing', async () => {
    const controller = new AbortController()
    expect(await go.with({ signal: controller.signal }, () => 7)).toBe(7)
    controller.abort()
    expect(await go(() => 8)).toBe(8)
  })

  test('a signal has as many listeners for many goroutines, which end or not, as for one', async () => {
    const { signal } = new AbortController()
    await go.with({ signal }, () => {})
    const listeners = getEventListeners(signal, 'abort').length
    await Promise.all(Array.from({ length: 20 }, () => go.with({ signal }, () => {})))
    expect(getEventListeners(signal, 'abort').length).toBe(listeners)
  })

  test('moves the ArrayBuffers of the transfer list', async () => {
    const buffer = new Uint8Array([1, 2, 3]).buffer
    const g = go.with({ transfer: [buffer] }, (b: ArrayBuffer) => [...new Uint8Array(b)], buffer)
    expect(buffer.byteLength).toBe(0)
    expect(await g).toEqual([1, 2, 3])
  })

  test('moves the MessagePorts of the transfer list', async () => {
    const { port1, port2 } = new MessageChannel()
    const answered = new Promise((resolve) => port1.once('message', resolve))
    const answer = (port: MessagePort) => {
      port.postMessage('from the goroutine')
      port.close()
    }
    await go.with({ transfer: [port2] }, answer, port2)
    expect(await answered).toBe('from the goroutine')
  })

  test('a goroutine may give a MessagePort to another', async () => {
    const relay = async () => {
      const { port1, port2 } = new MessageChannel()
      const answered = new Promise((resolve) => port1.once('message', resolve))
      const answer = (port: MessagePort) => {
        port.postMessage('relayed')
        port.close()
      }
      await go.with({ transfer: [port2] }, answer, port2)
      return answered
    }
    expect(await go(relay)).toBe('relayed')
  })

  test.each([
    [null, 'takes its options first'],
    [{ nmae: 'x' }, 'no option nmae'],
    [{ name: 1 }, 'name takes a string'],
    [{ signal: {} }, 'signal takes an AbortSignal'],
    [{ transfer: 'x' }, 'transfer takes an array'],
  ])('says what is wrong with %j', (options, message) => {
    expect(() => go.with(options as never, () => {})).toThrow(message)
  })
})

describe('shared memory', () => {
  test('a SharedArrayBuffer is the same memory on every thread, there and back', async () => {
    const shared = new Int32Array(new SharedArrayBuffer(4))
    const back = await go((view: Int32Array) => {
      Atomics.add(view, 0, 5)
      return view
    }, shared)
    Atomics.add(back, 0, 1)
    expect(shared[0]).toBe(6)
  })

  test('is there when a goroutine starts: one that blocks its thread on it holds up no other that is queued', async () => {
    const flag = new Int32Array(new SharedArrayBuffer(8))
    const block = (view: Int32Array) => {
      Atomics.add(view, 0, 1)
      Atomics.wait(view, 1, 0)
    }
    const blocked = Array.from({ length: runtime.gomaxprocs() }, () => go(block, flag))
    while (Atomics.load(flag, 0) < blocked.length) await new Promise((resolve) => setImmediate(resolve))
    Atomics.store(flag, 1, 1)
    Atomics.notify(flag, 1)
    await Promise.all(blocked)
    expect(flag[0]).toBe(blocked.length)
  })

  test('a thousand goroutines count in one place', async () => {
    const shared = new Int32Array(new SharedArrayBuffer(4))
    const count = (view: Int32Array) => void Atomics.add(view, 0, 1)
    await Promise.all(Array.from({ length: 1000 }, () => go(count, shared)))
    expect(shared[0]).toBe(1000)
  })
})

describe('what functions may be', () => {
  test('a function that refers to a variable it would not find throws at the call', () => {
    // Made at run time, where the compiler does not see it.
    const fn = new Function('const local = 1; return () => local')()
    expect(() => go(fn)).toThrow(expect.objectContaining({ name: 'CaptureError' }))
    expect(() => go(fn)).toThrow(/local/)
  })

  test.each([
    ['native', Math.max],
    ['bound', function f() {}.bind(null)],
    ['class', class A {}],
    ['no function', 42],
  ])('%s functions are refused', (_, fn) => {
    expect(() => go(fn as never)).toThrow()
  })
})

describe('where continuations run', () => {
  test('`then` handlers and what follows an await see the AsyncLocalStorage of their own request', async () => {
    const storage = new AsyncLocalStorage<number>()
    const seen = (id: number) =>
      storage.run(id, async () => {
        const inThen = await go((x: number) => x, id).then(() => storage.getStore())
        const inCatch = await go(() => Promise.reject(new Error('x'))).catch(() => storage.getStore())
        return [id, inThen, inCatch, storage.getStore()]
      })
    const requests = [1, 2, 3, 4, 5, 6]
    expect(await Promise.all(requests.map(seen))).toEqual(requests.map((id) => [id, id, id, id]))
  })
})
