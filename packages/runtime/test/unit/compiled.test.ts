/**
 * Functions that the compiler has been through, by hand: what `ship` and the registry tell of them, and what is made of their
 * records. All on one thread; packages/goro/test/integration/compiled.test.ts has real ones.
 */
import { Session } from 'node:inspector'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { cacheWords, createRegion, initSlab, regionBytes, SLAB_SHAPE, Slab, slabLayout, useSlab } from '@goro/memory'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { analyse, skim } from '../../src/capture.ts'
import { describeCode, recordAt } from '../../src/code.ts'
import { type AnyFunction, formsOf, type ModuleTable, rootValue, ship } from '../../src/compiled.ts'
import { functionAt, type ShippedFunction } from '../../src/link.ts'
import { captured, codeOf, nameOfCaptured } from '../../src/shipment.ts'
import { decode, encode } from '../../src/value.ts'

beforeAll(() => {
  const classes = SLAB_SHAPE.classes.length
  const cache = 16 + slabLayout(classes).SIZE
  createRegion(2 ** 24, true)
  initSlab(16, cache + cacheWords(classes), regionBytes() / 4)
  useSlab(new Slab(16, cache, 1))
})

type Sites = ReturnType<ModuleTable>['sites']
type Getters = Parameters<(typeof Registry)['push']>[0][1]
declare const Registry: (readonly [ModuleTable, () => readonly (() => readonly [unknown, () => unknown[], number])[]])[]

/** The table of a module of its own. */
const table =
  (sites: Sites, imports: ReturnType<ModuleTable>['imports'] = []): ModuleTable =>
  () => ({ imports, sites })

/** Registers functions at module level, as a compiled module does. */
function register(module: ModuleTable, getters: Getters): void {
  const holder = globalThis as unknown as Record<symbol, (typeof Registry)[number][] | undefined>
  const key = Symbol.for('goro.compiled')
  holder[key] ??= []
  holder[key].push([module, getters])
}

/** As `go`: what a thread makes of `fn` and the data that goes along. */
async function run(fn: AnyFunction, ...args: unknown[]): Promise<unknown> {
  const code = codeOf(fn, 'go')
  const values = decode(encode([...captured, ...args], { root: 'values' }).bytes) as unknown[]
  return (await functionAt(code))(...values)
}

describe('the elements of a thunk, whatever a bundler has made of them', () => {
  const form = (root: string, ...steps: (string | 0)[]) => ({ root, steps })

  test.each([
    ['() => []', []],
    ['() => [a]', [form('a')]],
    ['()=>[a,b]', [form('a'), form('b')]],
    ['() => [a, b,]', [form('a'), form('b')]],
    ['function () { return [a, b] }', [form('a'), form('b')]],
    ['() => { return [a] }', [form('a')]],
    ['() => [r.parse, r["default"], r[\'x y\']]', [form('r', 'parse'), form('r', 'default'), form('r', 'x y')]],
    ['() => [(0, r.parse), (0,r.a)]', [form('r', 'parse'), form('r', 'a')]],
    ['() => [Object(r.parse)]', [form('r', 'parse')]],
    ['() => [r(), r().x, r.a, r()["b"]]', [form('r', 0), form('r', 0, 'x'), form('r', 'a'), form('r', 0, 'b')]],
    ['() => [/* harmony */ _a__WEBPACK_0__.b /* c, d */, e // f\n]', [form('_a__WEBPACK_0__', 'b'), form('e')]],
    ['() => [1, -1, 1e3, "a, ]", `b]`, !0, void 0, null, a]', [...Array(8).fill(undefined), form('a')]],
    ['() => [{ a: [1, 2] }, [b], a]', [undefined, undefined, form('a')]],
    ['() => [été, $, _, ℮]', [form('été'), form('$'), form('_'), form('℮')]],
    ['() => [__vi_import_0__.parse]', [form('__vi_import_0__', 'parse')]],
  ])('%s', (text, forms) => {
    expect(formsOf(text)).toEqual(forms)
  })

  test('are put together to what their roots have to be', () => {
    expect(rootValue([[[], 1]])).toBe(1)
    const root = rootValue([
      [['parse'], 1],
      [['a', 'b'], 2],
    ]) as { parse: number; a: { b: number } }
    expect([root.parse, root.a.b]).toEqual([1, 2])
    const called = rootValue([
      [[0, 'x'], 3],
      [['a'], 4],
    ]) as { (): { x: number }; a: number }
    expect([called().x, called.a]).toEqual([3, 4])
    expect((rootValue([[[0], 5]]) as () => number)()).toBe(5)
    expect(
      rootValue([
        [['x'], 6],
        [[], 'all of it'],
      ]),
    ).toBe('all of it')
  })
})

