import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Node, type Program, parse } from 'acorn'
import * as eslintScope from 'eslint-scope'
import { describe, expect, test } from 'vitest'
import { analyse, glance, startsStrict } from '../../src/capture.ts'

const free = (text: string) => analyse(text).free.map(({ name }) => name)
const outer = (text: string) => analyse(text).outer.map(({ name }) => name)

describe('free variables', () => {
  test.each<[string, string[]]>([
    // Parameters and their default values.
    ['(a, { b, c: [d], ...e }, ...f) => [a, b, d, e, f]', []],
    ['({ a: b }) => a', ['a']],
    ['({ [key]: b }) => b', ['key']],
    ['(a, b = a, c = d) => 0', ['d']],
    ['({ a = b, c: { d = a } = e }) => 0', ['b', 'e']],
    ['(a = x) => { var x }', ['x']],
    ['(a = () => x) => { let x }', ['x']],
    // Hoisting and temporal dead zones: a declaration counts wherever it stands in its scope.
    ['() => { f(); x = 1; var x; function f() {} }', []],
    ['() => { { var x } return x }', []],
    ['() => { { let x } return x }', ['x']],
    ['() => { x; let x }', []],
    ['() => { for (var i of []); return i }', []],
    ['() => { for (let i of []); return i }', ['i']],
    ['() => { for (const { a } in b) a }', ['b']],
    ['() => { if (true) var a; else { const b = 1 } return [a, b] }', ['b']],
    ['() => { switch (a) { case 1: let a } }', ['a']],
    ['() => { switch (1) { case b: let c; default: c } }', ['b']],
    ['() => { try {} catch ({ message }) { message } message }', ['message']],
    ['() => { try {} catch { let e } return e }', ['e']],
    ['() => { try {} catch (e) { var f = e } return f }', []],
    // Functions and classes.
    ['function f() { return f }', []],
    ['function () { const g = function h() { return h }; return h }', ['h']],
    ['function f(f) { return f }', []],
    ['() => { class A extends B { m() { return A } } return A }', ['B']],
    ['() => { const A = class C { static x = C; [k]() {} }; return C }', ['k', 'C']],
    ['() => class extends (() => A) { static { var v = w; { v } } }', ['A', 'w']],
    ['() => { class A { x = y; #p = q; m(o) { return #p in o && this.#p } } }', ['y', 'q']],
    ['() => { async function a() {} function* g() { yield a } return g }', []],
    // What looks like a variable and is none.
    ['(o) => { o.a; o?.b; o.c(); ({ d: 1, e() {}, get f() { return 1 }, "g": 2 }) }', []],
    ['() => ({ a, b: c, [d]: 1, ...e })', ['a', 'c', 'd', 'e']],
    ['() => { a: for (;;) { if (1) continue a; break a } }', []],
    [`() => /a/g.test('b') && \`c\${d}e\``, ['d']],
    ['() => tag`x`', ['tag']],
    ['(a) => { a.b = c; [a.d, e] = []; ({ f: a.g, h } = {}) }', ['c', 'e', 'h']],
    ['async () => { for await (const a of b) a; await using c = d; using e = c; return e }', ['b', 'd']],
    ['function () { return arguments.length }', []],
    ['() => import(a, { with: { type: "json" } })', ['a']],
    // Not only reads.
    ['() => { count++; total += 1; [last] = []; delete gone.x }', ['count', 'total', 'last', 'gone']],
    ['() => typeof a', ['a']],
    ['function () { with (o) { p } return q }', ['o', 'q']],
    // Methods, as V8 prints them.
    ['m(a) { return a + b + m }', ['b', 'm']],
    ['async m() { return b }', ['b']],
    ['[Symbol.iterator]() { return b }', ['b']],
    ["'quoted m'() { return b }", ['b']],
    ['12() { return b }', ['b']],
    ['#m() { return b }', ['b']],
    ['async() { return b }', ['b']],
    ['get() { return b }', ['b']],
    ['constructor() { return b }', ['b']],
  ])('of %s are %j', (text, names) => {
    expect(free(text)).toEqual(names)
  })

  test('are each found once, where they are first used', () => {
    expect(analyse('() => {\n  return b + a + b\n}').free).toEqual([
      { name: 'b', offset: 17, property: undefined, isTested: false, isNaming: false },
      { name: 'a', offset: 21, property: undefined, isTested: false, isNaming: false },
    ])
  })

  test('come with the property that is taken of them', () => {
    expect(analyse('() => (0, mod.parse)(mod[x])').free.map(({ name, property }) => [name, property])).toEqual([
      ['mod', 'parse'],
      ['x', undefined],
    ])
  })

  test('are marked if typeof asks for them anywhere', () => {
    const marks = analyse('() => [a, typeof b === "x" && b, typeof c.d, typeof a]').free
    expect(marks.map(({ name, isTested }) => [name, isTested])).toEqual([
      ['a', true],
      ['b', true],
      ['c', false],
    ])
  })

  test('leave out functions in blocks, which are named apart for sloppy code', () => {
    const shape = analyse('function () { { function f() {} } return f }')
    expect(shape.free.map(({ name }) => name)).toEqual(['f'])
    expect([...shape.blockFunctions]).toEqual(['f'])
  })
})

