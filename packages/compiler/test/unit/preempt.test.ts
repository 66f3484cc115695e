/** Preemption points: where they are, and that a program does the same with them. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type CompileOptions, compile } from '../../src/index.ts'
import { CHECK } from '../../src/preempt.ts'

const HEADER = /^function _goro_m.*?_goro_f\]\); /

/** What becomes of a module, without the header, and with `✓` for each check. */
function checked(source: string, options: Partial<CompileOptions> = {}): string {
  const result = compile(source, { filename: 'app.ts', dependency: true, preempt: true, ...options })
  return result?.code.replace(HEADER, '').replaceAll(CHECK, '✓') ?? 'nothing'
}

const inAsync = (body: string) => {
  const text = checked(`async function f() { ${body} }`)
  return text.slice('async function f() { '.length, -2)
}

test('what is inserted, to the letter', () => {
  const { code } = compile('async () => { for (;;) {} }', { filename: 'a.js', dependency: true, preempt: true }) ?? {}
  expect(code).toBe(
    'async () => { for (;;) { if (globalThis._goro_preempt?.[0]) await globalThis._goro_preempt.yield();} }',
  )
})

test.each<[loop: string, becomes: string]>([
  ['for (let i = 0; i < 9; i++) { g(i) }', 'for (let i = 0; i < 9; i++) { ✓ g(i) }'],
  ['for (;;) {}', 'for (;;) { ✓}'],
  ['for (;;);', 'for (;;){ ✓ ; }'],
  ['for (const k in o) g(k)\ng(0)', 'for (const k in o) { ✓ g(k) }\ng(0)'],
  ['for (const x of xs) { g(x) }', 'for (const x of xs) { ✓ g(x) }'],
  ['for await (const x of xs) g(x);', 'for await (const x of xs) { ✓ g(x); }'],
  ['while (g()) h()', 'while (g()) { ✓ h() }'],
  ['while (g()) { await h() }', 'while (g()) { ✓ await h() }'],
  ['do g(); while (h())', 'do { ✓ g(); } while (h())'],
  ['do g()\nwhile (h())', 'do { ✓ g() }\nwhile (h())'],
  ['do { g() } while (h());', 'do { ✓ g() } while (h());'],
  ['do do g(); while (a); while (b)', 'do { ✓ do { ✓ g(); } while (a); } while (b)'],
  ['for (;;) for (;;) while (g()) h();', 'for (;;) { ✓ for (;;) { ✓ while (g()) { ✓ h(); } } }'],
  ['a: for (;;) { b: while (1) { continue a } }', 'a: for (;;) { ✓ b: while (1) { ✓ continue a } }'],
  ['a: for (;;) b: for (;;) continue a', 'a: for (;;) { ✓ b: for (;;) { ✓ continue a } }'],
  ['while (a) if (b) c(); else d()', 'while (a) { ✓ if (b) c(); else d() }'],
  ['while (a) try { b() } finally { while (c) d() }', 'while (a) { ✓ try { b() } finally { while (c) { ✓ d() } } }'],
  ['while (a) var x = 1', 'while (a) { ✓ var x = 1 }'],
  ['while (a) /* b */ c() // d\n', 'while (a) /* b */ { ✓ c() } // d\n'],
  ['for (const x of xs as number[]) g(x!)', 'for (const x of xs as number[]) { ✓ g(x!) }'],
])('%j', (loop, becomes) => {
  expect(inAsync(loop)).toBe(becomes)
})

describe('whose loops', () => {
  test.each([
    ['async function', 'async function f() { for (;;) { ✓} }'],
    ['async arrow', 'const f = async () => { for (;;) { ✓} }'],
    ['async method', 'class A { async f() { for (;;) { ✓} } }'],
    ['private static async method', 'class A { static async #f() { for (;;) { ✓} } }'],
    ['async method of an object', 'const o = { async f() { for (;;) { ✓} } }'],
    ['async generator', 'async function* f() { for (;;) { ✓ yield 1 } }'],
    ['async function in one that is not', 'function f() { for (;;) g(async () => { for (;;) { ✓} }) }'],
    ['async function in a static block', 'class A { static { for (;;) {} (async () => { for (;;) { ✓} })() } }'],
    ['async function in a default value', 'function f(g = async () => { for (;;) { ✓} }) {}'],
  ])('%s', (_, text) => {
    expect(checked(text.replaceAll(/ ✓/g, ''))).toBe(text)
  })

  test.each([
    ['at the top level', 'for (;;) { await 1; () => 1 }'],
    ['a function', 'function f() { for (;;) {} }'],
    ['a generator', 'function* f() { for (;;) yield 1 }'],
    ['a callback in an async function', 'async function f() { xs.map((x) => { while (x) x-- }) }'],
    ['a getter in an async function', 'async function f() { return { get x() { for (;;) {} } } }'],
    ['a static block in an async function', 'async function f() { class A { static { for (;;) {} } } }'],
    ['a field in an async function', 'async function f() { class A { x = () => { for (;;) {} } } }'],
    ['a constructor in an async function', 'async function f() { class A { constructor() { for (;;) {} } } }'],
    ['a namespace', 'namespace N { for (;;) {} }'],
    [
      'what is only declared',
      'declare namespace N { function f(): void }\nasync function f(): Promise<void>\nasync function f() {}',
    ],
  ])('not: %s', (_, text) => {
    expect(checked(text)).not.toContain('✓')
  })

  test('nobody has them who has not asked', () => {
    expect(checked('async function f() { for (;;) {} }', { preempt: false })).toBe('async function f() { for (;;) {} }')
  })

  test('nor a module in which something else is called globalThis', () => {
    expect(checked('async function f(globalThis) { for (;;) {} }')).toBe('async function f(globalThis) { for (;;) {} }')
  })

  test('what has been compiled is not compiled again', () => {
    const once = compile('async () => { for (;;) {} }', { filename: 'a.js', dependency: true, preempt: true })
    expect(compile(once?.code as string, { filename: 'a.js', dependency: true, preempt: true })).toBeNull()
  })
})

