import { isDeepStrictEqual } from 'node:util'
import { MessageChannel } from 'node:worker_threads'
import { attach, bytes, OutOfMemoryError, reserve, writeBytes } from '@goro/memory'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { CaptureError, DataCloneError, ThreadDiedError } from '../../src/errors.ts'
import { Goroutine } from '../../src/goroutine.ts'
import {
  decode,
  encode,
  handleAddress,
  handleKind,
  packCell,
  registerHandle,
  unpackCell,
  useRetain,
  wholeOf,
  writeMessage,
} from '../../src/value.ts'

beforeAll(() => attach(reserve(1 << 22)))

/** Through bytes in shared memory and back, as between threads. */
function cross(value: unknown, options: Partial<Parameters<typeof encode>[1]> = {}): unknown {
  const message = encode(value, { root: 'value', ...options })
  const { length, externals } = message
  const block = 64
  writeBytes(block, new Uint8Array(length + 64).fill(0xff))
  writeMessage(message, block)
  expect(bytes(block + ((length + 3) >> 2), 16)).toEqual(new Uint8Array(16).fill(0xff))
  return decode(bytes(block, length), externals)
}

function refusal(value: unknown, options: Partial<Parameters<typeof encode>[1]> = {}): string {
  try {
    encode(value, { root: 'value', ...options })
  } catch (error) {
    expect(error).toBeInstanceOf(DOMException)
    expect((error as Error).name).toBe('DataCloneError')
    return (error as Error).message
  }
  throw new Error('was not refused')
}

/** The objects of a value in the order in which they are met, each as the number of its first meeting. */
function identities(value: unknown): number[] {
  const seen = new Map<object, number>()
  const order: number[] = []
  const walk = (at: unknown): void => {
    if (typeof at !== 'object' || at === null) return
    const known = seen.get(at)
    order.push(known ?? seen.size)
    if (known !== undefined) return
    seen.set(at, seen.size)
    if (at instanceof Map) for (const entry of at) entry.forEach(walk)
    else if (at instanceof Set) for (const item of at) walk(item)
    else if (ArrayBuffer.isView(at)) walk(at.buffer)
    else for (const key of Object.keys(at)) walk((at as Record<string, unknown>)[key])
  }
  walk(value)
  return order
}

const leaf = fc.oneof(
  fc.constantFrom(undefined, null, true, false, 0, -0, Number.NaN, Infinity, -Infinity, 2 ** 31, -(2 ** 31), 2 ** 53),
  fc.integer(),
  fc.double(),
  fc.bigInt(),
  fc.string(),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme' }),
  fc.date({ noInvalidDate: true }),
  fc.constantFrom(/a/g, /[\s\S]+/imsuy, Object(1), Object('boxed'), Object(true), Object(3n)),
  fc.uint8Array(),
  fc.float64Array(),
  fc.bigInt64Array(),
)

/** Values with shared parts and cycles: some of the objects made are put in again at another place. */
const value = fc
  .letrec((tie) => ({
    any: fc.oneof({ maxDepth: 5, withCrossShrink: true }, leaf, tie('array'), tie('object'), tie('map'), tie('set')),
    array: fc.array(tie('any'), { maxLength: 6 }),
    object: fc.dictionary(
      fc.oneof(fc.string(), fc.constantFrom('__proto__', 'then', '0', '-1', 'constructor')),
      tie('any'),
    ),
    map: fc.array(fc.tuple(tie('any'), tie('any')), { maxLength: 4 }).map((entries) => new Map(entries)),
    set: fc.array(tie('any'), { maxLength: 4 }).map((items) => new Set(items)),
  }))
  .any.chain((made) => fc.tuple(fc.constant(made), fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 4 })))
  .map(([made, links]) => {
    const objects: object[] = []
    const collect = (at: unknown): void => {
      if (typeof at !== 'object' || at === null || objects.includes(at)) return
      objects.push(at)
      if (at instanceof Map) for (const entry of at) entry.forEach(collect)
      else if (at instanceof Set) for (const item of at) collect(item)
      else if (Array.isArray(at) || Object.getPrototypeOf(at) === Object.prototype) Object.values(at).forEach(collect)
    }
    collect(made)
    const holders = objects.filter((at) => Array.isArray(at) || at instanceof Map || at instanceof Set)
    for (const [from, to] of links) {
      const holder = holders[from % holders.length]
      const target = objects[to % objects.length]
      if (holder instanceof Map) holder.set(target, target)
      else if (holder instanceof Set) holder.add(target)
      else if (Array.isArray(holder)) holder.push(target)
    }
    return made
  })