describe('what belongs to something around the function', () => {
  test.each<[string, string[]]>([
    ['() => this', ['this']],
    ['() => () => this.a', ['this']],
    ['(a = this) => 0', ['this']],
    ['() => arguments[0]', ['arguments']],
    ['() => new.target', ['new.target']],
    ['() => super.m()', ['super']],
    ['() => { class A { [this.k]() {} } }', ['this']],
    ['(o) => o.#secret', ['#secret']],
    ['(o) => #secret in o', ['#secret']],
    ['m() { return super.m() }', ['super']],
    ['m() { return () => super.m }', ['super']],
    ['m() { return this.a }', ['this']],
    // Its own, or of something within it.
    ['function () { return [this, arguments, new.target, () => [this, arguments, new.target]] }', []],
    ['() => function () { return [this, arguments, new.target] }', []],
    ['() => ({ m() { return super.m() + this.a } })', []],
    [
      '() => class A extends Object { x = this; static { this.y = 1 } constructor() { super() } m() { super.m() } }',
      [],
    ],
    ['m() { return arguments }', []],
    ['(arguments) => arguments', []],
  ])('in %s: %j', (text, names) => {
    expect(outer(text)).toEqual(names)
    expect(free(text).filter((name) => name !== 'Object')).toEqual([])
  })
})

describe('the shape of a function', () => {
  test.each([
    ['x => x', 'arrow', 0],
    ['async (x) => x', 'arrow', 0],
    ['function f(a) {}', 'function', 10],
    ['async /* ( */ function /* ( */ f /* ( */ (a) {}', 'function', 41],
    ['function () {}', 'function', 9],
    ['async m(a) {}', 'method', 7],
    ['[f("(")](a) {}', 'method', 8],
    ['get x() {}', 'accessor', 5],
    ['set x(v) {}', 'accessor', 5],
    ['get #x() {}', 'accessor', 6],
    ['class A { constructor(a) {} }', 'class', 21],
    ['class A { x = "("; "constructor"(a) {} }', 'class', 32],
    ['class A { static constructor(a) {} }', 'class', 0],
    ['class {}', 'class', 0],
  ])('of %s: %s, with its anchor at %i', (text, kind, anchor) => {
    expect(analyse(text)).toMatchObject({ kind, anchor })
  })

  test('says whether it is async, and a generator', () => {
    const flags = (text: string) => [analyse(text).isAsync, analyse(text).isGenerator]
    expect(flags('() => 1')).toEqual([false, false])
    expect(flags('async m() {}')).toEqual([true, false])
    expect(flags('function* g() {}')).toEqual([false, true])
    expect(flags('async *m() {}')).toEqual([true, true])
  })

  test('has the places of import() and import.meta', () => {
    const text = 'async () => [await import("a"), import.meta.url, import . meta]'
    const { imports, importMetas } = analyse(text)
    expect(imports.map(({ start, end }) => text.slice(start, end))).toEqual(['import'])
    expect(importMetas.map(({ start, end }) => text.slice(start, end))).toEqual(['import.meta', 'import . meta'])
  })

  test('is refused for what does not parse, with what is wrong as a function', () => {
    expect(() => analyse('() => {')).toThrow(SyntaxError)
    expect(() => analyse('no function')).toThrow(SyntaxError)
  })
})

