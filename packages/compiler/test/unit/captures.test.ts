/** What a function refers to around it: names, in the order of their first use. */
import { expect, test } from 'vitest'
import { captured } from './look.ts'

/** Declares everything that the cases call free. */
const AROUND =
  'const a = 1, b = 2, c = 3, d = Object(), e = 5, f = 6, g = 7, i = 8, x = 9, y = 10, key = "k", B = class {}'

test.each<[call: string, names: string[]]>([
  // Globals, and what it declares itself.
  ['() => 1', []],
  ['() => console.log(Math.PI, globalThis, process)', []],
  ['(a, { b, c: [d], ...e }, ...f) => [a, b, d, e, f]', []],
  ['function own() { return own }', []],
  ['() => a + b + a', ['a', 'b']],
  ['() => [b, a]', ['b', 'a']],
  // Parameters: default values have a scope of their own.
  ['({ a: b }) => a', ['a']],
  ['({ [key]: b }) => b', ['key']],
  ['(a, b = a, c = d) => 0', ['d']],
  ['({ a = b, c: { d = a } = e }) => 0', ['b', 'e']],
  ['(a = x) => { var x }', ['x']],
  ['(a = () => x) => { let x; return x }', ['x']],
  ['(a = y, y = 1) => a', []],
  // Hoisting and temporal dead zones: a declaration counts wherever it stands in its scope.
  ['() => { f(); x = 1; var x; function f() {} }', []],
  ['() => { { var x } return x }', []],
  ['() => { { let x } return x }', ['x']],
  ['() => { x; let x }', []],
  ['() => { for (var i of []); return i }', []],
  ['() => { for (let i of []); return i }', ['i']],
  ['() => { for (const { a } of b) a }', ['b']],
  ['() => { for (let i = a; i < b; i++); }', ['a', 'b']],
  ['() => { switch (a) { case 1: let a; case b: c } }', ['a', 'b', 'c']],
  ['() => { try {} catch ({ message }) { message } }', []],
  ['() => { try {} catch { let e } return e }', ['e']],
  ['() => { try { a } catch (e) { e } finally { b } }', ['a', 'b']],
  // Labels and properties are no names of variables.
  ['() => { a: for (;;) { b: for (;;) continue a } }', []],
  ['() => ({ a: 1, b() {}, get c() { return 1 } })', []],
  ['() => ({ a, [b]: c })', ['a', 'b', 'c']],
  ['() => d.a.b?.c', ['d']],
  ['() => d[a]', ['d', 'a']],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: they are in the code
  ['() => `${a}${b}`', ['a', 'b']],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: they are in the code
  ['() => a`${b}`', ['a', 'b']],
  // Functions and classes.
  ['() => () => () => a', ['a']],
  ['() => { const g = function h() { return h }; return g }', []],
  ['() => { class A extends B { m() { return A } } return A }', ['B']],
  ['() => class { static x = a; #y = b; [c] = 1; static { e } }', ['a', 'b', 'c', 'e']],
  ['() => class { #a; m(o) { return #a in o && o.#a } }', []],
  ['() => class A { static m() { return A } }', []],
  ['() => { class A { x = this; m() { return super.toString } } return new A() }', []],
  ['function* () { yield a; yield* b }', ['a', 'b']],
  ['async () => { for await (const q of a) await b }', ['a', 'b']],
  ['async () => { const { join } = await import("node:path"); return join }', []],
  ['async () => import(a, b)', ['a', 'b']],
  ['() => import.meta.url', []],
  ['function () { return [this, arguments, new.target] }', []],
  ['(a) => (b) => [a, b, c]', ['c']],
  ['() => typeof a', ['a']],
  ['() => { a.x = 1; a.x++; delete a.y }', ['a']],
  // Types are none.
  ['(q: typeof a): b is B => true', []],
  ['() => [] as Array<typeof a>', []],
  ['() => a as unknown as B', ['a']],
  ['() => <typeof b>a', ['a']],
  ['() => a satisfies B', ['a']],
  ['() => a!', ['a']],
  ['<T extends B>(q: T) => q', []],
  ['() => new Map<B, typeof a>()', []],
  ['() => { type a = B; interface b extends B {} const q: a | b = 1 as never; return q }', []],
  ['() => { function over(q: typeof a): void; function over(q: unknown) { return q } return over }', []],
  ['() => { abstract class A { abstract m(): typeof a; declare x: B } return A }', []],
  ['() => class implements B { constructor(private x: typeof a, readonly y = b) {} }', ['b']],
  ['() => { enum E { A = a, B = A + 1, C = B } return E }', ['a']],
  ['() => { const enum E { A = 1 } return E.A }', []],
  ['() => { declare const given: B; return given }', []],
  ['() => { @a class C { @b m(@c p) {} } return C }', ['a', 'b', 'c']],
])('%s', (call, names) => {
  expect(captured(call, AROUND)).toEqual(names)
})