describe('against structuredClone', () => {
  test('any value comes out as structuredClone makes it, with the same parts shared', () => {
    fc.assert(
      fc.property(value, (original) => {
        const ours = cross(original)
        const theirs = structuredClone(original)
        expect(isDeepStrictEqual(ours, theirs)).toBe(true)
        expect(identities(ours)).toEqual(identities(theirs))
      }),
      { numRuns: 1500 },
    )
  })

  test('so do arguments: what two of them share is one', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 4 }), (args) => {
        expect(isDeepStrictEqual(cross(args, { root: (i) => `argument ${i + 1}` }), structuredClone(args))).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  class Point {
    x = 1
    #hidden = 2
    get sum(): number {
      return this.x + this.#hidden
    }
  }
  const sparse: unknown[] = [1, , 3]
  sparse[10] = 'far'
  const extra = Object.assign([1, 2], { name: 'extra', '5.5': 'no index' })
  const shared = new ArrayBuffer(16)

  test.each<[string, () => unknown]>([
    ['class instances, as plain objects', () => new Point()],
    ['objects without prototype', () => Object.assign(Object.create(null), { a: 1 })],
    [
      'getters, read once',
      () => ({
        get a() {
          return [1]
        },
      }),
    ],
    ['symbols as keys, left out', () => ({ [Symbol('s')]: 1, a: 2 })],
    ['properties that are not enumerable, left out', () => Object.defineProperty({ a: 1 }, 'b', { value: 2 })],
    ['holes', () => sparse],
    ['an array that is all holes', () => new Array(1e6)],
    ['arrays with more properties', () => extra],
    ['long arrays of numbers', () => Array.from({ length: 5000 }, (_, i) => i / 2)],
    [
      'long arrays of numbers with more properties',
      () =>
        Object.assign(
          Array.from({ length: 5000 }, (_, i) => i),
          { a: 1 },
        ),
    ],
    ['long arrays of objects', () => Array.from({ length: 2000 }, (_, i) => ({ i }))],
    ['keys in their order', () => ({ b: 1, a: 2, 10: 3, 9: 4 })],
    [
      'two views of one buffer',
      () => [new Uint8Array(shared, 4, 4), new Float64Array(shared), new DataView(shared, 2)],
    ],
    ['a Buffer', () => Buffer.from('hello')],
    ['a regular expression without its lastIndex', () => Object.assign(/x/g, { lastIndex: 3 })],
    ['long strings', () => ['x'.repeat(1e6), 'ü'.repeat(1e5), '漢'.repeat(1e5), '\ud800 lone']],
  ])('%s', (_, make) => {
    const ours = cross(make())
    expect(isDeepStrictEqual(ours, structuredClone(make()))).toBe(true)
  })

  test('a date that is none', () => {
    expect((cross(new Date(Number.NaN)) as Date).getTime()).toBe(Number.NaN)
  })

  test('a resizable buffer, and a view that follows its length', () => {
    const buffer = new (ArrayBuffer as unknown as new (n: number, o: object) => ArrayBuffer)(8, { maxByteLength: 64 })
    const [ours, view] = cross([buffer, new Uint8Array(buffer)]) as [
      ArrayBuffer & { resize(n: number): void },
      Uint8Array,
    ]
    ours.resize(32)
    expect(view.length).toBe(32)
    expect(view.buffer).toBe(ours)
  })

  test('one `encode` inside another, from a getter', () => {
    const tricky = {
      a: 'before',
      get b() {
        return cross({ inner: [1, 'two'] })
      },
      c: 'after',
    }
    expect(cross(tricky)).toEqual({ a: 'before', b: { inner: [1, 'two'] }, c: 'after' })
  })
})

describe('cells', () => {
  test.each([undefined, null, true, false, 0, -0, 1, -1, 0.1, Number.NaN, 2 ** 31, -(2 ** 31), '', 'seven77', 'äöü'])(
    '%j stands in a cell',
    (small) => {
      const tag = packCell(small, 16)
      expect(tag).toBeGreaterThan(0)
      expect(tag).toBeLessThan(255)
      expect(unpackCell(tag, 16)).toBe(small)
    },
  )

  test.each([['eight888'], ['漢'], [{}], [[]], [1n], [Symbol('s')], [() => {}]])('%s does not', (large) => {
    expect(packCell(large, 16)).toBe(0)
  })

  test('any string that fits comes back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 8 }), (text) => {
        const tag = packCell(text, 16)
        if (tag !== 0) expect(unpackCell(tag, 16)).toBe(text)
      }),
    )
  })
})

