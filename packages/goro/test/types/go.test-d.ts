/** What `go` infers, and what it says of arguments that can't be sent. */
import {
  type AtomicInt32,
  type Chan,
  type Cond,
  type Context,
  type Goroutine,
  go,
  type Mutex,
  type Once,
  type RecvChan,
  type RWMutex,
  type Semaphore,
  type SendChan,
  type Ticker,
  type Timer,
  type WaitGroup,
} from 'goro'
import { describe, expectTypeOf, test } from 'vitest'
import type { Sendable } from '../../src/sendable.ts'

declare const wg: WaitGroup
declare function of<T>(): T

describe('the result', () => {
  test('of a sync function is what it returns', () => {
    expectTypeOf(go((n: number) => n + 1, 41)).toEqualTypeOf<Goroutine<number>>()
    expectTypeOf(go(() => 'text' as const)).toEqualTypeOf<Goroutine<'text'>>()
    expectTypeOf(go(() => {})).toEqualTypeOf<Goroutine<void>>()
  })

  test('of an async function is what its promise resolves to', async () => {
    expectTypeOf(go(async (n: number) => [n], 1)).toEqualTypeOf<Goroutine<number[]>>()
    expectTypeOf(await go(async () => new Map<string, number>())).toEqualTypeOf<Map<string, number>>()
  })

  test('of one that returns a goroutine, or a promise of one, is that of the inner one', () => {
    expectTypeOf(go(() => go(() => 1))).toEqualTypeOf<Goroutine<number>>()
    expectTypeOf(go(async () => go(() => 'x'))).toEqualTypeOf<Goroutine<string>>()
  })

  test('of a union, of never and of any is that', () => {
    expectTypeOf(go((b: boolean, n: number) => (b ? n : Promise.resolve('x')), true, 1)).toEqualTypeOf<
      Goroutine<number | string>
    >()
    expectTypeOf(
      go((): never => {
        throw new Error('x')
      }),
    ).toEqualTypeOf<Goroutine<never>>()
    expectTypeOf(go((x) => x, of<ReturnType<typeof JSON.parse>>())).toBeAny
  })

  test('of a generic function is that of its arguments', () => {
    function first<T>(items: T[]): T | undefined {
      return items[0]
    }
    expectTypeOf(go(first, [1, 2])).toEqualTypeOf<Goroutine<number | undefined>>()
    expectTypeOf(go(<T>(x: T) => ({ x }), 'a')).toEqualTypeOf<Goroutine<{ x: string }>>()
  })

  test('of an overloaded function is that of its last overload, as with every such parameter', () => {
    function size(of: string): string
    function size(of: number[], scale: number): number
    function size(of: string | number[], _scale?: number): string | number {
      return of.length
    }
    expectTypeOf(go(size, [1], 2)).toEqualTypeOf<Goroutine<number>>()
    // @ts-expect-error not the last
    go(size, 'x')
  })

  test('of go.with and WaitGroup.go is the same', () => {
    expectTypeOf(go.with({ name: 'x' }, async (s: string, n: number) => s.repeat(n), 'a', 3)).toEqualTypeOf<
      Goroutine<string>
    >()
    expectTypeOf(wg.go((s: string) => s.length, 'abc')).toEqualTypeOf<Goroutine<number>>()
    expectTypeOf(go.with({}, <T>(x: T) => [x], 1)).toEqualTypeOf<Goroutine<number[]>>()
    expectTypeOf(wg.go(async <T>(x: T) => [x], 1)).toEqualTypeOf<Goroutine<number[]>>()
  })

  test('a goroutine is no promise, but can be awaited, raced and chained as one', async () => {
    const g = go(() => 1)
    expectTypeOf(g).toExtend<PromiseLike<number>>()
    expectTypeOf(g.then((n) => String(n))).toEqualTypeOf<Promise<string>>()
    expectTypeOf(await Promise.all([g, go(() => 'x')])).toEqualTypeOf<[number, string]>()
    expectTypeOf(g.id).toEqualTypeOf<number>()
    expectTypeOf(g.name).toEqualTypeOf<string>()
  })
})