describe('what is found in a text at a glance', () => {
  const isOurs = (name: string) => ['a', 'b', 'require'].includes(name)
  const isDoubtful = (name: string) => name === 'ownGlobal'

  test.each([
    '() => a + b',
    'async () => { for await (const x of b) yield_(a, ...b) }',
    'async()=>a',
    'x => a(x)',
    'async x => [...a, x.b]',
    '(x = a, { b } = {}) => require(x)',
    'function named(x) { return x ? named(a) : null }',
    'function* () { yield* a }',
    'async function*gen(){ yield a }',
    'async function (x) { return `x` + b }',
  ])('%s', (text) => {
    const seen = skim(text, isOurs, isDoubtful)
    const exact = analyse(text)
    expect(seen).toMatchObject({
      kind: exact.kind,
      anchor: exact.anchor,
      isAsync: exact.isAsync,
      isGenerator: exact.isGenerator,
    })
    const names = seen?.free.map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(exact.free.map(({ name }) => name).filter(isOurs)))
  })

  test('a property is no name', () => {
    expect(skim('() => x.a.b', isOurs, isDoubtful)?.free).toEqual([])
  })

  test.each([
    'class A {}',
    'class extends a {}',
    'method(x) { return a }',
    'async method() {}',
    '*method() {}',
    '["computed"]() {}',
    'get a() {}',
    '() => import("a")',
    '() => import.meta.url',
    '() => __spread(a)',
    '() => ownGlobal + a',
    '() => \\u0061',
    'function /* ( */ named() {}',
  ])('too little for %s', (text) => {
    expect(skim(text, isOurs, isDoubtful)).toBeUndefined()
  })
})

describe('data', () => {
  test('is that of the call', async () => {
    const module = table([[0]])
    const counts = new Map([['a', 1]])
    const read = () =>
      ship(
        () => counts.get('a'),
        () => [counts],
        module,
        0,
      )
    expect(await run(read())).toBe(1)
    counts.set('a', 2)
    expect(await run(read())).toBe(2)
    const same = read()
    counts.set('a', 3)
    expect(await run(same)).toBe(3)
    counts.set('a', 4)
    expect(await run(same)).toBe(4)
  })

  test('comes ahead of the arguments, in the order of the thunk', async () => {
    const module = table([[0, 0, 0]])
    const [a, b, c] = ['a', 'b', 'c']
    expect(
      await run(
        ship(
          (x: string, y = 'y', ...rest: string[]) => [a, b, c, x, y, rest].flat().join(''),
          () => [b, a, c],
          module,
          0,
        ),
        'x',
      ),
    ).toBe('abcxy')
    expect(captured).toEqual(['b', 'a', 'c'])
  })

  test('that two functions have is one object there', async () => {
    const module = table([[0, 0], [0]])
    const shared = { n: 0 }
    const add = ship(
      () => ++shared.n,
      () => [shared],
      module,
      1,
    )
    const main = ship(
      () => [add(), add(), shared.n],
      () => [add, shared],
      module,
      0,
    )
    expect(await run(main)).toEqual([1, 2, 2])
    expect(shared.n).toBe(0)
  })

  test('that a minifier has put into the function, or that it does not use, stays here', async () => {
    const module = table([[0, 0, 0]])
    const unused = () => 1
    const used = 2
    const fn = ship(
      (x: number) => x + 1 + used,
      () => [1, unused, used],
      module,
      0,
    )
    expect(await run(fn, 1)).toBe(4)
    expect(captured).toEqual([2])
  })

  test('is called by its name in messages', () => {
    const module = table([[0, 0], [0], [[0, '*']]], ['./x.ts'])
    const first = 1
    const options = { deep: 1 }
    const helper = ship(
      function helper() {
        return options
      },
      () => [options],
      module,
      1,
    )
    const fn = ship(
      () => [first, helper],
      () => [first, helper],
      module,
      0,
    )
    codeOf(fn, 'go')
    expect(captured).toEqual([1, options])
    const named = (name: string) => `captured variable ${name}`
    expect([0, 1].map((i) => nameOfCaptured(fn, i, 'go'))).toEqual([named('`first`'), named('`options` of `helper`')])
    const ns = { a: 1, b: { c: 2 } }
    const all = ship(
      () => ns,
      () => [ns],
      module,
      2,
    )
    codeOf(all, 'go')
    expect([0, 1].map((i) => nameOfCaptured(all, i, 'go'))).toEqual([named('`ns.a`'), named('`ns.b`')])
    const part = ship(
      () => options.deep,
      () => [options.deep],
      table([[0]]),
      0,
    )
    codeOf(part, 'go')
    expect(nameOfCaptured(part, 0, 'go')).toEqual(named('`options.deep`'))
  })
})

