/** What is refused: with which words, at which place, and when. How a user meets it is in the integration suite. */
import { describe, expect, test } from 'vitest'
import { CaptureError, type CompileOptions, compile } from '../../src/index.ts'
import { look } from './look.ts'

const GO = "import { go } from 'goro'\n"

/** The error of `source`, in which `«…»` marks the place; without the frame. */
function refusal(source: string, options: Partial<CompileOptions> = {}): string {
  const error = errorOf(source.replace(/[«»]/g, ''), options)
  const before = source.slice(0, source.indexOf('«')).split('\n')
  const marked = /«(.*)»/s.exec(source)?.[1] as string
  expect({ line: error.line, column: error.column }).toEqual({
    line: before.length,
    column: (before.at(-1) as string).length + 1,
  })
  expect(/\n +\| +(\^+)/.exec(error.frame)?.[1]).toHaveLength(Math.max(1, marked.length))
  const place = `${error.file}:${error.line}:${error.column}: `
  expect(error.message.startsWith(place)).toBe(true)
  expect(error.message.endsWith(`\n\n${error.frame}`)).toBe(true)
  return error.message.slice(place.length, -error.frame.length - 2)
}

function errorOf(source: string, options: Partial<CompileOptions> = {}): CaptureError {
  try {
    compile(source, { filename: '/app/main.ts', ...options })
  } catch (error) {
    if (error instanceof CaptureError) return error
    throw error
  }
  throw new Error(`not refused: ${source}`)
}

const WAYS_OUT = {
  assignment:
    'is assigned to in a goroutine, which has a copy of it. Return the value and assign it where the goroutine is awaited, or share it: an atomic (AtomicInt32), a channel (chan), a SyncMap.',
  outer: 'in a goroutine belongs to the code around it, and a goroutine is a plain call on another thread.',
}

test('a whole message', () => {
  expect(errorOf(`${GO}let counter = 0\nawait go(() => {\n  counter++\n})\n`)).toMatchObject({
    name: 'CaptureError',
    file: '/app/main.ts',
    line: 4,
    column: 3,
    message: `/app/main.ts:4:3: \`counter\` ${WAYS_OUT.assignment}

  2 | let counter = 0
  3 | await go(() => {
> 4 |   counter++
    |   ^^^^^^^
  5 | })
  6 |`,
  })
})

describe('assignments', () => {
  test.each<[string]>([
    ['let n; go(() => { «n» = 1 })'],
    ['let n = 0; go(() => «n»++)'],
    ['let n = 0; go(() => --«n»)'],
    ['let n = 0; go(() => («n» += 1))'],
    ['let n; go(() => («n» ??= 1))'],
    ['let n; go(() => { [«n»] = [] })'],
    ['let n; go(() => { ({ a: «n» } = {}) })'],
    ['let n; go(() => { ({ «n» } = {}) })'],
    ['let n; go(() => { [...«n»] = [] })'],
    ['let n; go(() => { for («n» of []); })'],
    ['let n; go(() => { for («n» in {}); })'],
    ['let n; go((a = «n» = 1) => a)'],
    ['let n; go(() => { («n» as any) = 1 })'],
    ['let n; go(() => { «n»!++ })'],
    ['let n; go(() => () => { «n» = 1 })'],
    ['let n; go(() => class { m() { «n» = 1 } })'],
    ['function n() {} go(() => { «n» = 1 })'],
    ['class n {} go(() => { «n» = 1 })'],
    ['import n from "./n.ts"; go(() => { «n» = 1 })'],
    ['const n = 1; go(() => { «n» = 2 })'],
    ['function f(n) { go(() => { «n» = 2 }) }'],
    // In what the goroutine refers to, in turn.
    ['let n; const f = () => { «n» = 1 }; go(f)'],
    ['let n; function f() { g() } function g() { «n» = 1 } go(f)'],
    ['function f() { let n; const g = () => { «n» = 1 }; go(() => g()) }'],
    ['let n; class A { m() { «n» = 1 } } go(() => new A())'],
    ['let n; const o = { f: () => { «n» = 1 } }; go(() => o.f())'],
    ['let n; go(true ? () => 1 : () => { «n» = 1 })'],
    ['let n; go.with({}, () => { «n» = 1 })'],
    ['import { WaitGroup } from "goro"; let n; const wg = new WaitGroup(); wg.go(() => { «n» = 1 })'],
    ["let n; call(() => { 'use goroutine'; «n» = 1 })"],
  ])('%s', (source) => expect(refusal(GO + source)).toBe(`\`n\` ${WAYS_OUT.assignment}`))

  test.each<[string]>([
    ['go(() => { let n; n = 1; var m; m = 2 })'],
    ['go((n) => { n = 1 })'],
    ['go(() => { let n; const f = () => { n = 1 }; f() })'],
    ['const o = {}; go(() => { o.n = 1; o.m++ })'],
    ['let n; n = 1; go(() => n)'],
    ['let n; const f = () => { n = 1 }; f(); go(() => 1)'],
    ['go(function n() { n = 1 })'],
    ['go(() => { undeclared = 1 })'],
  ])('fine: %s', (source) => expect(compile(GO + source, { filename: 'a.cjs' })).not.toBeNull())
})

