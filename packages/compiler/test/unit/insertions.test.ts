/** What is inserted, to the letter. */
import { describe, expect, test } from 'vitest'
import { compile } from '../../src/index.ts'
import { look } from './look.ts'

const GO = "import { go } from 'goro'\n"
const body = (source: string) => look(GO + source).body.slice(GO.length)

describe('the header', () => {
  test('all of it', () => {
    expect(
      compile(`${GO}import { parse } from './parse.ts'\nconst k = 1\ngo((s) => parse(s) + k, 's')`, {
        filename: 'a.ts',
      })?.code,
    ).toBe(`import * as _goro from 'goro/compiled'; function _goro_m() { return { imports: ["./parse.ts"], sites: [[[0, "parse"], 1]] } } function _goro_f() { return [] } (globalThis[Symbol.for('goro.compiled')] ??= []).push([_goro_m, _goro_f]); ${GO}import { parse } from './parse.ts'
const k = 1
go(_goro.ship((s) => parse(s) + k, () => [parse, k], _goro_m, 0), 's')`)
  })

  test('CommonJS', () => {
    const { code } =
      compile("const { go } = require('goro')\nlet k = 1; k = 2\ngo(() => k)", { filename: 'a.cjs' }) ?? {}
    expect(
      code,
    ).toBe(`const _goro = require('goro/compiled'); function _goro_m() { return { commonjs: true, imports: [], sites: [[0]] } } function _goro_f() { return [] } (globalThis[Symbol.for('goro.compiled')] ??= []).push([_goro_m, _goro_f]); const { go } = require('goro')
let k = 1; k = 2
go(_goro.ship(() => k, () => [k], _goro_m, 0))`)
  })

  test('a module that starts no goroutine need not import goro', () => {
    const { code } = compile('export const f = () => 1', { filename: 'a.js', dependency: true }) ?? {}
    expect(code).toBe(
      `function _goro_m() { return { imports: [], sites: [[]] } } function _goro_f() { return [() => [f, () => [], 0]] } (globalThis[Symbol.for('goro.compiled')] ??= []).push([_goro_m, _goro_f]); export const f = () => 1`,
    )
  })

  test.each<[before: string, between: string]>([
    ['', ''],
    ['#!/usr/bin/env node\n', ''],
    ['#!/usr/bin/env node\n// @ts-check\n\n/* a */ /** b */ ', ''],
    ["'use strict';", '\n'],
    ["#!/usr/bin/env node\n// c\n'use strict'\n'other'", '\n'],
    ['// c\n"use strict"', ' // d\n'],
    ['\uFEFF', ''],
  ])('comes after %j', (before, between) => {
    const { code } = compile(`${before}${between}go(() => 1)\n${GO}`, { filename: 'a.js' }) ?? {}
    expect(code?.slice(0, code.indexOf('import * as _goro'))).toBe(before + (/['"]$|;$/.test(before) ? '; ' : ''))
    expect(code?.slice(code.indexOf('_goro_f]); ') + '_goro_f]); '.length)).toMatch(new RegExp(`^${between}go\\(`))
  })

  test('its names are ones that the module does not have', () => {
    const { code } = compile(`${GO}const _goro = 1, _goro_m$ = 2; go(() => _goro)`, { filename: 'a.js' }) ?? {}
    expect(code).toContain('go(_goro$$.ship(() => _goro, () => [_goro], _goro_m$$, 0))')
  })

  test('a module may have a Symbol and a globalThis of its own', () => {
    const registry = (source: string) =>
      /\(([^ ]*|\(function.*?) \?\?= \[\]\)\.push/.exec(
        compile(source, { filename: 'a.js', dependency: true })?.code as string,
      )?.[1]
    expect(registry("import Symbol from './symbol.js'; const f = () => 1")).toBe(
      "globalThis[globalThis.Symbol.for('goro.compiled')]",
    )
    expect(registry("const globalThis = require('./global'); const f = () => 1")).toBe(
      "(function () {}).constructor('return this')()[Symbol.for('goro.compiled')]",
    )
  })
})

describe('functions in place', () => {
  test.each<[string, string]>([
    ['go(() => 1)', 'go(_goro.ship(() => 1, () => [], _goro_m, 0))'],
    ['go(function () {}, 1)', 'go(_goro.ship(function () {}, () => [], _goro_m, 0), 1)'],
    ['go(async function* own() {})', 'go(_goro.ship(async function* own() {}, () => [], _goro_m, 0))'],
    ['go((() => 1) as () => 1)', 'go((_goro.ship(() => 1, () => [], _goro_m, 0)) as () => 1)'],
    ['go(a => a)', 'go(_goro.ship(a => a, () => [], _goro_m, 0))'],
    ['go(() => ({}))', 'go(_goro.ship(() => ({}), () => [], _goro_m, 0))'],
    ['go(() => () => k); let k', 'go(_goro.ship(() => () => k, () => [k], _goro_m, 0)); let k'],
    ['go(x?()=>1:()=>2)', 'go(x?_goro.ship(()=>1, () => [], _goro_m, 1):_goro.ship(()=>2, () => [], _goro_m, 0))'],
    [
      'function f(){return()=>{"use goroutine"}}',
      'function f(){return _goro.ship(()=>{"use goroutine"}, () => [], _goro_m, 0)}',
    ],
    ['go(() => {}, ...rest)', 'go(_goro.ship(() => {}, () => [], _goro_m, 0), ...rest)'],
  ])('%s', (source, expected) => expect(body(source)).toBe(expected))

  test('one in another: the outer one has what was inserted into it', () => {
    const { body, sites, imports } = look(`${GO}const k = 1; go(() => go(() => k))`)
    expect(body.slice(GO.length)).toBe(
      'const k = 1; go(_goro.ship(() => go(_goro.ship(() => k, () => [k], _goro_m, 0)), () => [go, k, _goro.ship, _goro_m], _goro_m, 1))',
    )
    expect(imports).toEqual([['goro'], ['goro/compiled']])
    expect(sites).toEqual([[1], [[0, 'go'], 1, [1, 'ship'], 1]])
  })

  test('also if a function at module level is around them', () => {
    expect(look(`${GO}function f() { go(() => 1) }`).functions).toEqual(['f: go, _goro.ship, _goro_m'])
    expect(look(`${GO}class A { m() { go(() => 1) } }`).functions).toEqual(['A: go, _goro.ship, _goro_m'])
    expect(look(`${GO}const f = () => 1; class A { m() { go(f) } }`).functions).toEqual(['f: ', 'A: go, f'])
  })

  test('a name that an anonymous function has from where it stands stays', () => {
    const inside = (source: string) => body(`{ ${source} }`).slice(2, -2)
    const ship = (text: string) => `_goro.ship(${text}, () => [], _goro_m, 0)`
    const f = "() => { 'use goroutine' }"
    expect(inside(`const f = ${f}`)).toBe(`const f = ${ship(`{ f: ${f} }.f`)}`)
    expect(inside(`const f = (${f}) as F`)).toBe(`const f = (${ship(`{ f: ${f} }.f`)}) as F`)
    expect(inside(`let f; f = ${f}`)).toBe(`let f; f = ${ship(`{ f: ${f} }.f`)}`)
    expect(inside(`const { f = ${f} } = o`)).toBe(`const { f = ${ship(`{ f: ${f} }.f`)} } = o`)
    expect(inside(`call((f = ${f}) => 1)`)).toBe(`call((f = ${ship(`{ f: ${f} }.f`)}) => 1)`)
    expect(inside(`call({ f: ${f}, 'g h': 1 })`)).toBe(`call({ f: ${ship(`{ f: ${f} }.f`)}, 'g h': 1 })`)
    expect(inside(`call({ 'f g': ${f} })`)).toBe(`call({ 'f g': ${ship(`{ "f g": ${f} }["f g"]`)} })`)
    expect(inside(`class A { static #f = ${f} }`)).toBe(`class A { static #f = ${ship(`{ "#f": ${f} }["#f"]`)} }`)
    expect(inside(`const __proto__ = ${f}`)).toBe(`const __proto__ = ${ship(`{ ["__proto__"]: ${f} }["__proto__"]`)}`)
    expect(inside(`const f = class { static { 'use goroutine' } }; go(f)`)).toBe(
      `const f = ${ship(`{ f: class { static { 'use goroutine' } } }.f`)}; go(f)`,
    )
    // These have none, or one of their own.
    expect(inside(`call(${f})`)).toBe(`call(${ship(f)})`)
    expect(inside(`const f = true && (${f})`)).toBe(`const f = true && (${ship(f)})`)
    expect(inside(`const f = __name(${f}, "f")`)).toBe(`const f = __name(${ship(f)}, "f")`)
    expect(inside(`const f = function g() { 'use goroutine' }`)).toBe(
      `const f = ${ship("function g() { 'use goroutine' }")}`,
    )
  })
})

describe('functions and classes that are declared in functions', () => {
  const inside = (source: string) => body(`function f() ${source}`).slice('function f() '.length)

  test('a function is there from the start of its block on', () => {
    expect(inside('{ go(g); function g() { return k } let k = 1 }')).toBe(
      '{ _goro.ship(g, () => [k], _goro_m, 0); go(g); function g() { return k } let k = 1 }',
    )
    expect(inside("{ 'use strict'\n go(g); function g() {} }")).toBe(
      "{ 'use strict'; _goro.ship(g, () => [], _goro_m, 0);\n go(g); function g() {} }",
    )
    expect(inside('{ if (x) { function g() {} go(g) } }')).toBe(
      '{ if (x) { _goro.ship(g, () => [], _goro_m, 0); function g() {} go(g) } }',
    )
    expect(inside('{ switch (x) { case 1: go(g); break; case 2: default: function g() {} } }')).toBe(
      '{ switch (x) { case 1: _goro.ship(g, () => [], _goro_m, 0); go(g); break; case 2: default: _goro.ship(g, () => [], _goro_m, 0); function g() {} } }',
    )
    expect(inside('{ class A { static { go(g); function g() {} } } }')).toBe(
      '{ class A { static { _goro.ship(g, () => [], _goro_m, 0); go(g); function g() {} } } }',
    )
  })

  test('a class is there after its declaration', () => {
    expect(inside('{ class A extends B {} go(() => new A()) }')).toBe(
      '{ class A extends B {} _goro.ship(A, () => [], _goro_m, 1); go(_goro.ship(() => new A(), () => [A], _goro_m, 0)) }',
    )
  })

  test('a method of an object that is written out, after the declaration of the variable', () => {
    expect(inside('{ const o = { m() { return k } }, k = 1\n go(() => o.m()) }')).toBe(
      '{ const o = { m() { return k } }, k = 1; _goro.ship(o.m, () => [k], _goro_m, 1);\n go(_goro.ship(() => o.m(), () => [o.m], _goro_m, 0)) }',
    )
  })

  test('also in a case of a switch', () => {
    expect(inside('{ switch (x) { case 1: const o = { m() {} }; go(() => o.m()) } }')).toBe(
      '{ switch (x) { case 1: const o = { m() {} };; _goro.ship(o.m, () => [], _goro_m, 1); go(_goro.ship(() => o.m(), () => [o.m], _goro_m, 0)) } }',
    )
  })

  test('those of a namespace of TypeScript', () => {
    expect(body('namespace N { export function f() { return g() } function g() {} }\ngo(() => N.f())')).toBe(
      `namespace N { _goro.ship(g, () => [], _goro_m, 1); _goro.ship(f, () => [g], _goro_m, 2); export function f() { return g() } function g() {} }
go(_goro.ship(() => N.f(), () => [N.f], _goro_m, 0))`,
    )
  })
})

test('those of a namespace that was compiled already', () => {
  const namespace = 'var N;(M=>{const k=1;function f(){return M.g()+k}M.f=f;M.g=()=>k})(N||={});'
  expect(body(`${namespace}go(()=>N.f())`)).toBe(
    'var N;(M=>{ _goro.ship(f, () => [M.g, k], _goro_m, 2);const k=1;function f(){return M.g()+k}M.f=f;M.g=_goro.ship(()=>k, () => [k], _goro_m, 1)})(N||={});go(_goro.ship(()=>N.f(), () => [N.f], _goro_m, 0))',
  )
})

describe('default exports without a name', () => {
  const compiled = (source: string) => look(source, { dependency: true })
  const fix = "Object.defineProperty(_goro_d, 'name', { value: 'default', configurable: true });"

  test.each<[string, string]>([
    ['export default () => k', 'export default (_goro_d = { default: () => k }.default)'],
    ['export default (class {})', 'export default ((_goro_d = { default: class {} }.default))'],
    ['export default { f: () => 1, g() {} }', 'export default (_goro_d = { f: () => 1, g() {} })'],
    ['export default function () { k }', `export default function _goro_d () { k } ${fix}`],
    [
      'export default async function /* ( */* <T>() {}',
      `export default async function /* ( */* _goro_d <T>() {} ${fix}`,
    ],
    ['export default class extends A {}', `export default class _goro_d extends A {} ${fix}`],
    ['export default abstract class {}', `export default abstract class _goro_d {} ${fix}`],
    ['export default @a() class {}', `export default @a() class _goro_d {} ${fix}`],
    ['export default (function () {})', 'export default ((_goro_d = { default: function () {} }.default))'],
    [
      'export default (class { static f() {} })',
      'export default ((_goro_d = { default: class { static f() {} } }.default))',
    ],
    ['export default class { static f() {} }', `export default class _goro_d { static f() {} } ${fix}`],
    ['export default [() => 1, () => 2]', 'export default (_goro_d = [() => 1, () => 2])'],
    ['export default { f: () => 1 } as const', 'export default (_goro_d = { f: () => 1 } as const)'],
    ['export default (() => 1) satisfies F', 'export default (_goro_d = { default: (() => 1) satisfies F }.default)'],
    ['@a export default class {}', `@a export default class _goro_d {} ${fix}`],
  ])('%s', (source, expected) => expect(compiled(source).body).toBe(expected))

  test('they are at module level', () => {
    expect(compiled('export default () => k; const k = 1').functions).toEqual(['_goro_d: k'])
    expect(compiled('export default () => k; const k = 1').header).toContain('var _goro_d;')
    expect(compiled('export default function () { return k } const k = 1').functions).toEqual(['_goro_d: k'])
    expect(compiled('export default { f: () => 1, g() {} }').functions).toEqual(['_goro_d.f: ', '_goro_d.g: '])
  })

  test('what has a name keeps it, and what is no function is left', () => {
    expect(compiled('export default function f() {}').body).toBe('export default function f() {}')
    expect(compiled('const f = () => 1; export default f').body).toBe('const f = () => 1; export default f')
    expect(compiled('const f = () => 1; export default f() || [f]').body).toBe(
      'const f = () => 1; export default f() || [f]',
    )
  })
})

test('TypeScript that is to become CommonJS is written with import, and stays so', () => {
  const source = "import { go } from 'goro'\nconst k = 1\ngo(() => k)\n"
  const { code } = compile(source, { filename: 'main.ts', format: 'commonjs' })!
  expect(code).toContain("import * as _goro from 'goro/compiled'")
})