test('beside what else is inserted', () => {
  const source =
    "import { go } from 'goro'\nconst k = 1\ngo(async () => { while (k) { function f() { return k } go(f) } })"
  const { code } = compile(source, { filename: 'a.js', preempt: true }) ?? { code: '' }
  expect(code.slice(code.indexOf('go(_goro.ship')).replaceAll(CHECK, '✓')).toBe(
    'go(_goro.ship(async () => { while (k) { _goro.ship(f, () => [k], _goro_m, 0); ✓ function f() { return k } go(f) } }, () => [k, go, _goro.ship, _goro_m], _goro_m, 1))',
  )
})

describe('a function does the same, whether it is interrupted each time or never', () => {
  const holder = globalThis as { _goro_preempt?: unknown }
  let yields = 0

  beforeEach(() => {
    yields = 0
  })
  afterEach(() => {
    holder._goro_preempt = undefined
  })

  const interrupt = () => {
    holder._goro_preempt = Object.assign([1], {
      yield: () => {
        yields++
        return new Promise((resolve) => setImmediate(resolve))
      },
    })
  }

  test.each<[name: string, body: string, times: number]>([
    [
      'for, with closures of each turn',
      'const fs = []; for (let i = 0; i < 3; i++) fs.push(() => i); out(fs.map((f) => f()))',
      3,
    ],
    ['continue and break', 'for (let i = 0; i < 9; i++) { if (i % 2) continue; if (i > 4) break; out(i) }', 7],
    [
      'labels',
      'a: for (const x of [1, 2, 3]) for (const y of [1, 2]) { if (y === 2) continue a; if (x === 3) break a; out(x, y) }',
      8,
    ],
    ['while, with a test that does something', 'let n = 3; while (n-- > 0) out(n)', 3],
    ['do while', 'let n = 0; do out(n++)\nwhile (n < 3)', 3],
    ['for in', 'for (const k in { a: 1, b: 2 }) out(k)', 2],
    [
      'for of a generator that is left',
      'function* g() { try { yield 1; yield 2 } finally { out("closed") } } for (const x of g()) { out(x); break }',
      1,
    ],
    ['for await', 'async function* g() { yield 1; yield 2 } for await (const x of g()) out(x)', 2],
    [
      'an async generator',
      'async function* g() { for (let i = 0; i < 3; i++) yield i } for await (const x of g()) out(x)',
      6,
    ],
    ['finally', 'try { throw 1 } catch (e) { out(e) } finally { for (const x of [1, 2]) out(x) }', 2],
    [
      'return from within',
      'await (async () => { for (;;) { try { return out(1) } finally { for (const x of [2]) out(x) } } })()',
      2,
    ],
    ['var without braces', 'for (var i = 0; i < 2; i++) var last = i; out(i, last)', 2],
    [
      'arguments and this',
      'await (async function () { for (const x of arguments) out(x, this.y) }).call({ y: 7 }, 1, 2)',
      2,
    ],
  ])('%s', async (_, body, times) => {
    const source = `(async (out) => { ${body} })`
    const { code } = compile(source, { filename: 'a.js', dependency: true, preempt: true, format: 'commonjs' }) ?? {}
    const outcome = async (text: string) => {
      const seen: unknown[] = []
      // biome-ignore lint/security/noGlobalEval: the program under test
      await globalThis.eval(text)((...values: unknown[]) => seen.push(values))
      return seen
    }
    const expected = await outcome(source)
    expect(await outcome(code as string)).toEqual(expected)
    expect(yields).toBe(0)
    interrupt()
    expect(await outcome(code as string)).toEqual(expected)
    expect(yields).toBe(times)
  })
})