describe('code', () => {
  test('that refers to itself by its variable', async () => {
    const module = table([[1]])
    const fac: (n: number) => number = ship(
      (n: number) => (n < 2 ? 1 : n * fac(n - 1)),
      () => [fac],
      module,
      0,
    )
    expect(await run(fac, 5)).toBe(120)
  })

  test('that refers to each other, with data somewhere', async () => {
    const module = table([[1], [1, 0]])
    const step = { by: 1 }
    const even: (n: number) => boolean = ship(
      (n: number) => n === 0 || odd(n - step.by),
      () => [odd, step],
      module,
      1,
    )
    const odd: (n: number) => boolean = ship(
      (n: number) => n !== 0 && even(n - 1),
      () => [even],
      module,
      0,
    )
    expect(await Promise.all([run(even, 9), run(odd, 9)])).toEqual([false, true])
  })

  test('at module level is found by the registry, once its variable is there', async () => {
    const module = table([[1], [0]])
    const k = { plus: 1 }
    let isThere = false
    function outer(n: number) {
      return inner(n) + 1
    }
    function inner(n: number) {
      return n + k.plus
    }
    const uninitialised = (): never => {
      throw new ReferenceError("Cannot access 'inner' before initialization")
    }
    register(module, () => [
      () => [outer, () => [inner], 0],
      () => (isThere ? [inner, () => [k], 1] : uninitialised()),
      () => [undefined, () => [], 0],
    ])
    expect(() => codeOf(outer, 'go')).toThrow(/`inner` .* refers to `k`/)
    isThere = true
    expect(await run(outer, 1)).toBe(3)
    expect(await run(inner, 1)).toBe(2)
  })

  test('that is frozen', async () => {
    const k = 2
    const frozen = Object.freeze(() => k)
    const module = table([[0]])
    register(module, () => [() => [frozen, () => [k], 0]])
    expect(await run(frozen)).toBe(2)
    const other = Object.freeze(() => k + 1)
    expect(await run(ship(other, () => [k], table([[0]]), 0))).toBe(3)
  })

  test('that stays the same is not looked through again', async () => {
    const module = table([[1], [1, 1], []])
    let looks = 0
    const look = <T>(value: T): T => {
      looks++
      return value
    }
    const three = ship(
      () => 3,
      () => [],
      module,
      2,
    )
    const two: (n: number) => number = ship(
      (n: number) => (n > 0 ? two(n - 1) : three()),
      () => look([two, three]),
      module,
      1,
    )
    const one = ship(
      (n: number) => two(n),
      () => look([two]),
      module,
      0,
    )
    expect(await run(one, 1)).toBe(3)
    expect(await run(two, 1)).toBe(3)
    const before = looks
    expect(before).toBeGreaterThan(0)
    expect(await run(one, 1)).toBe(3)
    expect(await run(two, 1)).toBe(3)
    expect(looks).toBe(before)
    expect(codeOf(one, 'go')).toBe(codeOf(one, 'go'))
  })

  test('that starts goroutines itself refers to the table of its module', async () => {
    function module() {
      return { imports: [['goro/compiled']] as [string][], sites: [[[0, 'ship'], 1], [0]] as Sites }
    }
    register(module, () => [])
    const _goro = { ship }
    const outer = ship(
      (x: number) =>
        _goro.ship(
          (y: number) => x + y,
          () => [x],
          module,
          1,
        ),
      () => [_goro.ship, module],
      module,
      0,
    )
    const code = codeOf(outer, 'go')
    expect(captured).toEqual([])
    expect(recordAt(code).slots).toEqual([
      expect.objectContaining({ form: { root: '_goro', steps: ['ship'] } }),
      expect.objectContaining({ form: { root: 'module', steps: [] } }),
    ])
  })

  test('whose variable was given another function is the other one', async () => {
    const module = table([[0], [], []])
    let handler: () => string = ship(
      () => 'a',
      () => [],
      module,
      1,
    )
    const fn = ship(
      () => handler(),
      () => [handler],
      module,
      0,
    )
    expect([await run(fn), await run(fn)]).toEqual(['a', 'a'])
    handler = ship(
      () => 'b',
      () => [],
      module,
      2,
    )
    expect([await run(fn), await run(fn)]).toEqual(['b', 'b'])
    // Plain and self-contained, and then no function at all.
    handler = () => 'c'
    expect(await run(fn)).toBe('c')
    const data = ship(
      () => typeof handler,
      () => [handler],
      table([[0]]),
      0,
    )
    handler = 'd' as never
    expect(await run(data)).toBe('string')
  })

  test('given as a parameter is what it is in each call', async () => {
    const module = table([[0, 0], [0], [0]])
    const apply = (fn: (x: number) => number, x: number) =>
      ship(
        () => fn(x),
        () => [fn, x],
        module,
        0,
      )
    const plus = (k: number) =>
      ship(
        (x: number) => x + k,
        () => [k],
        module,
        1,
      )
    const twice = (f: (x: number) => number) =>
      ship(
        (x: number) => f(f(x)),
        () => [f],
        module,
        2,
      )
    expect(await run(apply(plus(1), 1))).toBe(2)
    expect(await run(apply(plus(2), 1))).toBe(3)
    expect(await run(apply(twice(plus(3)), 1))).toBe(7)
    expect(await run(apply(twice(twice(plus(1))), 1))).toBe(5)
    expect(await run(apply((x) => x * 10, 1))).toBe(10)
  })

  test('is one function there as often as it is here', async () => {
    const module = table([[0, 0, 0], [0]])
    const make = (k: number) =>
      ship(
        () => k,
        () => [k],
        module,
        1,
      )
    const a = make(1)
    const b = make(1)
    expect(
      await run(
        ship(
          (c: unknown) => [a === (b as unknown), a === c, b()],
          () => [a, b],
          table([[0, 0]]),
          0,
        ),
      ),
    ).toEqual([false, false, 1])
    const c = a
    expect(
      await run(
        ship(
          () => [a === (b as unknown), a === c],
          () => [a, b, c],
          module,
          0,
        ),
      ),
    ).toEqual([false, true])
  })

  test('has the same record for the same shape', () => {
    const module = table([[0, 0], [0]])
    const make = (k: number) => {
      const inner = ship(
        () => k,
        () => [k],
        module,
        1,
      )
      return ship(
        () => [inner(), k],
        () => [inner, k],
        module,
        0,
      )
    }
    const codes = new Set(Array.from({ length: 1000 }, (_, i) => codeOf(make(i), 'go')))
    expect(codes.size).toBe(1)
    const three = ship(
      () => 3,
      () => [],
      table([[]]),
      0,
    )
    const closed = () =>
      ship(
        () => three(),
        () => [three],
        constant,
        0,
      )
    const constant = table([[1]])
    expect(new Set(Array.from({ length: 1000 }, () => codeOf(closed(), 'go'))).size).toBe(1)
  })

  test('can be shipped on, with what it has there', async () => {
    const module = table([[0, 0], [0], [1]])
    const k = { n: 1 }
    const inner = ship(
      () => k.n,
      () => [k],
      module,
      1,
    )
    const outer = ship(
      (give: unknown) => (give === undefined ? [inner() + k.n] : [inner, k]),
      () => [inner, k],
      module,
      0,
    )
    const code = codeOf(outer, 'go')
    const five = { n: 5 }
    const [there, copy] = ((await functionAt(code)) as ShippedFunction)(five, five, true) as [() => number, typeof k]
    expect(there).not.toBe(inner)
    expect(there()).toBe(5)
    copy.n = 6
    const codeThere = codeOf(there, 'go')
    expect(captured).toEqual([{ n: 6 }])
    expect(codeThere).toBe(codeOf(inner, 'go'))
    expect(await run(there)).toBe(6)
  })

  test('is told of by the place of its definition', () => {
    const k = 1
    const fn = ship(
      function named() {
        return k
      },
      () => [k],
      table([[0]]),
      0,
    )
    const { name, file, column } = describeCode(codeOf(fn, 'go'))
    expect({ name, file }).toEqual({ name: 'named', file: import.meta.url })
    expect(column).toBeGreaterThan(0)
  })

  test('of a whole graph is looked up by V8 at once', () => {
    const module = table([[1, 1, 1], [], [], []])
    const a = ship(
      () => 'a1',
      () => [],
      module,
      1,
    )
    const b = ship(
      () => 'b1',
      () => [],
      module,
      2,
    )
    const c = ship(
      () => 'c1',
      () => [],
      module,
      3,
    )
    const all = ship(
      () => [a(), b(), c()],
      () => [a, b, c],
      module,
      0,
    )
    const connect = vi.spyOn(Session.prototype, 'connect')
    codeOf(all, 'go')
    expect(connect).toHaveBeenCalledTimes(1)
    codeOf(
      ship(
        () => [a(), b(), c()],
        () => [a, b, c],
        module,
        0,
      ),
      'go',
    )
    expect(connect).toHaveBeenCalledTimes(1)
    connect.mockRestore()
  })
})

