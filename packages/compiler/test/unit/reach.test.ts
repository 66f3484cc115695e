/** Which functions of a module may become goroutines. */
import { describe, expect, test } from 'vitest'
import { type CompileOptions, compile } from '../../src/index.ts'
import { look } from './look.ts'

const GO = "import { go } from 'goro'\n"

/** The functions that `source` hands to `ship`, by their texts. */
function shipped(source: string, options: Partial<CompileOptions> = {}): string[] {
  const { code } = compile(source, { filename: 'app.ts', ...options }) ?? {}
  return code === undefined ? [] : look(source, options).shipped.map((each) => each.slice(0, each.lastIndexOf(': ')))
}

const functions = (source: string, filename = 'app.ts') => look(source, { filename, dependency: true }).functions

describe('what takes a goroutine function', () => {
  test.each<[string]>([
    // Imports, by any name.
    ["import { go } from 'goro'; go(() => 1)"],
    ["import { go as start } from 'goro'; start(() => 1)"],
    ["import { 'go' as start } from 'goro'; start(() => 1)"],
    ["import * as goro from 'goro'; goro.go(() => 1)"],
    ["import * as goro from 'goro'; goro['go'](() => 1)"],
    ["import * as goro from 'goro'; goro?.go?.(() => 1)"],
    ["import * as goro from 'goro'; const { go: start } = goro; start(() => 1)"],
    ["import * as goro from 'goro'; (0, goro.go)(() => 1)"],
    ["const { go } = await import('goro'); go(() => 1)"],
    ["const goro = await import('goro'); goro.go(() => 1)"],
    // Other names for it.
    [`${GO}const start = go; start(() => 1)`],
    [`${GO}let start = go; start(() => 1)`],
    [`${GO}const start = go as unknown as typeof go; start!(() => 1)`],
    // The others that take one.
    [`${GO}go.with({ name: 'a' }, () => 1)`],
    [`${GO}const { with: start } = go; start({}, () => 1)`],
    ["import { WaitGroup } from 'goro'; new WaitGroup().go(() => 1)"],
    ["import { WaitGroup } from 'goro'; const wg = new WaitGroup(); wg.go(() => 1)"],
    ["import { WaitGroup } from 'goro'; class A { wg = new WaitGroup(); m() { this.wg.go(() => 1) } }"],
    ["import { errgroup } from 'goro'; const [group] = errgroup(); group.go(() => 1)"],
    ["import { errgroup } from 'goro'; const [group] = errgroup(); group.tryGo(() => 1)"],
    ["import { singleflight } from 'goro'; const group = singleflight(); group.do('key', () => 1)"],
    ...['map', 'forEach', 'filter', 'reduce', 'some', 'find', 'sort', 'stream'].map((name): [string] => [
      `import { parallel } from 'goro'; parallel.${name}(items, () => 1)`,
    ]),
    ["import { pin } from 'goro'; pin(() => 1)"],
  ])('%s', (source) => expect(shipped(source)).toEqual(['() => 1']))

  test.each<[string]>([
    ["const { go } = require('goro'); go(() => 1)"],
    ["const goro = require('goro'); goro.go(() => 1)"],
    ["const go = require('goro').go; go(() => 1)"],
    ["var import_goro = require('goro'); (0, import_goro.go)(() => 1)"],
    ['var import_goro=__toESM(require("goro"));(0,import_goro.go)(()=>1)'],
    ["const goro_1 = __importStar(require('goro')); goro_1.go(() => 1)"],
  ])('CommonJS: %s', (source) => {
    expect(shipped(source, { filename: 'app.cjs' }).map((text) => text.replace('()=>', '() => '))).toEqual(['() => 1'])
    expect(shipped(source, { filename: 'app.js' })).toHaveLength(1)
  })

  test('TypeScript: import = require', () => {
    expect(shipped("import goro = require('goro')\ngoro.go(() => 1)", { filename: 'app.cts' })).toEqual(['() => 1'])
    expect(shipped("import * as goro from 'goro'; import start = goro.go\nstart(() => 1)")).toEqual(['() => 1'])
  })

  test.each<[string]>([
    [`${GO}call(() => 1)`],
    [`${GO}go(1, () => 1)`],
    [`${GO}go(...[() => 1])`],
    [`${GO}go.with(() => 1)`],
    [`${GO}go.with(...options, () => 1)`],
    [`${GO}go.other(() => 1)`],
    [`${GO}{ const go = (f) => f(); go(() => 1) }`],
    [`${GO}function f(go) { go(() => 1) }`],
    ["import { chan } from 'goro'; chan(() => 1)"],
    ["import { go } from './goro'; go(() => 1)"],
    ["import type { go } from 'goro'; go(() => 1)"],
    ["import { type go } from 'goro'; go(() => 1)"],
    [`${GO}let start = go; start = other; start(() => 1)`],
  ])('no others: %s', (source) => expect(shipped(source)).toEqual([]))
})