describe('arguments', () => {
  test('give types to parameters that have none', () => {
    go(
      (n, s) => {
        expectTypeOf(n).toEqualTypeOf<number>()
        expectTypeOf(s).toEqualTypeOf<string>()
      },
      1,
      'a',
    )
    wg.go((list) => expectTypeOf(list).toEqualTypeOf<number[]>(), [1])
    go.with({}, ({ a }) => expectTypeOf(a).toEqualTypeOf<Date>(), { a: new Date() })
  })

  test('must be as many as there are parameters, and of their types', () => {
    const add = (a: number, b: number) => a + b
    go(add, 1, 2)
    // @ts-expect-error one is missing
    go(add, 1)
    // @ts-expect-error one too many
    go(add, 1, 2, 3)
    // @ts-expect-error of another type
    go(add, 1, '2')
    // @ts-expect-error one is missing
    go.with({}, add, 1)
    // @ts-expect-error of another type
    wg.go(add, '1', 2)
  })

  test('may be optional, have defaults, or be rest arguments', () => {
    go((a: number, b?: string) => [a, b], 1)
    go((a: number, b?: string) => [a, b], 1, 'x')
    go((a = 1) => a)
    expectTypeOf(go((...all: number[]) => all, 1, 2, 3)).toEqualTypeOf<Goroutine<number[]>>()
    go((first: string, ...rest: number[]) => [first, rest], 'x', ...[1, 2])
    const pair: [number, string] = [1, 'x']
    go((n: number, s: string) => s.repeat(n), ...pair)
    const fixed = [1, 'x'] as const
    go((n: number, s: string) => s.repeat(n), ...fixed)
    // @ts-expect-error a string among the numbers
    go((...all: number[]) => all, 1, 'x')
  })

  test('keep literal types and contextual types', () => {
    go((kind: 'a' | 'b') => kind, 'a')
    // @ts-expect-error no such literal
    go((kind: 'a' | 'b') => kind, 'c')
    go((options: { readonly mode: 'fast' | 'slow'; list: readonly number[] }) => options, { mode: 'fast', list: [1] })
    go((list: string[]) => list, [])
    go((pair: [number, string]) => pair, [1, 'x'])
    // @ts-expect-error no such property
    go((options: { depth?: number }) => options, { dpeth: 1 })
  })

  test('type arguments can be given', () => {
    expectTypeOf(go<[number], string>((n) => String(n), 1)).toEqualTypeOf<Goroutine<string>>()
    expectTypeOf(wg.go<[], string>(() => '')).toEqualTypeOf<Goroutine<string>>()
  })
})

class Account {
  #balance = 0
  readonly owner: string
  constructor(owner: string) {
    this.owner = owner
  }
  balance(): number {
    return this.#balance
  }
}

class Vector {
  x = 0
  y = 0
  length(): number {
    return Math.hypot(this.x, this.y)
  }
  plus(other: Vector): Vector {
    return Object.assign(new Vector(), { x: this.x + other.x, y: this.y + other.y })
  }
}

class Hidden {
  private readonly secret = 1
  reveal(): number {
    return this.secret
  }
}

class Failure extends Error {
  readonly detail = { line: 1 }
  describe(): string {
    return this.message
  }
}

interface Tree {
  value: number
  children: Tree[]
  parent?: Tree
}

type Json = string | number | boolean | null | Json[] | { [key: string]: Json }