describe('errors', () => {
  test.each([
    new Error('plain'),
    new TypeError('type'),
    new RangeError('range', { cause: new SyntaxError('deep') }),
    Object.assign(new Error('with'), { code: 'E_CODE', more: { a: [1] } }),
    new AggregateError([new TypeError('a'), 'b'], 'many'),
    new CaptureError('ours'),
    new ThreadDiedError('ours too', { cause: new Error('why') }),
  ])('%s keeps class, message, stack, cause, code and properties', (error) => {
    const copy = cross(error) as Error
    expect(copy.constructor).toBe(error.constructor)
    expect({ ...copy }).toEqual({ ...error })
    expect(copy.message).toBe(error.message)
    expect(copy.stack).toBe(error.stack)
    expect(copy.name).toBe(error.name)
    if (error.cause !== undefined) expect((copy.cause as Error).constructor).toBe((error.cause as Error).constructor)
    if (error instanceof AggregateError) expect((copy as AggregateError).errors).toHaveLength(error.errors.length)
    for (const key of ['message', 'stack', 'cause', 'errors']) {
      expect(Object.prototype.propertyIsEnumerable.call(copy, key)).toBe(false)
    }
  })

  test('a class that the other side does not know arrives as the nearest that it does, by its name', () => {
    class HttpError extends TypeError {
      override name = 'HttpError'
    }
    const copy = cross(new HttpError('404')) as Error
    expect(copy).toBeInstanceOf(TypeError)
    expect(copy.name).toBe('HttpError')
  })

  test('a DOMException', () => {
    const copy = cross(new DOMException('stop', 'AbortError')) as DOMException
    expect(copy).toBeInstanceOf(DOMException)
    expect(copy).toMatchObject({ name: 'AbortError', message: 'stop', code: 20 })
  })

  test('an error that is its own cause', () => {
    const error = new Error('loop')
    error.cause = error
    const copy = cross(error) as Error
    expect(copy.cause).toBe(copy)
  })

  test('one that is thrown gets through without what cannot be sent', () => {
    const error = Object.assign(new Error('socket'), { socket: { write: () => {} }, code: 'E_SOCKET', list: [1] })
    const copy = cross(error, { lossy: true }) as typeof error
    expect(copy).toMatchObject({ message: 'socket', code: 'E_SOCKET', list: [1] })
    expect(copy.socket).toContain('write')
  })

  test('what is thrown and cannot be sent at all arrives as the error that says so', () => {
    const copy = cross(() => {}, { lossy: true, root: 'error' }) as Error
    expect(copy.name).toBe('DataCloneError')
  })
})

describe('what cannot be sent', () => {
  test.each<[string, unknown, string]>([
    ['a function', () => {}, 'value: a function'],
    ['a symbol', Symbol('s'), 'value: a symbol'],
    ['a boxed symbol', [Object(Symbol('s'))], 'value, at [0]: a symbol'],
    ['a promise', { p: Promise.resolve() }, 'value, at .p: a promise'],
    ['a WeakMap', { 'two words': new WeakMap() }, 'value, at ["two words"]: a WeakMap'],
    ['a WeakRef', [[new WeakRef({})]], 'value, at [0][0]: a WeakRef'],
    [
      'an arguments object',
      (function (..._: unknown[]) {
        return arguments
      })(1),
      'value: an arguments object',
    ],
    ['a proxy', { p: new Proxy({}, {}) }, 'value, at .p: a Proxy'],
    ['a generator', [(function* () {})()], 'value, at [0]: a generator'],
    ['in a map', { m: new Map([['key', { f() {} }]]) }, "value, at .m.get('key').f: a function"],
    ['in a set', new Set([1, () => {}]), 'value, at .item(1): a function'],
    ['in the cause of an error', new Error('x', { cause: () => {} }), 'value, at .cause: a function'],
    ["a goroutine's handle", { g: new Goroutine(1, 0) }, "value, at .g: a goroutine's handle"],
    [
      'a function beside the elements of a long array',
      Object.assign(new Array(300).fill(0), { f() {} }),
      'value, at .f',
    ],
    ['a port that is not transferred', { port: new MessageChannel().port1 }, 'value, at .port: a MessagePort'],
  ])('%s is refused with the path to it', (_, bad, message) => {
    expect(refusal(bad)).toContain(message)
  })

  test('an argument is named by its number', () => {
    const root = (i: number) => `argument ${i + 1}`
    expect(refusal([1, { options: { onDone: () => {} } }], { root })).toMatch(/^argument 2, at \.options\.onDone: /)
    expect(refusal([() => {}], { root })).toMatch(/^argument 1: /)
  })

  test('and nothing is transferred then', () => {
    const buffer = new ArrayBuffer(8)
    refusal([buffer, () => {}], { transfer: [buffer] })
    expect(buffer.byteLength).toBe(8)
    expect(cross([1, 'after'])).toEqual([1, 'after'])
  })
})