test('methods of unknown objects are looked at in modules that know goro, be it by its types', () => {
  const source = 'export const f = (wg: WaitGroup) => wg.go(() => 1)'
  expect(shipped(`import type { WaitGroup } from 'goro'\n${source}`, { dependency: true })).toEqual(['() => 1'])
  expect(shipped(source, { dependency: true })).toEqual([])
})

describe('what may be given', () => {
  test.each<[source: string, texts: string[]]>([
    ['go(flag ? () => 1 : () => 2)', ['() => 1', '() => 2']],
    ['go(given || (() => 1))', ['() => 1']],
    ['go(given ?? (() => 1))', ['() => 1']],
    ['go((0, () => 1))', ['() => 1']],
    ['let f; go(f = () => 1)', ['{ f: () => 1 }.f']],
    ['go(<any>(() => 1))', ['() => 1']],
    ['go((() => 1) satisfies Task)', ['() => 1']],
    ['go((() => 1)!)', ['() => 1']],
    // By name.
    ['{ const f = () => 1; go(f) }', ['{ f: () => 1 }.f']],
    ['{ let f = () => 1; f = () => 2; go(f) }', ['{ f: () => 1 }.f', '{ f: () => 2 }.f']],
    ['{ const f = flag ? () => 1 : () => 2; go(f) }', ['() => 1', '() => 2']],
    ['{ const f = () => 1; const g = f; go(g) }', ['{ f: () => 1 }.f']],
    ['{ const { f = () => 1 } = o; go(f) }', ['{ f: () => 1 }.f']],
    ['function run(f = () => 1) { go(f) }', ['{ f: () => 1 }.f']],
    ['let f = () => 1; f = () => 2; go(f)', ['{ f: () => 1 }.f', '{ f: () => 2 }.f']],
    ['{ go(f); function f() {} }', ['f']],
    ['function f() {} f = wrap(f); go(f)', ['f']],
    // In turn, what it refers to.
    ['{ const f = () => g(), g = () => 1; go(f) }', ['{ f: () => g() }.f', '{ g: () => 1 }.g']],
    ['{ const f = () => g(), g = () => f(); go(f) }', ['{ f: () => g() }.f', '{ g: () => f() }.g']],
    ['{ class A extends B {} class B {} go(() => A) }', ['A', 'B', '() => A']],
    ['{ const A = class {}; go(() => new A()) }', ['{ A: class {} }.A', '() => new A()']],
    ['{ const o = { f: () => 1, g: () => 2 }; go(() => o.f()) }', ['{ f: () => 1 }.f', '() => o.f()']],
    // What it has inside goes along in its text.
    ['go(() => { const f = () => 1; return f() })', ['() => { const f = () => 1; return f() }']],
    // Nothing can be told of these here.
    ['go(f()); go(f.bind()); go(o.f); go(fs[0]); go(missing); function g(f) { go(f) }', []],
    ['const f = memoize(() => 1); go(f)', []],
  ])('%s', (source, texts) => expect(shipped(`${GO}${source}`)).toEqual(texts))

  test('what module level has is in the list, whoever uses it', () => {
    expect(shipped(`${GO}const f = () => g(); function g() {} go(f)`)).toEqual([])
    expect(look(`${GO}const f = () => g(); function g() {} go(f)`).functions).toEqual(['f: g', 'g: '])
  })
})