describe('a glance', () => {
  const isKnown = (name: string) => ['Math', 'undefined', 'Error'].includes(name)

  test.each([
    '(x) => x + 1',
    'x => x',
    'async (a, b) => await a.b(b)[0]',
    '() => { throw new Error("no") }',
    'function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2) }',
    'async function (a) { if (a) return Math.max(...a); else return undefined }',
    '( a,\n  b,\n) => a?.b ?? [0x1f, 1e3, 12n, .5, "s", \'t\'].length',
    'function target(a) { return a === null || typeof a }',
  ])('is enough for %s', (text) => {
    const seen = glance(text, isKnown)
    const { kind, anchor, isAsync, isGenerator } = analyse(text)
    expect(seen).toEqual({
      ...{ kind, anchor, isAsync, isGenerator, free: [], outer: [], imports: [], importMetas: [] },
      blockFunctions: new Set(),
      heritage: new Set(),
      early: new Set(),
    })
    expect(free(text).filter((name) => !isKnown(name))).toEqual([])
  })

  test.each([
    '(x) => x + y',
    '() => this',
    '() => arguments',
    '() => new.target',
    '() => new . target',
    '() => import("a")',
    '() => import.meta',
    '() => super.x',
    '(a = b) => a',
    '({ a }) => a',
    '() => { const a = 1; return a }',
    '(a) => a / 2',
    '(a) => /a/.test(a)',
    `(a) => \`\${b}\``,
    '(a) => a /* b */',
    '(a) => "\\x62"',
    '(a) => \\u0062',
    '(a) => é',
    '(a) => [...b]',
    '(a) => ({ a: b })',
    '() => await',
    'm(a) { return a }',
    'class A {}',
    'function* g() {}',
    'not a function',
  ])('is not enough for %s', (text) => {
    expect(glance(text, isKnown)).toBeUndefined()
  })
})

test('startsStrict reads the directive through comments, and nothing else', () => {
  expect(startsStrict('#!/usr/bin/env node\n// a comment\n"use strict"\nf()')).toBe(true)
  expect(startsStrict("'use strict'")).toBe(true)
  expect(startsStrict('"use asm"')).toBe(false)
  expect(startsStrict('f("use strict")')).toBe(false)
  expect(startsStrict('')).toBe(false)
})

describe('on real programs', { timeout: 60_000 }, () => {
  /** Packages by kind of code: hand-written ES5, modules, TypeScript's output, esbuild's minified output. */
  const packages = ['acorn', 'eslint-scope', 'comlink', 'piscina', 'tsx']
  const functions = [...new Set(packages.flatMap(sourcesOf).flatMap(functionsIn))]

  test('finds what eslint-scope finds', () => {
    expect(functions.length).toBeGreaterThan(1000)
    for (const text of functions) expect(free(text).sort(), text).toEqual(freeByEslint(text))
  })

  test('a glance never says what a parser would not', () => {
    const isKnown = (name: string) => name in globalThis
    const glanced = functions.filter((text) => glance(text, isKnown) !== undefined)
    expect(glanced.length).toBeGreaterThan(50)
    for (const text of glanced) {
      expect(
        free(text).filter((name) => !isKnown(name)),
        text,
      ).toEqual([])
      expect(outer(text), text).toEqual([])
    }
  })
})

/** The text of each JavaScript file of a package. */
function sourcesOf(name: string): string[] {
  const root = fileURLToPath(new URL(`../../node_modules/${name}`, import.meta.url))
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  return files
    .filter((file) => /^(dist|lib)\b.*\.[cm]?js$/.test(file))
    .map((file) => readFileSync(join(root, file), 'utf8'))
}

/** The text of each function in `source` that is an expression by itself. */
function functionsIn(source: string): string[] {
  const found: string[] = []
  const visit = (node: object): void => {
    for (const child of Object.values(node) as (object | null)[]) {
      if (typeof child !== 'object' || child === null) continue
      const { type, start, end } = child as Partial<Node>
      const text = type === undefined ? '' : source.slice(start, end)
      // A method's node begins at its parameters; `super` and `new.target` would be those of something outside.
      const isPlain = /^(Arrow)?Function/.test(type ?? '') && (node as { method?: boolean }).method !== true
      if (isPlain && text.length < 5000 && parseAlone(text) !== undefined) found.push(text)
      visit(child)
    }
  }
  const anywhere = {
    allowImportExportEverywhere: true,
    allowReturnOutsideFunction: true,
    allowAwaitOutsideFunction: true,
  }
  visit(parse(source, { ecmaVersion: 'latest', allowHashBang: true, ...anywhere }))
  return found
}

function parseAlone(text: string): Program | undefined {
  try {
    return parse(`(${text})`, { ecmaVersion: 'latest', sourceType: 'script', ranges: true, checkPrivateFields: false })
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function freeByEslint(text: string): string[] {
  const program = parseAlone(text) as unknown as Parameters<typeof eslintScope.analyze>[0]
  const { globalScope } = eslintScope.analyze(program, { ecmaVersion: 2022, sourceType: 'script' })
  const names = globalScope?.through.map(({ identifier }) => identifier.name as string) ?? []
  return [...new Set(names)].filter((name) => name !== 'arguments').sort()
}