describe('classes', () => {
  test('with private fields, static blocks and a base', async () => {
    const module = table([[1], [1], [1], []])
    class Base {
      #n: number
      constructor(n: number) {
        this.#n = n
      }
      static is(x: object) {
        return #n in x
      }
      get n() {
        return this.#n
      }
    }
    const double = ship(
      (n: number) => n * 2,
      () => [],
      module,
      3,
    )
    class Derived extends Base {
      static readonly made: number[] = []
      static {
        Derived.made.push(double(1))
      }
      override get n() {
        return double(super.n)
      }
    }
    ship(Base, () => [], table([[]]), 0)
    ship(Derived, () => [Base, double], table([[1, 1]]), 0)
    const main = ship(
      () => {
        const d = new Derived(4)
        return [d.n, d instanceof Base, Base.is(d), Derived.made, Derived.name]
      },
      () => [Derived, Base],
      table([[1, 1]]),
      0,
    )
    expect(await run(main)).toEqual([8, true, true, [2], 'Derived'])
  })

  test('that refer to each other, whichever is met first', async () => {
    class A {
      make(): B {
        return new B()
      }
      get name() {
        return 'A'
      }
    }
    class B extends A {
      override get name() {
        return `B of ${super.name}`
      }
    }
    ship(A, () => [B], table([[1]]), 0)
    ship(B, () => [A], table([[1]]), 0)
    expect(
      await run(
        ship(
          () => new A().make().name,
          () => [A],
          table([[1]]),
          0,
        ),
      ),
    ).toBe('B of A')
    expect(
      await run(
        ship(
          () => new B().make().name,
          () => [B],
          table([[1]]),
          0,
        ),
      ),
    ).toBe('B of A')
    expect(
      await run(
        ship(
          () => [new B().name, new A().name],
          () => [B, A],
          table([[1, 1]]),
          0,
        ),
      ),
    ).toEqual(['B of A', 'A'])
  })

  test('that make instances while they are defined', async () => {
    const first = ship(
      (): string => helper(),
      () => [helper],
      table([[1]]),
      0,
    )
    const helper = ship(
      () => new Part().name,
      () => [Part],
      table([[1]]),
      0,
    )
    class Part {
      readonly name = 'part'
    }
    class Whole {
      static readonly instance = new Whole()
      readonly part = first()
    }
    ship(Part, () => [], table([[]]), 0)
    ship(Whole, () => [Whole, first], table([[1, 1]]), 0)
    // `helper` is met before the class that needs it, and after it.
    expect(
      await run(
        ship(
          () => Whole.instance.part,
          () => [Whole],
          table([[1]]),
          0,
        ),
      ),
    ).toBe('part')
    expect(
      await run(
        ship(
          () => helper() + Whole.instance.part,
          () => [helper, Whole],
          table([[1, 1]]),
          0,
        ),
      ),
    ).toBe('partpart')
  })

  test('that hold data are made for each goroutine', async () => {
    const k = { n: 1 }
    class Counter {
      static count = 0
      add() {
        Counter.count += k.n
        return Counter.count
      }
    }
    ship(Counter, () => [k], table([[0]]), 0)
    const main = ship(
      () => new Counter().add(),
      () => [Counter],
      table([[1]]),
      0,
    )
    expect([await run(main), await run(main)]).toEqual([1, 1])
  })

  test('are no goroutines', () => {
    const k = 1
    class A {
      k = k
    }
    ship(A, () => [k], table([[0]]), 0)
    expect(() => codeOf(A, 'go')).toThrow(
      /^go: `A` \(file:.*\) is a class; pass a function that makes an instance of it$/,
    )
    class B extends A {}
    // It inherits the property in which the note of A is.
    expect(() => codeOf(B, 'go')).toThrow(/`B` .* is a class/)
  })
})