describe("'use goroutine'", () => {
  test.each<[source: string, texts: string[]]>([
    ["call(() => { 'use goroutine' })", ["() => { 'use goroutine' }"]],
    ["call(() => { 'other'; 'use goroutine' })", ["() => { 'other'; 'use goroutine' }"]],
    ["{ function f() { 'use goroutine' } }", ['f']],
    ["call({ f: function () { 'use goroutine' } })", ["{ f: function () { 'use goroutine' } }.f"]],
    ["call(() => { f(); 'use goroutine' })", []],
    ["call(() => 'use goroutine')", []],
    ["'use goroutine'; call(() => 1)", []],
  ])('%s', (source, texts) => {
    expect(shipped(source, { dependency: true })).toEqual(texts)
  })

  test('is enough for a module to be compiled', () => {
    expect(compile("call(() => { 'use goroutine' })", { filename: 'a.js' })).not.toBeNull()
  })
})

describe('module level', () => {
  test.each<[source: string, functions: string[]]>([
    ['function f() {} async function* g() {} class A {}', ['f: ', 'g: ', 'A: ']],
    ['export function f() {} export const g = () => 1; export class A {}', ['f: ', 'g: ', 'A: ']],
    ['export default function f() {}', ['f: ']],
    ['const f = () => g(), g = function () { return f }; let A = class B {}', ['f: g', 'g: f', 'A: ']],
    ['const f = (() => 1) as F, g = f', ['f: ']],
    ['const f = __name(() => 1, "f")', ['f: ']],
    [
      'const o = { f: () => 1, g() {}, "h-i": () => 2, 3: () => 3, deep: { f() {} } }',
      ['o.f: ', 'o.g: ', 'o["h-i"]: ', 'o["3"]: ', 'o.deep.f: '],
    ],
    ['const a = [() => 1, , function f() {}, ...b, () => 2]', ['a[0]: ', 'a[2]: ']],
    ['const a = Object.freeze([() => 1] as const)', ['a[0]: ']],
    [
      'class A { static f() {} static async g() {} static get h() { return 1 } static #i() {} j() {} static [k]() {} }',
      ['A: ', 'A.f: ', 'A.g: '],
    ],
    [
      'const A = class B { static f() {} }; const C = class C { static f = () => 1; static g = 1 }',
      ['A: ', 'C: ', 'C.f: '],
    ],
    ['class A { static f = (n) => A.g(n); static g = function () {} as F }', ['A: ', 'A.f: A', 'A.g: ']],
    ['class A { static { __name(this, "A") } static f = __name(() => 1, "f") }', ['A: ', 'A.f: ']],
    ['class A { static f() {} } A.f = 1', ['A: ']],
    // What may be something else by then is not in it.
    ['let f = () => 1; f = () => 2; const g = () => 3', ['g: ']],
    ['function f() {} f = 1; const g = () => 3', ['g: ']],
    ['const o = { f: () => 1, ...p, g: () => 2, get h() { return 1 }, [k]: () => 3, i: () => 4 }', ['o.i: ']],
    ['const o = { f: () => 1, f: () => 2 }', ['o.f: ']],
    ['const o = { f: () => 1 }; o.f = 2; const g = () => 3', ['g: ']],
    ['const o = { __proto__: () => 1, f: () => 1 }', ['o.f: ']],
    // What is not at module level.
    ['{ function f() {} } if (x) { const f = () => 1 } const g = () => { const f = () => 1 }', ['g: ']],
    ['const f = memoize(() => 1), [g] = [() => 1], { h } = { h: () => 1 }; const i = () => 1', ['i: ']],
    // TypeScript.
    ['function f(a: string): void; function f(a: number): void; function f() {}', ['f: ']],
    ['declare function f(): void; declare class A {} declare const g: () => 1; const h = () => 1', ['h: ']],
    ['abstract class A { abstract m(): void }', ['A: ']],
    ['namespace N { export function f() {} } const g = () => 1', ['g: ']],
  ])('%s', (source, list) => expect(functions(source)).toEqual(list))

  test('CommonJS', () => {
    const source = `
      exports.f = () => 1
      exports.g = exports.h = function () {}
      module.exports.i = class {}
      module.exports = { j() {}, k: () => 1, l }
      exports.f = () => 2
      other.m = () => 1
      function l() {}`
    expect(functions(source, 'a.cjs')).toEqual([
      'module.exports.i: ',
      'module.exports.j: ',
      'module.exports.k: ',
      'exports.f: ',
      'l: ',
    ])
    expect(functions('module.exports = function () {}', 'a.cjs')).toEqual(['module.exports: '])
    expect(functions('exports.f = () => 1; function f() { return exports.f() + exports.f }', 'a.cjs')).toEqual([
      'exports.f: ',
      'f: exports.f',
    ])
  })

  test('functions that module-level ones refer to are found in turn', () => {
    const source = 'const f = x ? () => 1 : () => 2; export const g = () => f()'
    expect(look(GO + source)).toMatchObject({ functions: ['g: f'], shipped: ['() => 1: ', '() => 2: '] })
    // But not where goro is not known: then it may not be there to be imported.
    const { functions, shipped, header } = look(source, { dependency: true })
    expect({ functions, shipped }).toEqual({ functions: ['g: f'], shipped: [] })
    expect(header).not.toContain('goro/compiled')
  })
})

