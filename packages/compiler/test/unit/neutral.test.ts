/** A compiled module does what it did before: run beside itself, with a `go` that just calls. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compile } from '../../src/index.ts'

let dir: string
let loaded = 0

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'goro-neutral-'))
  const goro = join(dir, 'node_modules/goro')
  mkdirSync(goro, { recursive: true })
  const exports = { '.': './index.cjs', './compiled': './compiled.cjs' }
  writeFileSync(join(goro, 'package.json'), JSON.stringify({ name: 'goro', exports }))
  writeFileSync(join(goro, 'index.cjs'), 'exports.go = async (fn, ...args) => fn(...args)')
  writeFileSync(join(goro, 'compiled.cjs'), 'exports.ship = (fn) => fn')
  // By Node itself: vitest makes something else of what it imports.
  writeFileSync(
    join(dir, 'load.cjs'),
    "const url = require('node:url'); exports.load = async (p) => p.endsWith('.cjs') ? require(p) : import(url.pathToFileURL(p))",
  )
})

afterAll(() => rmSync(dir, { recursive: true }))

/** The module, loaded as it is and compiled. */
async function both(source: string, extension: string): Promise<[plain: unknown, compiled: unknown]> {
  const result = compile(source, { filename: `module${extension}`, dependency: true })
  const texts = { plain: source, compiled: result?.code ?? 'throw new Error("not compiled")' }
  const { load } = createRequire(join(dir, 'x'))('./load.cjs') as { load(path: string): Promise<unknown> }
  const run = (name: keyof typeof texts): Promise<unknown> => {
    const path = join(dir, `${name}-${++loaded}${extension}`)
    writeFileSync(path, texts[name])
    return load(path)
  }
  return [await run('plain'), await run('compiled')]
}

const MODULE = `
import { go } from 'goro'
const before = [typeof hoisted, typeof default1, hoisted.name]
export const names = { before, inside: [] }
function hoisted() { return k }
function default1() {}
const k = 1
const arrow = () => k
const cast = (0, () => k)
let later
later = () => k
later = later
const o = { f: () => k, m() { return k }, 'a b': () => k, deep: [() => k, class {}] }
class A extends Object { static s() {} static t = () => k; u = () => k }
names.top = [arrow, cast, later, o.f, o.m, o['a b'], ...o.deep, A, A.s, A.t, new A().u].map((f) => f.name)
export async function local(n = () => 1) {
  const g = () => k, { h = () => k } = {}
  let i; i = () => k
  names.inside.push(typeof decl, typeof inner)
  function decl() { return inner() }
  function inner() { return k }
  class B { m() { return k } }
  const C = class {}, p = { f: () => k, m() { return k } }
  const results = []
  for (const f of [n, g, h, i, decl, (x = 1) => x, function named() { return k }]) results.push(await go(f))
  results.push(await go(() => [new B().m(), new C(), p.f(), p.m(), later(), o.f()].length))
  return [results, [n, g, h, i, decl, B, C, p.f, p.m].map((f) => f.name)]
}
export { arrow as 'arrow function', hoisted as h }
export const sum = await go((...all) => all.reduce((a, b) => a + b), 1, 2, 3)
`

test.each([
  ['export default function () { return 1 }'],
  ['export default () => 1'],
  ['export default class { static s() { return 2 } }'],
  ['export default (class { static n = this.name })'],
  ['export default { f: () => 1 }'],
  ['export default async function* () {}'],
])('%s', async (last) => {
  const shape = async (module: unknown): Promise<unknown> => {
    const { default: value, names, local, sum, ...rest } = module as Record<string, never> & { local(): unknown }
    const described =
      typeof value === 'function' ? [(value as { name: string }).name, typeof value] : Object.keys(value)
    return [described, await local(), names, sum, Object.keys(rest)]
  }
  const [plain, compiled] = await both(MODULE + last, '.mjs')
  expect(await shape(compiled)).toEqual(await shape(plain))
})

test('CommonJS', async () => {
  const source = `
    'use strict'
    const { go } = require('goro')
    exports.f = () => 1
    module.exports.g = function () { return exports.f() }
    const k = 1
    exports.names = [exports.f, exports.g].map((f) => f.name)
    exports.strict = (function () { return this === undefined })()
    exports.run = () => Promise.all([go(() => k), go(exports.g), go((x) => x + k, 2)])`
  const [plain, compiled] = (await both(source, '.cjs')) as { run(): Promise<unknown> }[]
  expect(JSON.stringify(compiled)).toBe(JSON.stringify(plain))
  expect(await compiled?.run()).toEqual(await plain?.run())
})

test('a whole parser', async () => {
  const path = createRequire(import.meta.url)
    .resolve('acorn')
    .replace(/\.js$/, '.mjs')
  const source = readFileSync(path, 'utf8')
  const [plain, compiled] = (await both(source, '.mjs')) as typeof import('acorn')[]
  const options = { ecmaVersion: 'latest', sourceType: 'module' } as const
  expect(JSON.stringify(compiled?.parse(source, options))).toBe(JSON.stringify(plain?.parse(source, options)))
  expect(() => compiled?.parse('(', options)).toThrow('Unexpected token (1:1)')
})