describe('functions of every kind', () => {
  test('generators, async generators and methods, called by others', async () => {
    const module = table([[0, 0], [0], [0], [0, 0, 0]])
    const k = 2
    const count = ship(
      function* (n: number) {
        for (let i = 0; i < n; i++) yield i * k
      },
      () => [k],
      module,
      1,
    )
    const later = ship(
      async function* (n: number) {
        for (const i of count(n)) yield i + k
      },
      () => [count, k],
      module,
      0,
    )
    const object = {
      run(n: number) {
        return n * k
      },
    }
    const { run: method } = object
    ship(method, () => [k], module, 2)
    const main = ship(
      async () => {
        const all = [...count(3)]
        for await (const each of later(2)) all.push(each)
        return [...all, method(5)]
      },
      () => [count, later, method],
      module,
      3,
    )
    expect(await run(main)).toEqual([0, 2, 4, 2, 4, 10])
    expect(() => codeOf(count, 'go')).toThrow(/is a generator function/)
  })

  test('default parameters, destructuring, shadowing and labels', async () => {
    const module = table([[0, 0, 0]])
    const a = 1
    const b = { c: 2 }
    const key = 'x'
    const fn = ship(
      function f(p = a, { q = b.c, [key]: r = a } = {} as Record<string, number>, [s = p + a] = [] as number[]) {
        let t = 0
        outer: for (const a of [1, 2, 3]) {
          for (const c of [10, 20]) {
            if (a === 2) continue outer
            t += a * c
          }
        }
        return [p, q, r, s, t, a]
      },
      () => [a, b, key],
      module,
      0,
    )
    expect(await run(fn)).toEqual([1, 2, 1, 2, 120, 1])
    expect(await run(fn, 5, { x: 6 })).toEqual([5, 2, 6, 6, 120, 1])
  })
})