describe('modules that are left alone', () => {
  test.each<[source: string, options?: Partial<CompileOptions>]>([
    [''],
    ['export const f = () => 1'],
    ["import { go } from './go.ts'; go(() => 1)"],
    ["// import { go } from 'goro'\nconst f = () => 'goro'"],
    ["import type { Chan } from 'goro'; export const f = (c: Chan<number>) => c"],
    ["import { chan } from 'goro'"],
    ["import { go } from 'goro'; go(f"],
    ['const k = 1', { dependency: true }],
    ['const f = () => ', { dependency: true }],
    ['"a function"; class_ = 1', { dependency: true }],
    ["import * as _goro from 'goro/compiled'; _goro.ship(() => 1, () => [], m, 0)", { dependency: true }],
  ])('%j', (source, options) => expect(compile(source, { filename: 'app.ts', ...options })).toBeNull())

  test('what was compiled is not compiled again', () => {
    for (const dependency of [true, false]) {
      const { code } = compile(`${GO}go(() => 1)`, { filename: 'app.ts' }) as { code: string }
      expect(compile(code, { filename: 'app.ts', dependency })).toBeNull()
    }
    const { code } = compile('const f = () => 1', { filename: 'app.ts', dependency: true }) as { code: string }
    expect(compile(code, { filename: 'app.ts', dependency: true })).toBeNull()
  })
})

describe('languages', () => {
  test.each<[filename: string, source: string, options?: Partial<CompileOptions>]>([
    ['a.js', `${GO}go(() => 1)`],
    ['a.js', `${GO}go(() => 1); <a/>`],
    ['a.jsx', `${GO}go(() => 1); <a/>`],
    ['a.mjs', `${GO}go(() => 1); await 1`],
    ['a.ts', `${GO}go(() => 1); <any>a`],
    ['a.mts', `${GO}go(() => 1) as number`],
    ['a.tsx', `${GO}go(() => 1); <a/>`],
    ['a.cts', "import goro = require('goro'); goro.go(() => 1); export = 1"],
    ['a.ts', `${GO}go(() => 1)`, { language: 'js' }],
    ['a.cjs', "const { go } = require('goro'); go(() => 1); return"],
    ['a.js', "const { go } = require('goro'); go(() => 1); return", { format: 'commonjs' }],
    ['a.js', "const { go } = require('goro'); go(() => 1); with (a) b"],
    ['a.js', `${GO}go(() => 1)`, { format: 'commonjs' }],
    ['a.ts?v=1', `${GO}go(() => 1) as number`],
    ['file:///app/a.ts', `${GO}go(() => 1) as number`],
    ['a.vue', `${GO}go(() => 1)`],
    ['a.js', `${GO}go(()=>1);export{a as "b c"};import b from"./b.json"with{type:"json"};`],
  ])('%s: %s', (filename, source, options) => {
    expect(shipped(source, { filename, ...options })).toHaveLength(1)
  })
})