test('an object that shows nothing of itself is refused if Node refuses it', () => {
  const url = new URL('https://example.org')
  const isRefused = (() => {
    try {
      return structuredClone(url) === undefined
    } catch {
      return true
    }
  })()
  if (isRefused) expect(refusal([url])).toMatch(/^value, at \[0\]: a URL can't be sent to another thread: /)
  else expect(cross([url])).toEqual([{}])
  class Secret {
    readonly #x = 1
    get x() {
      return this.#x
    }
  }
  expect(cross([new Secret()])).toEqual([{}])
})

test('what a proxy says is not taken for a handle', () => {
  const says = (what: unknown) => new Proxy({}, { get: () => what })
  for (const proxy of [says(0), says(42), Proxy.revocable({}, {}).proxy]) expect(packCell(proxy, 64)).toBe(0)
})

test('what is beside the elements of a long array comes with it', () => {
  for (const length of [257, 300, 20_000]) {
    const full = new Array<number>(length).fill(1)
    const holey = new Array<number>(length).fill(1)
    delete holey[7]
    for (const array of [[...full], full, holey]) {
      expect(cross(array)).toEqual(array)
      expect(7 in (cross(array) as number[])).toBe(7 in array)
      const more = Object.assign(array, { more: { n: 1 } })
      expect(cross(more)).toEqual(more)
      expect((cross(more) as typeof more).more).toEqual({ n: 1 })
    }
  }
})

test('DataCloneError is the class of what refuses a value, and of no other error', () => {
  const node = () => structuredClone(() => {})
  expect(node).toThrow(DataCloneError)
  expect(() => encode(() => {}, { root: 'value' })).toThrow(DataCloneError)
  expect(new DataCloneError('x')).toMatchObject({ name: 'DataCloneError', message: 'x', code: 25 })
  for (const other of [new DOMException('x', 'AbortError'), new Error('x'), null]) {
    expect(other instanceof DataCloneError).toBe(false)
  }
})

describe('transfer', () => {
  test('all is taken from the sender, or nothing', () => {
    const short = new ArrayBuffer(8)
    // Of the pool that small Buffers share, which newer versions of Node do not give away.
    const pool = Buffer.from('x').buffer as ArrayBuffer
    const isRefused = (() => {
      try {
        return structuredClone(pool, { transfer: [pool] }) === undefined
      } catch {
        return true
      }
    })()
    if (isRefused) expect(refusal([short], { transfer: [short, pool] })).toMatch(/^transfer: /)
    else encode([short], { root: 'value', transfer: [short, pool] })
    expect(short.byteLength).toBe(isRefused ? 8 : 0)
  })

  test('nothing is taken from the sender, and no handle retained, if there is no room for the message', () => {
    const retained: unknown[] = []
    useRetain(
      (handle) => retained.push(handle),
      () => {},
    )
    const buffer = new Uint8Array(5000).fill(7).buffer
    const handle = new (class {
      readonly [handleKind] = 200
      readonly [handleAddress] = 8
    })()
    const full = new OutOfMemoryError('full')
    for (const lossy of [false, true]) {
      const options = { root: 'value', transfer: [buffer], lossy }
      const room = () => {
        throw full
      }
      expect(() => encode([buffer, handle], options, room)).toThrow(full)
    }
    expect([buffer.byteLength, retained]).toEqual([5000, []])
    expect(encode([buffer, handle], { root: 'value', transfer: [buffer] }, () => 64).block).toBe(64)
    expect([buffer.byteLength, retained]).toEqual([0, [handle]])
  })

  test('an ArrayBuffer is moved', () => {
    const buffer = new Uint8Array([1, 2, 3]).buffer
    expect(new Uint8Array(cross(buffer, { transfer: [buffer] }) as ArrayBuffer)).toEqual(new Uint8Array([1, 2, 3]))
    expect(buffer.byteLength).toBe(0)
  })

  test('twice in the list, detached, or of another kind: refused', () => {
    const buffer = new ArrayBuffer(8)
    expect(refusal(1, { transfer: [buffer, buffer] })).toContain('transfer[1]')
    structuredClone(buffer, { transfer: [buffer] })
    expect(refusal(1, { transfer: [buffer] })).toContain('transfer[0]')
    expect(refusal(1, { transfer: [{}] })).toContain('transfer[0]')
    expect(refusal([buffer])).toContain('value, at [0]')
  })

  test('what is no bytes is handed out beside them, once', () => {
    const memory = new SharedArrayBuffer(8)
    const { port1 } = new MessageChannel()
    const { bytes, externals } = encode([memory, new Int32Array(memory), port1], { root: 'value', transfer: [port1] })
    expect(externals).toEqual([memory, port1])
    const [a, view, port] = decode(bytes.slice(), externals) as [SharedArrayBuffer, Int32Array, unknown]
    expect(a).toBe(memory)
    expect(view.buffer).toBe(memory)
    expect(port).toBe(port1)
    port1.close()
  })
})

describe('what is long', () => {
  const long = new Uint8Array(10_001).map((_, i) => i * 7)
  const latin = 'Käse und Brot. '.repeat(500)
  const wide = 'Käse für 5 €. '.repeat(500)

  test('crosses as what is short does, side by side with it', () => {
    const value = { short: 'a', long, latin, wide, again: [long, latin, 1.5], end: new Float64Array(1000).fill(0.1) }
    const arrived = cross(value) as typeof value
    expect(arrived).toEqual(value)
    expect(arrived.again[0]).toBe(arrived.long)
    expect(cross(latin)).toBe(latin)
    expect(cross(wide)).toBe(wide)
  })

  test('is in one piece when it is asked for so', () => {
    const value = ['x', long, wide]
    expect(decode(wholeOf(encode(value, { root: 'value' })).slice())).toEqual(value)
    expect(decode(wholeOf(encode('x', { root: 'value' })))).toBe('x')
  })

  test('begins at a multiple of eight, whatever stands before it', () => {
    for (let n = 0; n < 16; n++) {
      for (const size of [100, 5000]) {
        const whole = wholeOf(encode(['x'.repeat(n), new Uint8Array(size).fill(0xee)], { root: 'value' }))
        expect(whole.indexOf(0xee) % 8).toBe(0)
        expect(whole.length).toBe(whole.indexOf(0xee) + size)
      }
    }
  })

  test('is still there for the receiver when it was transferred, through a view too', () => {
    const bytes = long.slice()
    const arrived = cross([bytes, 'and', latin], { transfer: [bytes.buffer] })
    expect(arrived).toEqual([long, 'and', latin])
    expect(bytes.length).toBe(0)
  })

  test('is an object of its own, which can be transferred on', () => {
    const { buffer } = cross(long) as Uint8Array<ArrayBuffer>
    expect(buffer.byteLength).toBe(long.length)
    expect(new Uint8Array(structuredClone(buffer, { transfer: [buffer] }))).toEqual(long)
  })

  test('is refused if a getter takes it away after it was read', () => {
    const bytes = long.slice()
    const value = {
      bytes,
      get more() {
        structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
        return 1
      },
    }
    expect(refusal(value)).toContain('while what it stands in was read')
  })

  test('is read by a getter that starts a message of its own, without harm to either', () => {
    let inner: unknown
    const value = {
      before: long,
      get more() {
        inner = decode(wholeOf(encode([latin, long], { root: 'value' })))
        return wide
      },
    }
    expect(cross(value)).toEqual({ before: long, more: wide })
    expect(inner).toEqual([latin, long])
  })

  test('is left out of an error that it stands in beside what can not be sent', () => {
    const error = Object.assign(new Error('failed'), { long, bad: { long, run: () => {} }, after: latin })
    const arrived = cross(error, { lossy: true }) as typeof error
    expect(arrived.long).toEqual(long)
    expect(arrived.bad).toBeTypeOf('string')
    expect(arrived.after).toBe(latin)
  })
})

describe('handles', () => {
  class Counter {
    readonly [handleKind] = 7
    readonly [handleAddress]: number
    constructor(address: number) {
      this[handleAddress] = address
    }
  }

  test('are known by their kind, in a cell and in bytes, and stay one', () => {
    const known = new Map<number, Counter>()
    registerHandle(7, (address) => known.get(address) ?? new Counter(address))
    const counter = new Counter(4711)
    known.set(4711, counter)
    const tag = packCell(counter, 16)
    expect(unpackCell(tag, 16)).toBe(counter)
    expect(cross({ list: [counter, counter] })).toEqual({ list: [counter, counter] })
  })
})