describe('imports', () => {
  test('are loaded there: named, default, namespace and of CommonJS', async () => {
    const path = await import('node:path')
    const acorn = await import('acorn')
    const required = process.getBuiltinModule('node:path')
    const module = table(
      [[[0, 'join']], [[0, 'default']], [[0, '*']], [[0, '*']], [[1, 'parse']]],
      [['node:path'], ['acorn']],
    )
    expect(
      await run(
        ship(
          () => join('a', 'b'),
          () => [join],
          module,
          0,
        ),
      ),
    ).toBe('a/b')
    expect(
      await run(
        ship(
          () => path.default.sep,
          () => [path.default],
          module,
          1,
        ),
      ),
    ).toBe('/')
    expect(
      await run(
        ship(
          () => [path.sep, Object.keys(path).includes('default')],
          () => [path],
          module,
          2,
        ),
      ),
    ).toEqual(['/', true])
    expect(
      await run(
        ship(
          () => [required.sep, 'default' in required],
          () => [required],
          module,
          3,
        ),
      ),
    ).toEqual(['/', false])
    const { parse } = acorn
    expect(
      await run(
        ship(
          () => parse('1', { ecmaVersion: 5 }).type,
          () => [parse],
          module,
          4,
        ),
      ),
    ).toBe('Program')
    expect(captured).toEqual([])
  })

  test('by require: all of it, a property, the default; at once', async () => {
    const acorn = createRequire(import.meta.url)('acorn')
    const module = () => ({
      commonjs: true,
      imports: [['acorn'], ['node:path']] as [string][],
      sites: [[[0, '*']], [[0, 'parse']], [[0, 'default']]] as Sites,
    })
    const { parse } = acorn
    const functions = [
      ship(
        () => acorn.parse('1', { ecmaVersion: 5 }).type,
        () => [acorn],
        module,
        0,
      ),
      ship(
        () => parse('1', { ecmaVersion: 5 }).type,
        () => [parse],
        module,
        1,
      ),
      ship(
        () => acorn.parse('2', { ecmaVersion: 5 }).type,
        () => [acorn],
        module,
        2,
      ),
    ]
    for (const fn of functions) {
      const there = functionAt(codeOf(fn, 'go')) as ShippedFunction
      expect(there()).toBe('Program')
    }
  })

  test('that were taken apart are imported if they are code, and copied if they are data', async () => {
    const fs = await import('node:fs')
    const { promises, constants, existsSync } = fs.default
    const module = table(
      [
        [
          [0, 'default', 'promises'],
          [0, 'default', 'constants'],
          [0, 'default', 'existsSync'],
        ],
      ],
      [['node:fs']],
    )
    const fn = ship(
      () => [typeof promises.readFile, constants.R_OK, existsSync('/')],
      () => [promises, constants, existsSync],
      module,
      0,
    )
    expect(await run(fn)).toEqual(['function', 4, true])
    expect(captured).toEqual([constants])
  })

  test('make the function come later once, and not at all if they fail', async () => {
    const { posix, win32 } = await import('node:path')
    const module = table([[[0, 'posix']], [[1, 'nothing']]], [['node:path/posix'], ['./not-there.js']])
    const code = codeOf(
      ship(
        () => posix.sep,
        () => [posix],
        module,
        0,
      ),
      'go',
    )
    const first = functionAt(code)
    expect(first).toBeInstanceOf(Promise)
    expect(functionAt(code)).toBe(first)
    const fn = await first
    expect(functionAt(code)).toBe(fn)
    const missing = codeOf(
      ship(
        () => win32,
        () => [win32],
        module,
        1,
      ),
      'go',
    )
    await expect(functionAt(missing)).rejects.toThrow(/not-there/)
    await expect(functionAt(missing)).rejects.toThrow(/not-there/)
  })

  test('of modules of the program are code, data or imported, as their values are', async () => {
    const module = table([[[0, 'helper']], [[0, 'data']], [[1, 'join']], [0]], ['./program.ts', 'node:path'])
    const k = 1
    const helper = ship(
      () => k,
      () => [k],
      module,
      3,
    )
    const data = { k: 2 }
    expect(
      await run(
        ship(
          () => helper(),
          () => [helper],
          module,
          0,
        ),
      ),
    ).toBe(1)
    expect(
      await run(
        ship(
          () => data.k,
          () => [data],
          module,
          1,
        ),
      ),
    ).toBe(2)
    expect(
      await run(
        ship(
          () => join('a', 'b'),
          () => [join],
          module,
          2,
        ),
      ),
    ).toBe('a/b')
  })

  test('of all of a module of the program are an object of what it exports', async () => {
    const module = table([[[0, '*']], [0]], ['node:path'])
    const k = { n: 1 }
    const ns = {
      k,
      join,
      helper: ship(
        () => k.n,
        () => [k],
        module,
        1,
      ),
    }
    const main = ship(
      (key: keyof typeof ns) => [Object.keys(ns), ns.join('a', 'b'), ns.helper(), ns[key], { ...ns }.k],
      () => [ns],
      module,
      0,
    )
    expect(await run(main, 'k')).toEqual([['k', 'join', 'helper'], 'a/b', 1, { n: 1 }, { n: 1 }])
  })
})