describe('what can be sent is accepted', () => {
  /** Accepts what `go` accepts. */
  function check<T>(..._args: Sendable<[T]>): void {}

  test('primitives, any, unknown, never, object', () => {
    check(1)
    check('x')
    check(1n)
    check(true)
    check(null)
    check(undefined)
    check(of<unknown>())
    check(of<ReturnType<typeof JSON.parse>>())
    check(of<object>())
    check(of<never>())
    check({})
    check(of<string | undefined>())
  })

  test('plain data, also recursive, readonly, indexed and with optional properties', () => {
    check({ a: [1, { b: new Date() }], c: { d: null } })
    check(of<Tree>())
    check(of<Json>())
    check(of<readonly Tree[]>())
    check(of<Record<string, number[]>>())
    check(of<Partial<Readonly<Tree>>>())
    check(of<[number, string?, ...Date[]]>())
    check([of<unknown>()])
    check({ a: of<unknown>(), b: of<ReturnType<typeof JSON.parse>>() })
    level(of<(typeof Level)[keyof typeof Level]>())
    function level(n: 0 | 1) {
      check(n)
    }
  })

  test('what structured clone copies', () => {
    check(new Map([['a', { b: new Set([1]) }]]))
    check(of<ReadonlyMap<string, ReadonlySet<number>>>())
    check(/x/)
    check(new Uint8Array(1))
    check(Buffer.from('x'))
    check(new ArrayBuffer(1))
    check(new DataView(new ArrayBuffer(1)))
    check(of<ArrayBufferView>())
    check(new SharedArrayBuffer(4))
    check(new Int32Array(new SharedArrayBuffer(4)))
    check(new Blob([]))
    check(Object(1) as number)
  })

  test('errors, also with methods of their own', () => {
    check(new Error('x'))
    check(new AggregateError([]))
    check(new DOMException('x'))
    check(new Failure('x'))
    check({ error: of<Error | undefined>() })
  })

  test('class instances, which arrive as plain objects', () => {
    check(new Account('x'))
    check(new Vector())
    check(new Hidden())
    check([new Account('x')])
    check({ account: new Account('x'), vectors: new Set([new Vector()]) })
    expectTypeOf(go((v: Vector) => v.x, new Vector())).toEqualTypeOf<Goroutine<number>>()
    // Types see no difference between these methods and data with functions: this is the way out.
    const point = new (class {
      x = 1
      norm() {
        return this.x
      }
    })()
    check({ ...point })
  })

  test('handles', () => {
    check(of<Chan<number>>())
    check(of<SendChan<number>>())
    check(of<RecvChan<Tree>>())
    check(of<RecvChan<never>>())
    check(of<WaitGroup>())
    check(of<Mutex>())
    check(of<RWMutex>())
    check(of<Once>())
    check(of<Cond>())
    check(of<Semaphore>())
    check(of<AtomicInt32>())
    check(of<Timer>())
    check(of<Ticker>())
    check(of<Context>())
    check({ jobs: of<RecvChan<number>>(), ctx: of<Context>(), all: [of<Mutex>()] })
  })

  test('a MessagePort, which go.with can move', () => {
    const { port1 } = new MessageChannel()
    go.with({ transfer: [port1] }, (port: typeof port1) => port.close(), port1)
  })
})

const Level = { low: 0, high: 1 } as const

describe('type parameters are accepted', () => {
  test('as arguments and inside them', () => {
    function one<T>(x: T) {
      return go((y: T) => y, x)
    }
    expectTypeOf(one(1)).toEqualTypeOf<Goroutine<number>>()
    function several<T extends object, K extends keyof T>(x: T, key: K, list: readonly T[], map: Map<K, T[K]>) {
      go((a: T, b: T[K]) => [a, b], x, x[key])
      go((a: Partial<T>, b: Pick<T, K>) => [a, b], x, x)
      go((a: readonly T[], b: Map<K, T[K]>) => [a, b], list, map)
      go((a: { inner: T; all: T[] }) => a, { inner: x, all: [x] })
      wg.go((a: T) => a, x)
      go.with({}, (a: T, n: number) => [a, n], x, 1)
    }
    several({ a: 1 }, 'a', [], new Map())
    function inferred<T>(x: T, items: T[]) {
      go((y) => y, x)
      return go((list) => list.length, items)
    }
    expectTypeOf(inferred(1, [2])).toEqualTypeOf<Goroutine<number>>()
  })

  test('as the whole list of arguments', () => {
    function spawn<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Goroutine<Awaited<R>> {
      wg.go(fn, ...args)
      go.with({}, fn, ...args)
      return go(fn, ...args)
    }
    function spawnAll<A extends readonly unknown[], R>(fn: (n: number, ...args: A) => R, ...args: A) {
      return [1, 2].map((n) => go(fn, n, ...args))
    }
    expectTypeOf(spawn((s: string) => s.length, 'x')).toEqualTypeOf<Goroutine<number>>()
    expectTypeOf(spawnAll((n: number, s: string) => s.repeat(n), 'x')).toEqualTypeOf<Goroutine<string>[]>()
  })

  test('but not if they can be told to be unsendable', () => {
    function bad<T>(x: T, f: () => T) {
      // @ts-expect-error whatever T is
      go((y: { x: T; f: () => T }) => y, { x, f })
    }
    function worse<F extends () => void>(f: F, ...rest: (() => void)[]) {
      // @ts-expect-error all of them are functions
      go((...fs: (() => void)[]) => fs, ...rest)
      return f
    }
    return [bad, worse]
  })
})

interface Callbacks {
  readonly depth: number
  readonly onDone: (result: string) => void
}