test.each<[call: string, around: string, names: string[]]>([
  // Objects that are written out: what is only read of them is captured by itself.
  ['() => d.x + d.x', 'const d = { x: 1 }', ['d.x']],
  ['() => d.missing', 'const d = { x: 1 }', ['d.missing']],
  ['() => d.deep.x', 'const d = { deep: { x: 1 } } as const', ['d.deep.x']],
  ['() => [d.x, d.deep]', 'const d = Object.freeze({ x: 1, deep: { x: 1 } })', ['d']],
  ['() => [d.deep.x, d.deep]', 'const d = { deep: { x: 1 } }', ['d']],
  ['() => [d.x, d]', 'const d = { x: 1 }', ['d']],
  ['() => d.x++', 'const d = { x: 1 }', ['d']],
  ['() => { d.x = 1 }', 'const d = { x: 1 }', ['d']],
  ['() => { delete d.x }', 'const d = { x: 1 }', ['d']],
  ['() => d["x"]', 'const d = { x: 1 }', ['d']],
  ['() => d?.x', 'const d = { x: 1 }', ['d']],
  ['() => d.x', 'let d = { x: 1 }; d = { x: 2 }', ['d']],
  ['() => d.x', 'const d = make()', ['d']],
  ['() => d.x', 'const d = { get x() { return 1 }, y: 1 }', ['d']],
  ['() => d.x', 'const d = { ...e, x: 1 }', ['d']],
  ['() => d.e.x', 'const d = { e: { get x() { return 1 } } }', ['d.e']],
  // Namespaces of TypeScript that were compiled already: by tsc, by esbuild.
  ['() => N.f()', 'var N; (function (N) { function f() {} N.f = f; })(N || (N = {}))', ['N.f']],
  ['() => N.f() + N.k', 'var N; (M=>{M.k=1;function f(){}M.f=f})(N||(N={}));', ['N.f', 'N.k']],
  ['() => N.f()', 'var N; (M=>{function f(){}M.f=f})(N||={}); (M=>{M.k=1})(N||={})', ['N.f']],
  ['() => N', 'var N; (M=>{M.k=1})(N||={})', ['N']],
  ['() => N.k', 'var N; (M=>{M.k=1})(N||={}); N = 1', ['N']],
  ['() => N.k', 'var N; (M=>{M.k=1})(N||=other)', ['N']],
  ['() => N.k', 'var N; make(N||={})', ['N']],
  // Whatever a declaration is, and however often it is declared.
  ['() => a', 'let a = 1; a = 2', ['a']],
  ['() => a', 'declare const a: number', []],
  ['() => A.x', 'namespace A { export const x = 1 }', ['A.x']],
  ['() => A', 'namespace A { export const x = 1 }', ['A']],
  ['() => A.X', 'enum A { X }', ['A']],
  ['() => A.B', 'import A = Q.R; namespace Q { export namespace R { export const B = 1 } }', ['A']],
  ['() => a', 'var a; var a = 1', ['a']],
  ['(q: A) => 1', "import { A } from './a.ts'", []],
  ['(q: A) => 1', "import type { A } from './a.ts'", []],
  ['() => new A() as B', "import { A, type B } from './a.ts'", ['A']],
])('%s with %s', (call, around, names) => {
  expect(captured(call, around)).toEqual(names)
})

test('JSX: components are names, elements are not; React is there unless the program says otherwise', () => {
  const around = "import React from 'react'\nconst A = () => null, b = 1, ns = Object()"
  expect(captured('() => <A x={b} {...b}>{b}<div/></A>', around, { filename: 'a.tsx' })).toEqual(['React', 'A', 'b'])
  expect(captured('() => <ns.A/>', around, { filename: 'a.jsx' })).toEqual(['React', 'ns'])
  expect(captured('() => <></>', around, { filename: 'a.js' })).toEqual(['React'])
  expect(captured('() => <A/>', 'const A = () => null', { filename: 'a.jsx' })).toEqual(['A'])
})