describe('what belongs to the code around', () => {
  test.each<[source: string, name: string, wayOut: string]>([
    [
      'class A { m() { go(() => «this».x) } }',
      'this',
      'Take what it needs into variables before: const { name } = this',
    ],
    ['class A { x = go(() => «this») }', 'this', 'Take what it needs into variables before: const { name } = this'],
    ['go(() => «this»)', 'this', 'Take what it needs into variables before: const { name } = this'],
    ['go((a = «this») => a)', 'this', 'Take what it needs into variables before: const { name } = this'],
    ['go(() => class { [«this».x] = 1 })', 'this', 'Take what it needs into variables before: const { name } = this'],
    [
      'function f() { const g = () => «this»; go(() => g()) }',
      'this',
      'Take what it needs into variables before: const { name } = this',
    ],
    ['class A extends B { m() { go(() => «super».m()) } }', 'super', 'Call it before, and use the result.'],
    ['class A extends B { x = go(() => «super».m()) }', 'super', 'Call it before, and use the result.'],
    ['function f() { go(() => «arguments»[0]) }', 'arguments', 'Name the parameters instead: (...args) => …'],
    [
      'function F() { go(() => «new.target») }',
      'new.target',
      'Take what it needs into a variable before: const { name } = new.target',
    ],
  ])('%s', (source, name, wayOut) => expect(refusal(GO + source)).toBe(`\`${name}\` ${WAYS_OUT.outer} ${wayOut}`))

  test.each<[string]>([
    ['class A { #p; m() { go((o) => o.«#p», this) } }'],
    ['class A { #p; m() { go((o) => «#p» in o, this) } }'],
    ['class A { #p() {} m() { const f = (o) => o.«#p»(); go((o) => f(o), this) } }'],
  ])('%s', (source) =>
    expect(refusal(GO + source)).toBe(
      '`#p` in a goroutine belongs to the class around it, which is not there on another thread. Take its value into a variable before.',
    ),
  )

  test.each<[string]>([
    ['const o = { m() { return «this» } }; go(() => o.m())'],
    ['function f() { const o = { m() { return «this» } }; go(() => o.m()) }'],
  ])('%s', (source) =>
    expect(refusal(GO + source)).toBe(
      '`this` in a method belongs to its object, of which a goroutine has only what it uses. Write a function that takes what it needs as parameters, or a class.',
    ),
  )

  test.each<[string]>([
    ['go(function () { return [this, arguments, new.target] })'],
    ['go(() => function () { return this })'],
    ['go(() => ({ m() { return [this, super.toString, arguments] } }))'],
    [
      'go(() => class extends B { #p = this; x = super.y; static { this.z } constructor() { super(); new.target; this.#p } })',
    ],
    ['class A { #p = 1; m() { return this.#p } } go(() => new A())'],
    ['class A { m() { const x = this.x; go(() => x) } }'],
  ])('fine: %s', (source) => expect(compile(GO + source, { filename: 'a.ts' })).not.toBeNull())
})