describe('members of a namespace that can not be shipped', () => {
  test('throw when they are called', async () => {
    const bad = ship(
      () => 1,
      () => [],
      table(['app.ts:1:2: `x` is assigned to.']),
      0,
    )
    const viaBad = ship(
      () => bad(),
      () => [bad],
      table([[1]]),
      0,
    )
    const early = ship(
      () => late,
      () => [late],
      table([[1]]),
      0,
    )
    const all = { bad, viaBad, early, good: () => 2 }
    const main = ship(
      (name: keyof typeof all) => all[name](),
      () => [all],
      table([[[0, '*']]], ['node:path']),
      0,
    )
    ship(all.good, () => [], table([[]]), 0)
    const code = codeOf(main, 'go')
    const late = 1
    const there = (await functionAt(code)) as (name: keyof typeof all) => unknown
    expect(there('good')).toBe(2)
    expect(() => there('bad')).toThrow('app.ts:1:2: `x` is assigned to.')
    expect(() => there('viaBad')).toThrow('app.ts:1:2: `x` is assigned to.')
    expect(() => there('early')).toThrow(/`late`, which is not initialised yet/)
    expect(late).toBe(1)
  })
})

describe('names', () => {
  test('of native functions, with letters beyond ASCII, and like our own', async () => {
    const { max } = Math
    const { hasOwnProperty: has } = Object.prototype
    const ünïcode = 1
    const \u0061bc = 2
    const _goro_ = 3
    const fn = ship(
      async () => [
        max(1, 2),
        has.call({ a: 1 }, 'a'),
        ünïcode,
        abc,
        _goro_,
        (await import('node:path')).sep,
        typeof import.meta.url,
      ],
      () => [max, has, ünïcode, \u0061bc, _goro_],
      table([[1, 1, 1, 1, 1]]),
      0,
    )
    expect(await run(fn)).toEqual([2, true, 1, 2, 3, '/', 'string'])
    expect(formsOf('() => [\\u0061bc, \\u{fc}n]').map((form) => form?.root)).toEqual(['abc', 'ün'])
  })

  test('of getters are read once', async () => {
    let reads = 0
    const o = {
      get n() {
        return ++reads
      },
    }
    const inner = ship(
      (x: number) => x + o.n,
      () => [o.n],
      table([[0]]),
      0,
    )
    const outer = ship(
      () => inner(10),
      () => [inner],
      table([[1]]),
      0,
    )
    codeOf(outer, 'go')
    expect([reads, captured]).toEqual([1, [1]])
    codeOf(outer, 'go')
    expect([reads, captured]).toEqual([2, [2]])
  })
})

