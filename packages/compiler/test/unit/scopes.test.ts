/** Names mean what `@typescript-eslint/scope-manager` says that they mean. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { analyze, type Definition } from '@typescript-eslint/scope-manager'
import { parseSync } from 'oxc-parser'
import { describe, expect, test } from 'vitest'
import { analyseScopes } from '../../src/scopes.ts'
import { forEachChild, type Node, parse } from '../../src/syntax.ts'

/** By place of use, the place of the declaration; of values, and what is declared in this text. */
type Meanings = Record<string, string>

function ours(source: string, filename: string): Meanings | undefined {
  const program = parse(source, filename, undefined, undefined)
  if (program === undefined) return undefined
  const scopes = analyseScopes(program)
  const meanings: Meanings = {}
  const visit = (node: Node): void => {
    const reference = scopes.reference(node)
    const declared = reference?.resolved?.defs[0]?.name as unknown as Node | undefined
    if (declared !== undefined) meanings[placeOf(node)] = placeOf(declared)
    forEachChild(node, visit)
  }
  visit(program)
  return meanings
}

function theirs(source: string, filename: string): Meanings {
  const sourceType = parse(source, filename, undefined, undefined)?.sourceType ?? 'module'
  const { program } = parseSync(filename, source, { sourceType, astType: 'ts', range: true, preserveParens: false })
  const manager = analyze(program as never, {
    sourceType: sourceType === 'module' ? 'module' : 'commonjs',
    lib: [],
    jsxPragma: null,
  })
  const meanings: Meanings = {}
  const apart = rangesApart(program)
  for (const { references } of manager.scopes) {
    for (const { identifier, isValueReference, resolved } of references) {
      const declared = resolved?.defs.find(isAtRunTime)?.name
      const isApart = apart.some(([start, end]) => start <= identifier.range[0] && identifier.range[1] <= end)
      if (isValueReference && declared !== undefined && !isApart) meanings[placeOf(identifier)] = placeOf(declared)
    }
  }
  return meanings
}

/** Whether there is something for a declaration at run time. */
function isAtRunTime({ isVariableDefinition, node, parent }: Definition): boolean {
  const isOfTypes = [node, parent].some((each) => {
    const { declare, importKind } = (each ?? {}) as { declare?: boolean; importKind?: string }
    return declare === true || importKind === 'type'
  })
  return isVariableDefinition && !isOfTypes && node.type !== ('TSDeclareFunction' as typeof node.type)
}

/**
 * Where values are referred to that are not needed at run time (`typeof a` as a type), or that ours has at another place (the end of
 * an element is its start again, what `import a = b` stands for is an expression).
 */
function rangesApart(node: unknown): [number, number][] {
  if (typeof node !== 'object' || node === null) return []
  const { type, range } = node as { type?: string; range?: [number, number] }
  if (
    range &&
    /^(TSTypeQuery|TSTypePredicate|TSInterfaceBody|TSTypeLiteral|TSAbstract.*|JSXClosingElement|TSImportEqualsDeclaration)$/.test(
      String(type),
    )
  )
    return [range]
  return Object.values(node).flatMap(rangesApart)
}

const placeOf = ({ range, ...node }: { range?: readonly number[]; name?: unknown }) =>
  `${String('name' in node ? node.name : '')}@${range?.[0]}`

describe('constructs', () => {
  test.each([
    ['const a = 1; { const a = 2; a } a; var b = () => a; function f(a, b = a) { var c = b; return c }'],
    ['let a; class A extends a { [a] = A; static { a; var b; b } #p = a; m(a) { return this.#p + a } } new A()'],
    ['const x = 1; function f(a = x, { y = a, ...z }, ...w) { var x; x; return [y, z, w, arguments] }'],
    [
      'try { a } catch ({ b, c = b }) { b; c } for (let i = 0; i; i++) i; for (const j of i) j; switch (k) { case k: let k; k }',
    ],
    ['enum E { A, B = A, C = E.B } E.A; const enum F { A = E.A } F.A'],
    ['namespace N { export const a = 1; a; export function f() { return a } } N.a; namespace N.M { const b = 1; b }'],
    ['declare const a: number; declare function b(): void; declare class C {} declare enum D {} const e = 1; e'],
    [
      'function f(a: string): void; function f(a: unknown) { return a } abstract class A { abstract a(): void; b() {} }',
    ],
    [
      'import type { T } from "t"; import { type U, v } from "u"; const a: T | U = v as T; export type { T }; export { v }',
    ],
    ['const a = 1; type A = typeof a; interface B { a: typeof a } const b = <A>(x: A): x is A => x satisfies A'],
    ['const d = 1; @d class A { @d a = 1; @d b(@d c) { return c } constructor(private e, readonly f = e) {} }'],
    ['import f = require("f"); f.g; import g = f.g; g; export = g'],
    ['let a: number; a = 1; (a as any) = 2; a!++; [a] = [1]; ({ a } = { a }); for (a of [a]);'],
    ['label: for (;;) { const label = 1; break label } export default class {}; export const { p: [q] } = { p: [1] }'],
    ['const A = 1, b = 2; const c = <A b={b} {...b}><b.C>{b}</b.C><d/></A>', 'a.tsx'],
  ])('%s', (source, filename = 'a.ts') => {
    const found = ours(source, filename)
    expect(found).toEqual(theirs(source, filename))
    expect(Object.keys(found ?? {}).length).toBeGreaterThan(0)
  })
})

const PACKAGES = fileURLToPath(new URL('../../../', import.meta.url))

test('the sources of this repository', () => {
  const files = readdirSync(PACKAGES).flatMap((name) =>
    readdirSync(join(PACKAGES, name, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .map((path) => join(PACKAGES, name, 'src', path)),
  )
  expect(files.length).toBeGreaterThan(60)
  for (const file of files) {
    const source = readFileSync(file, 'utf8')
    expect(ours(source, file), file).toEqual(theirs(source, file))
  }
})