describe('what hides names', () => {
  const options = { filename: 'a.cjs' }
  const requireGo = "const { go } = require('goro')\n"

  test('direct eval', () => {
    expect(refusal(`${requireGo}go((code) => «eval»(code))`, options)).toBe(
      '`eval` in a goroutine may refer to any variable, so nobody can tell what to send along. Use (0, eval)(code), which sees globals only, or new Function(…) with parameters.',
    )
    expect(compile(`${requireGo}go((code) => (0, eval)(code))`, options)).not.toBeNull()
    expect(compile(`${requireGo}{ const eval = (x) => x; go((code) => eval(code)) }`, options)).not.toBeNull()
    expect(compile(`${requireGo}eval('1'); go(() => 1)`, options)).not.toBeNull()
  })

  test('with', () => {
    expect(refusal(`${requireGo}go((o) => { «with» (o) x })`, options)).toBe(
      '`with` in a goroutine lets any name be a property, so nobody can tell what to send along. Write object.name.',
    )
    expect(refusal(`${requireGo}with (o) { go(«»() => x) }`, options)).toBe(
      'A goroutine inside `with` may refer to properties by their bare names, so nobody can tell what to send along. Move it out of the `with`.',
    )
    expect(compile(`${requireGo}with (go(() => 1)) { x }`, options)).not.toBeNull()
  })
})

test("'use goroutine' on what can't be shipped", () => {
  const words = (name: string) =>
    `'use goroutine' has no effect on a method, a getter or a setter. Write \`${name}\` as a property with a function: ${name}: () => …`
  expect(refusal("call({ «»run() { 'use goroutine' } })")).toBe(words('run'))
  expect(refusal("class A { «»run() { 'use goroutine' } }")).toBe(words('run'))
  expect(refusal("call({ «»get run() { 'use goroutine' } })")).toBe(words('run'))
  expect(refusal("call({ «»[run]() { 'use goroutine' } })")).toBe(words('it'))
  expect(compile("const o = { run() { 'use goroutine' } }", { filename: 'a.js' })).not.toBeNull()
})

describe('when it is not sure that it becomes a goroutine', () => {
  const reason = (place: string) => `/app/main.ts:${place}: \`n\` ${WAYS_OUT.assignment}`
  const options = { filename: '/app/main.ts' }

  test('the reason is kept for the call', () => {
    expect(look(`${GO}let n; export const f = () => { n = 1 }`, options)).toMatchObject({
      sites: [reason('2:33')],
      functions: ['f: '],
    })
    expect(look(`${GO}let n; unknown.go(() => { n = 1 })`, options)).toMatchObject({
      sites: [reason('2:27')],
      shipped: ['() => { n = 1 }: '],
    })
    expect(look('let n; export function f() { n = 1 }', { ...options, dependency: true }).sites).toEqual([
      reason('1:30'),
    ])
  })

  test('until something makes sure of it', () => {
    expect(refusal(`${GO}let n; const f = () => { «n» = 1 }; unknown.go(f); go(f)`)).toBe(
      `\`n\` ${WAYS_OUT.assignment}`,
    )
  })
})

describe('places', () => {
  test('a file URL is shown as the path that it is', () => {
    expect(errorOf(`${GO}go(() => this)`, { filename: 'file:///a%20b/main.ts' }).file).toBe('/a b/main.ts')
  })

  test('after another compiler, those of the text that a person wrote', () => {
    // What esbuild makes of it, with its map.
    const original = `import { go } from 'goro'\n\nlet counter: number = 0\ngo((): void => {\n  counter++\n})\n`
    const source = 'import{go}from"goro";let counter=0;go(()=>{counter++});\n'
    const inputMap = {
      version: 3,
      sources: ['main.ts'],
      sourcesContent: [original],
      names: [],
      mappings: 'AAAA,OAAS,OAAU,OAEnB,IAAI,QAAkB,EACtB,GAAG,IAAY,CACb,SACF,CAAC',
    }
    for (const map of [inputMap, JSON.stringify(inputMap)]) {
      const error = errorOf(source, { language: 'js', inputMap: map })
      expect(error).toMatchObject({ file: '/app/main.ts', line: 5, column: 3 })
      expect(error.frame).toContain('> 5 |   counter++')
    }
    const { sourcesContent, ...bare } = inputMap
    const options: Partial<CompileOptions> = { language: 'js', inputMap: bare }
    expect(errorOf(source, { ...options, originalSource: () => original }).frame).toContain('> 5 |   counter++')
    expect(errorOf(source, options)).toMatchObject({ line: 5, column: 3 })
  })
})