describe('refused', () => {
  test('is what the compiler refuses, with its words', () => {
    const module = table(['app.ts:1:2: `x` is assigned to.', [1]])
    const x = 1
    const bad = ship(
      () => x,
      () => [x],
      module,
      0,
    )
    const refusal = expect.objectContaining({ name: 'CaptureError', message: 'app.ts:1:2: `x` is assigned to.' })
    expect(() => codeOf(bad, 'go')).toThrow(refusal)
    expect(() =>
      codeOf(
        ship(
          () => bad(),
          () => [bad],
          module,
          1,
        ),
        'go',
      ),
    ).toThrow(refusal)
  })

  test('is a variable that is not initialised yet', () => {
    const module = table([[1], [1]])
    const early = ship(
      function early() {
        return late
      },
      () => [late],
      module,
      0,
    )
    const message =
      /^go: `early` refers to `late`, which is not initialised yet; call go at file:.*compiled.test.ts:\d+:\d+ after its declaration has run$/
    expect(() => codeOf(early, 'go')).toThrow(message)
    expect(() =>
      codeOf(
        ship(
          () => early(),
          () => [early],
          module,
          1,
        ),
        'go',
      ),
    ).toThrow(message)
    const late = 1
    expect(codeOf(early, 'go')).toBeGreaterThan(0)
    expect(late).toBe(1)
  })

  test('is a function that has come unseen by the compiler, with the ways out', () => {
    const k = 1
    const unseen = (x: number) => x + k
    const place = String.raw`file:.*compiled\.test\.ts:\d+:\d+`
    const message = new RegExp(
      `^go: \`unseen\` \\(${place}\\) refers to \`k\` at ${place}, which it would not find on another thread. Functions at the ` +
        'top level of compiled modules may come to go in any way; one within another function works if it is written where go ' +
        "is called, or begins with the directive 'use goroutine'; or pass data as an argument: go\\(fn, …, k\\)$",
    )
    expect(() => codeOf(unseen, 'go')).toThrow(message)
    expect(() =>
      codeOf(
        ship(
          () => unseen(1),
          () => [unseen],
          table([[0]]),
          0,
        ),
        'go',
      ),
    ).toThrow(message)
  })

  test('is what has no source', () => {
    const module = table([[0], [0]])
    const size = Object.getOwnPropertyDescriptor(Map.prototype, 'size')?.get as () => number
    const bound = join.bind(null, 'a')
    expect(() =>
      codeOf(
        ship(
          () => size.call(new Map()),
          () => [size],
          module,
          0,
        ),
        'go',
      ),
    ).toThrow(/`get size` is a native function/)
    expect(() =>
      codeOf(
        ship(
          () => bound('b'),
          () => [bound],
          module,
          1,
        ),
        'go',
      ),
    ).toThrow(/`join` is a bound function/)
  })

  test('is what the program has put on globalThis', () => {
    const k = 1
    vi.stubGlobal('configured', 2)
    const fn = ship(
      () => k + (globalThis as unknown as { configured: number }).configured,
      () => [k],
      table([[0]]),
      0,
    )
    expect(codeOf(fn, 'go')).toBeGreaterThan(0)
    const made = new Function('k', 'ship', 'module', 'return ship(() => configured + k, () => [k], module, 0)')
    expect(() => codeOf(made(k, ship, table([[0]])), 'go')).toThrow(
      /refers to `configured` .* Each thread has a globalThis of its own. Pass it as an argument$/,
    )
    const local = ship(
      (configured: number) => configured + k,
      () => [k],
      table([[0]]),
      0,
    )
    expect(codeOf(local, 'go')).toBeGreaterThan(0)
    vi.unstubAllGlobals()
  })

  test('is a name that a later tool has put into the text and nobody knows', () => {
    const k = 1
    const made = new Function('k', 'ship', 'module', 'return ship(() => __helper(k), () => [k], module, 0)')
    expect(() => codeOf(made(k, ship, table([[0]])), 'go')).toThrow(/refers to `__helper`/)
  })
})