describe("what can't be sent is refused", () => {
  test('a function', () => {
    const callback = () => {}
    // @ts-expect-error a function
    go((f: () => void) => f(), callback)
    // @ts-expect-error a function
    go((f) => f(), callback)
    // @ts-expect-error a function
    go.with({}, (f: () => void) => f(), callback)
    // @ts-expect-error a function
    wg.go((f: () => void) => f(), callback)
    // @ts-expect-error a class
    go((c: typeof Vector) => new c(), Vector)
    // @ts-expect-error a method
    go((_: unknown[], f: () => number) => f(), [], new Vector().length)
  })

  test('a function inside data', () => {
    // @ts-expect-error .onDone
    go((options: { onDone: () => void }) => options, { onDone: () => {} })
    // @ts-expect-error .onDone
    go((n: number, options: Callbacks) => [n, options], 1, of<Callbacks>())
    // @ts-expect-error .onDone may be there
    go((options: { onDone?: () => void }) => options, of<{ onDone?: () => void }>())
    // @ts-expect-error in an array
    go((tasks: (() => void)[]) => tasks, [() => {}])
    // @ts-expect-error in a map in an object
    go((x: { handlers: Map<string, () => void> }) => x, { handlers: new Map() })
    // @ts-expect-error by index
    go((x: Record<string, () => void>) => x, { a: () => {} })
    // @ts-expect-error in a tuple
    go((x: [number, () => void]) => x, [1, () => {}])
    // @ts-expect-error one of a union
    go((x: number | (() => void)) => x, of<number | (() => void)>())
    // @ts-expect-error a class in data
    go((x: { Class: typeof Vector }) => x, { Class: Vector })
  })

  test('a symbol, a promise, a goroutine, what is weak, a generator, an AbortSignal', () => {
    // @ts-expect-error a symbol
    go((s: symbol) => s.description, of<symbol>())
    // @ts-expect-error a symbol in data
    go((x: { kind: symbol }) => x, { kind: of<symbol>() })
    // @ts-expect-error a promise
    go((p: Promise<number>) => p, Promise.resolve(1))
    // @ts-expect-error a promise in data
    go((x: { p: PromiseLike<number>[] }) => x, { p: [] })
    // @ts-expect-error a goroutine
    go((g: Goroutine<number>) => g, of<Goroutine<number>>())
    // @ts-expect-error a WeakMap
    go((x: WeakMap<object, number>) => x, new WeakMap())
    // @ts-expect-error a WeakSet
    go((x: WeakSet<object>) => x, new WeakSet())
    // @ts-expect-error a WeakRef
    go((x: WeakRef<object>) => x, new WeakRef({}))
    // @ts-expect-error a generator
    go((x: Generator<number>) => [...x], of<Generator<number>>())
    // @ts-expect-error an async generator
    go((x: AsyncGenerator<number>) => x, of<AsyncGenerator<number>>())
    // @ts-expect-error an AbortSignal
    go((signal: AbortSignal) => signal.aborted, AbortSignal.timeout(1))
  })

  test('with a text that says where and why', () => {
    expectTypeOf<Sendable<[number, Callbacks]>>().toEqualTypeOf<
      [number, Callbacks] &
        [
          unknown,
          "at .onDone: a function can't be sent to another thread; import it where it is used, or send what it needs",
        ]
    >()
    expectTypeOf<Sendable<[{ list: { p: Promise<void> }[] }]>>().toEqualTypeOf<
      [{ list: { p: Promise<void> }[] }] & ["at .list[].p: a promise can't be sent to another thread; await it first"]
    >()
    expectTypeOf<Sendable<[Map<string, WeakRef<object>>]>>().toEqualTypeOf<
      [Map<string, WeakRef<object>>] & ["at .get(): a WeakRef can't be sent to another thread; send what it refers to"]
    >()
    expectTypeOf<Sendable<[Set<AbortSignal>]>>().toEqualTypeOf<
      [Set<AbortSignal>] &
        ["at .item(): an AbortSignal can't be sent to another thread; send context.fromSignal(signal)"]
    >()
    expectTypeOf<Sendable<[{ s: symbol }]>>().toEqualTypeOf<
      [{ s: symbol }] & ["at .s: a symbol can't be sent to another thread; send its description"]
    >()
    expectTypeOf<Sendable<[number, string]>>().toEqualTypeOf<[number, string]>()
  })
})
