/**
 * What can't work on another thread is refused, with a message that says what, where and what to do instead: when the module is
 * loaded, if the compiler can tell, else by the call of `go`. Every refusal, as a user sees it through the loader.
 *
 * Each is a module of its own; `«…»` marks the place that the message names. One process loads them all.
 */
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { plotOf, TSX } from './plot.ts'

interface Refusal {
  readonly source: string
  /** What follows the place. */
  readonly message: string
}

const copyOf = (name: string) =>
  `\`${name}\` is assigned to in a goroutine, which has a copy of it. Return the value and assign it where the goroutine is awaited, or share it: an atomic (AtomicInt32), a channel (chan), a SyncMap.`
const outer = (name: string, wayOut: string) =>
  `\`${name}\` in a goroutine belongs to the code around it, and a goroutine is a plain call on another thread. ${wayOut}`
const THIS = outer('this', 'Take what it needs into variables before: const { name } = this')
const SUPER = outer('super', 'Call it before, and use the result.')
const ARGUMENTS = outer('arguments', 'Name the parameters instead: (...args) => …')
const NEW_TARGET = outer('new.target', 'Take what it needs into a variable before: const { name } = new.target')
const EVAL =
  '`eval` in a goroutine may refer to any variable, so nobody can tell what to send along. Use (0, eval)(code), which sees globals only, or new Function(…) with parameters.'
const WITH =
  '`with` in a goroutine lets any name be a property, so nobody can tell what to send along. Write object.name.'
const INSIDE_WITH =
  'A goroutine inside `with` may refer to properties by their bare names, so nobody can tell what to send along. Move it out of the `with`.'
const privateName = (name: string) =>
  `\`${name}\` in a goroutine belongs to the class around it, which is not there on another thread. Take its value into a variable before.`

const GO = "import { go, WaitGroup } from 'goro'\n"
const esm = (message: string, source: string): Refusal => ({ message, source: GO + source })
const cjs = (message: string, source: string): Refusal => ({
  message,
  source: `const { go } = require('goro')\n${source}`,
})

/** By name; a name that ends in `.cjs` is CommonJS, the others are ESM. */
const AT_COMPILE_TIME: Record<string, Refusal> = {
  // Assignments
  'a let of the module': esm(copyOf('counter'), 'let counter = 0\nexport const f = () => go(() => { «counter» = 1 })'),
  'a local let': esm(copyOf('n'), 'export function f() {\n  let n = 0\n  return go(() => {\n    «n» += 1\n  })\n}'),
  'a postfix ++': esm(copyOf('n'), 'let n = 0\nexport const f = () => go(() => «n»++)'),
  'a prefix --': esm(copyOf('n'), 'let n = 0\nexport const f = () => go(() => --«n»)'),
  '??=': esm(copyOf('n'), 'let n\nexport const f = () => go(() => («n» ??= 1))'),
  'a parameter of the outer function': esm(copyOf('p'), 'export const f = (p) => go(() => { «p» = 1 })'),
  'an array pattern': esm(copyOf('b'), 'let a = 0, b = 0\nexport const f = () => go((x) => { let y; [y, «b»] = x })'),
  'an object pattern': esm(copyOf('b'), 'let b\nexport const f = () => go((x) => { ({ b: «b» = 2 } = x) })'),
  'a shorthand in a pattern': esm(copyOf('b'), 'let b\nexport const f = () => go((x) => { ({ «b» } = x) })'),
  'a rest element of a pattern': esm(copyOf('b'), 'let b\nexport const f = () => go((x) => { [...«b»] = x })'),
  'the head of for-of': esm(copyOf('b'), 'let b\nexport const f = () => go((x) => { for («b» of x); })'),
  'the head of for-in': esm(copyOf('b'), 'let b\nexport const f = () => go((x) => { for («b» in x); })'),
  'a var of the module': esm(copyOf('v'), 'var v = 1\nexport const f = () => go(() => { «v» = 2 })'),
  'a function of the module': esm(copyOf('g'), 'function g() {}\nexport const f = () => go(() => { «g» = null })'),
  'a class of the module': esm(copyOf('C'), 'class C {}\nexport const f = () => go(() => { «C» = null })'),
  'a const, which would fail anyway': esm(copyOf('c'), 'const c = 1\nexport const f = () => go(() => { «c» = 2 })'),
  'an import, which would fail anyway': esm(
    copyOf('sep'),
    "import { sep } from 'node:path'\nexport const f = () => go(() => { «sep» = 2 })",
  ),
  'in a closure within': esm(copyOf('n'), 'let n = 0\nexport const f = () => go(() => [1].forEach(() => { «n»++ }))'),
  'in a class within': esm(
    copyOf('n'),
    'let n = 0\nexport const f = () => go(() => new (class { m() { «n»++ } })().m())',
  ),
  'in a default parameter': esm(copyOf('n'), 'let n = 0\nexport const f = () => go((x = «n»++) => x)'),
  'in a nested goroutine': esm(
    copyOf('n'),
    'export const f = () => { let n = 0; return go(async () => go(() => { «n»++ })) }',
  ),
  'a variable of the goroutine in a nested goroutine': esm(
    copyOf('n'),
    'export const f = () => go(async () => { let n = 0; await go(() => { «n»++ }); return n })',
  ),
  'in a local helper': esm(
    copyOf('n'),
    'export const f = () => { let n = 0; const bump = () => { «n»++ }; return go(() => bump()) }',
  ),
  'in a helper of a helper of the module': esm(
    copyOf('n'),
    'let n = 0\nconst a = () => { «n»++ }\nfunction b() { a() }\nexport const f = () => go(() => b())',
  ),
  'in a helper that is passed': esm(
    copyOf('n'),
    'let n = 0\nfunction bump() { «n»++ }\nexport const f = () => go(bump)',
  ),
  'in one of two that are passed': esm(
    copyOf('n'),
    'let n = 0\nexport const f = (x) => go(x ? () => 1 : () => { «n»++ })',
  ),
  'go.with': esm(copyOf('n'), "let n = 0\nexport const f = () => go.with({ name: 'x' }, () => { «n»++ })"),
  'WaitGroup.go': esm(
    copyOf('n'),
    'const group = new WaitGroup()\nlet n = 0\nexport const f = () => group.go(() => { «n»++ })',
  ),
  "'use goroutine'": esm(copyOf('n'), "let n = 0\nexport const f = () => { 'use goroutine'; «n»++ }"),
  'CommonJS.cjs': cjs(copyOf('n'), 'let n = 0\nexports.f = () => go(() => { «n»++ })'),
  'a module by its namespace': {
    message: copyOf('n'),
    source: "import * as goro from 'goro'\nlet n = 0\nexport const f = () => goro.go(() => { «n»++ })",
  },
  // this, super, arguments, new.target, private names
  'this in a method': esm(THIS, 'export class A { n = 1; f() { return go(() => «this».n) } }'),
  'this of the module': esm(THIS, 'export const f = () => go(() => «this»)'),
  'this in a field': esm(THIS, 'export class A { n = 1; f = go(() => «this».n) }'),
  'this in a nested arrow function': esm(THIS, 'export class A { f() { return go(() => [1].map(() => «this»)) } }'),
  'this in a default parameter': esm(THIS, 'export class A { f() { return go((x = «this») => x) } }'),
  'this in a local helper': esm(THIS, 'export class A { f() { const g = () => «this».n; return go(() => g()) } }'),
  'this in a computed name of a class within': esm(
    THIS,
    'export class A { f() { return go(() => class { [«this».n]() {} }) } }',
  ),
  'super in a method': esm(SUPER, 'export class A extends Map { f() { return go(() => «super».get(1)) } }'),
  'arguments of the outer function': esm(ARGUMENTS, 'export function f() { return go(() => «arguments»[0]) }'),
  'new.target of the outer function': esm(
    NEW_TARGET,
    'export function F() { return go(() => «new.target» === undefined) }',
  ),
  'a private field': esm(privateName('#n'), 'export class A { #n = 1; static f(a) { return go((b) => b.«#n», a) } }'),
  'a private name as a test': esm(
    privateName('#n'),
    'export class A { #n = 1; static f() { return go((b) => «#n» in b) } }',
  ),
  // eval, with
  eval: esm(EVAL, "export const f = () => go(() => «eval»('1'))"),
  'eval in a closure within': esm(EVAL, "export const f = () => go(() => () => «eval»('1'))"),
  'with.cjs': cjs(WITH, 'exports.f = () => go(function (o) { «with» (o) { return x } })'),
  'around it with.cjs': cjs(
    INSIDE_WITH,
    'exports.f = (o) => { with (o) { return go(«() => x») } }'.replace('«() => x»', '«»() => x'),
  ),
  "'use goroutine' in a method": esm(
    "'use goroutine' has no effect on a method, a getter or a setter. Write `run` as a property with a function: run: () => …",
    "export const f = () => ({ «»run() { 'use goroutine'; return 1 } })",
  ),
}

/** They look alike, and are allowed. Each is run. */
const ALLOWED: Record<string, string> = {
  'assigning to its own variables': 'let n = 1\nexport const f = () => go(() => { let n = 0; n++; return n })',
  'assigning to a parameter': 'let n = 1\nexport const f = () => go((n) => { n++; return n }, 0)',
  'assigning to a variable of the goroutine in a closure within':
    'export const f = () => go(() => { let n = 0; [1].forEach(() => { n++ }); return n })',
  'assigning to a property of a captured variable':
    'const o = { n: 0 }\nexport const f = () => go(() => { o.n++; return o.n })',
  'assigning outside only': 'let n = 0\nexport const f = () => { n++; return go(() => n) }',
  'an assignment in a function that no goroutine needs':
    'let n = 0\nconst bump = () => { n++ }\nbump()\nexport const f = () => go(() => n, bump())'.replace(', bump()', ''),
  'this of a function within': 'export const f = () => go(() => (function () { return this.n }).call({ n: 1 }))',
  'this of a class within':
    'export const f = () => go(() => new (class { n = 1; get() { return (() => this.n)() } })().get())',
  'this in a static block and a field within':
    'export const f = () => go(() => { class A { static n; static { this.n = 1 } static m = this.n } return A.m })',
  'super of a class within':
    'export const f = () => go(() => new (class extends Map { get(k) { return super.get(k) ?? 1 } })().get(2))',
  'arguments of its own': 'export const f = () => go(function () { return arguments.length }, 1)',
  'private names of a class within':
    'export const f = () => go(() => new (class { #n = 1; n() { return this.#n } })().n())',
  'eval by another way': "export const f = () => go(() => (0, eval)('1'))",
  'a method called eval': "export const f = () => go(() => ({ eval: (x) => Number(x) }).eval('1'))",
  'this where go is not of goro':
    'export const f = () => { const go = (fn) => fn(); return ({ n: 1, m() { return go(() => this.n) } }).m() }',
}

const FUNCTION = "a function can't be sent to another thread; import it where it is used, or send what it needs"
const SYMBOL = "a symbol can't be sent to another thread; send its description"

/**
 * Refused by the call of `go`, when it is known what the variables hold. FILE stands for the URL of the module, PLACE for it with the
 * line and column of the mark, HELPER for the URL of `helper.mjs`.
 */
const AT_RUN_TIME: Record<string, Refusal> = {
  // Captured values that can't be sent
  'a function in captured data': esm(
    `DataCloneError: captured variable \`options\`, at .onDone: ${FUNCTION} (go at PLACE)`,
    'const options = { onDone: Object.assign(() => options, {}) }\nconst { log } = options\nexport const f = () => «go»((o) => [options, o], log)',
  ),
  'a function deep in captured data': esm(
    `DataCloneError: captured variable \`cfg\`, at .list[1].run: ${FUNCTION} (go at PLACE)`,
    'export const f = (cfg = JSON.parse(\'{"list":[1,{}]}\')) => {\n  cfg.list[1].run = () => cfg\n  return «go»(() => cfg)\n}',
  ),
  'a member of captured data': esm(
    `DataCloneError: captured variable \`cfg\`, at .deep.run: ${FUNCTION} (go at PLACE)`,
    'export const f = (k = 1) => {\n  const cfg = { deep: { run: Object.assign(() => k, {}) } }\n  return «go»(() => cfg.deep)\n}',
  ),
  'a symbol': esm(
    `DataCloneError: captured variable \`key\`: ${SYMBOL} (go at PLACE)`,
    "const key = Symbol('key')\nexport const f = () => «go»(() => key.description)",
  ),
  'a promise': esm(
    "DataCloneError: captured variable `p`: a promise can't be sent to another thread; await it first (go at PLACE)",
    'export const f = () => {\n  const p = Promise.resolve(1)\n  return «go»(() => p)\n}',
  ),
  'a WeakMap in a Map': esm(
    "DataCloneError: captured variable `m`, at .get('k'): a WeakMap can't be sent to another thread (go at PLACE)",
    "const m = new Map([['k', new WeakMap()]])\nexport const f = () => «go»(() => m.size)",
  ),
  'a Proxy': esm(
    "DataCloneError: captured variable `p`: a Proxy can't be sent to another thread; send what it stands for (go at PLACE)",
    'const p = new Proxy({}, {})\nexport const f = () => «go»(() => p)',
  ),
  'a generator': esm(
    "DataCloneError: captured variable `g`: a generator can't be sent to another thread; send what it yields (go at PLACE)",
    'export const f = () => {\n  const g = (function* () {})()\n  return «go»(() => [...g])\n}',
  ),
  'what a helper captures': esm(
    `DataCloneError: captured variable \`key\` of \`helper\`: ${SYMBOL} (go at PLACE)`,
    'export const f = () => {\n  const key = Symbol()\n  const helper = () => key\n  return «go»(() => helper())\n}',
  ),
  'what an imported helper captures': esm(
    `DataCloneError: captured variable \`secret\` of \`useSecret\`: ${SYMBOL} (go at PLACE)`,
    "import { useSecret } from '../secret.mjs'\nexport const f = () => «go»(() => useSecret())",
  ),
  'the first of two': esm(
    `DataCloneError: captured variable \`a\`: ${SYMBOL} (go at PLACE)`,
    'const a = Symbol(), b = Symbol()\nexport const f = () => «go»(() => [a, b])',
  ),
  'in go.with': esm(
    `DataCloneError: captured variable \`a\`: ${SYMBOL} (go.with at PLACE)`,
    "const a = Symbol()\nexport const f = () => go.with«(»{ name: 'x' }, () => a)",
  ),
  'in WaitGroup.go': esm(
    `DataCloneError: captured variable \`a\`: ${SYMBOL} (WaitGroup.go at PLACE)`,
    'const a = Symbol()\nconst group = new WaitGroup()\nexport const f = () => group.«go»(() => a)',
  ),
  'in a nested goroutine': esm(
    `DataCloneError: captured variable \`a\`: ${SYMBOL} (go at PLACE)`,
    'export const f = () => go(async () => {\n  const a = Symbol()\n  return «go»(() => a)\n})',
  ),
  'in CommonJS.cjs': cjs(
    `DataCloneError: captured variable \`a\`: ${SYMBOL} (go at PLACE)`,
    'const a = Symbol()\nexports.f = () => «go»(() => a)',
  ),
  // Variables that are not there yet
  'a variable of the function that is not initialised': esm(
    'CaptureError: go: the function refers to `late`, which is not initialised yet; call go at PLACE after its declaration has run',
    'export const f = () => {\n  const g = «go»(() => late)\n  const late = 1\n  return g\n}',
  ),
  'a variable of the module that is not initialised': esm(
    'CaptureError: go: the function refers to `late`, which is not initialised yet; call go at PLACE after its declaration has run',
    'export let f\ntry {\n  «go»(() => late)\n} catch (error) {\n  f = () => { throw error }\n}\nconst late = 1',
  ),
  'a variable of a helper that is not initialised': esm(
    'CaptureError: go: `helper` refers to `late`, which is not initialised yet; call go at PLACE after its declaration has run',
    'export const f = () => {\n  const helper = () => late\n  const g = «go»(() => helper())\n  const late = 1\n  return g\n}',
  ),
  // Functions that may not, which is known now only
  'an imported function that assigns': esm(
    `CaptureError: HELPER:2:33: ${copyOf('n')}`,
    "import { bump } from '../helper.mjs'\nexport const f = () => go(bump)",
  ),
  'a function that uses an imported one that assigns': esm(
    `CaptureError: HELPER:2:33: ${copyOf('n')}`,
    "import { bump } from '../helper.mjs'\nexport const f = () => go(() => bump())",
  ),
  'go of an object that may be anything': esm(
    `CaptureError: FILE:3:56: ${copyOf('n')}`,
    'let n = 0\nexport const f = (x = new WaitGroup()) => x.go(() => { n++ })',
  ),
  'a member of a namespace that assigns, when it is called': esm(
    `CaptureError: HELPER:2:33: ${copyOf('n')}`,
    "import * as helper from '../helper.mjs'\nexport const f = () => go((name) => helper[name](), 'bump')",
  ),
  'a global that this thread alone has': esm(
    'CaptureError: go: the function (FILE:3:27) refers to `onlyHere` at PLACE, which it would not find on another thread. Each thread has a globalThis of its own. Pass it as an argument',
    'globalThis.onlyHere = 1\nexport const f = () => go(() => «onlyHere»)',
  ),
  'this, through a parameter': esm(
    'CaptureError: go: the function (PLACE) uses `this` at FILE:3:50, which belongs to the code around it; a goroutine is a plain call. Pass what it needs as an argument',
    'const run = (fn) => go(fn)\nexport const f = () => ({ m() { return run(«() => this») } }).m()',
  ),
  'a nested function, through a parameter': esm(
    'CaptureError: go: `task` (PLACE) refers to `k` at FILE:4:22, which it would not find on another thread. *',
    'const run = (fn) => go(fn)\nexport const f = (k = 1) => {\n  const task = «() => k»\n  return run(task)\n}',
  ),
  'a generator function': esm(
    'CaptureError: go: `gen` (PLACE) is a generator function, which can only be stepped through on the thread where it was called',
    '«function* gen() {}»\nexport const f = () => go(gen)',
  ),
  'a class': esm(
    'CaptureError: go: `K` (PLACE) is a class; pass a function that makes an instance of it',
    '«class K {}»\nexport const f = () => go(K)',
  ),
  'a native function': esm(
    'CaptureError: go: `max` is a native function, which has no source; pass a function that calls it',
    'export const f = () => go(Math.max, 1)',
  ),
  'a bound function': esm(
    'CaptureError: go: `b` is a bound function, which has no source; pass the function itself, and what is bound as arguments',
    'function b() {}\nexport const f = () => go(b.bind(null))',
  ),
  'a Proxy of a function': esm(
    'CaptureError: go: a Proxy of a function has no source; pass the function itself, or one that calls it',
    'const p = new Proxy(() => 1, {})\nexport const f = () => go(p)',
  ),
  'a captured Proxy of a function': esm(
    'CaptureError: go: a Proxy of a function has no source; pass the function itself, or one that calls it',
    'const p = new Proxy(() => 1, {})\nexport const f = () => go(() => p())',
  ),
  'a getter': esm(
    'CaptureError: go: `get x` (PLACE) is a getter or setter; pass a function that has what it returns',
    "export const f = () => go(Object.getOwnPropertyDescriptor({ «get x() { return 1 }» }, 'x').get)",
  ),
  'no function': esm('TypeError: go: takes a function, not 42', 'export const f = () => go(42)'),
  'a function in an argument': esm(
    `DataCloneError: argument 2, at .a[0]: ${FUNCTION}`,
    'export const f = () => go((x, y) => [x, y], 1, { a: [() => 1] })',
  ),
  'a function in a result': esm(
    `DataCloneError: result, at .f: ${FUNCTION}`,
    'export const f = () => go(() => ({ f: () => 1 }))',
  ),
}

const HELPER = `let n = 0
export function bump() { return n++ }
`
const SECRET = `const secret = Symbol('secret')
export const useSecret = () => secret
`

const plot = plotOf()
plot.linkGoro('goro')
afterAll(() => plot.remove())

interface Place {
  readonly line: number
  readonly column: number
  readonly width: number
}

/** The source without its marks, and the place between them. */
function unmark(source: string): { text: string; place: Place } {
  const start = source.indexOf('«')
  const before = source.slice(0, start).split('\n')
  const place = {
    line: before.length,
    column: (before.at(-1) as string).length + 1,
    width: source.indexOf('»') - start - 1,
  }
  return { text: source.replace(/[«»]/g, ''), place }
}

const fileOf = (group: string, name: string) =>
  `${group}/${name.replace(/\.cjs$/, '').replace(/[^\w]+/g, (signs) => `-${signs.length}-`)}${name.endsWith('.cjs') ? '.cjs' : '.mjs'}`

plot.write(
  'load.mjs',
  `const results = {}
for (const file of process.argv.slice(2)) {
  try {
    const { f } = await import('./' + file)
    results[file] = { value: file.startsWith('refused') ? 'loaded' : await f() }
  } catch (error) {
    results[file] = { name: error.name, message: error.message, file: error.file, line: error.line, column: error.column }
  }
}
console.log(JSON.stringify(results))
`,
)

interface Result {
  readonly value?: unknown
  readonly name?: string
  readonly message?: string
}

async function load(files: readonly string[]): Promise<Record<string, Result>> {
  const { stdout, stderr } = await plot.node(['--import', 'goro/register', 'load.mjs', ...files])
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout) as Record<string, Result>
}

for (const [name, { source }] of Object.entries(AT_COMPILE_TIME)) {
  plot.write(fileOf('refused', name), `${unmark(source).text}\n`)
}
for (const [name, source] of Object.entries(ALLOWED)) {
  const head = name.endsWith('.cjs') ? "const { go } = require('goro')\n" : GO
  plot.write(fileOf('allowed', name), `${source.includes('const go =') ? "import 'goro'\n" : head}${source}\n`)
}
plot.write('helper.mjs', HELPER)
plot.write('secret.mjs', SECRET)
for (const [name, { source }] of Object.entries(AT_RUN_TIME)) {
  plot.write(fileOf('thrown', name), `${unmark(source).text}\n`)
}
const refused = await load(Object.keys(AT_COMPILE_TIME).map((name) => fileOf('refused', name)))
const allowed = await load(Object.keys(ALLOWED).map((name) => fileOf('allowed', name)))

describe('refused when the module is loaded', () => {
  test.each(Object.entries(AT_COMPILE_TIME))('%s', (name, { source, message }) => {
    const file = fileOf('refused', name)
    const { text, place } = unmark(source)
    const result = refused[file] as Result
    expect(result.name).toBe('CaptureError')
    const [head, frame] = (result.message as string).split('\n\n') as [string, string]
    expect(head).toBe(`${plot.dir}/${file}:${place.line}:${place.column}: ${message}`)
    const lines = frame.split('\n')
    const marked = lines.findIndex((line) => line.startsWith('>'))
    expect(lines[marked]).toBe(`> ${place.line} | ${text.split('\n')[place.line - 1]}`)
    expect(lines[marked + 1]).toBe(
      `${' '.repeat(2 + String(place.line).length)} | ${' '.repeat(place.column - 1)}${'^'.repeat(Math.max(1, place.width))}`,
    )
  })
})

describe('refused by the call', async () => {
  const thrown = await load(Object.keys(AT_RUN_TIME).map((name) => fileOf('thrown', name)))
  const url = (path: string) => String(pathToFileURL(`${plot.dir}/${path}`))

  test.each(Object.entries(AT_RUN_TIME))('%s', (name, { source, message }) => {
    const file = fileOf('thrown', name)
    const { place } = unmark(source)
    const result = thrown[file] as Result
    const expected = message
      .replace('PLACE', `${url(file)}:${place.line}:${place.column}`)
      .replace(/FILE(?=:\d+:\d+: )/, `${plot.dir}/${file}`)
      .replace('FILE', url(file))
      .replace('HELPER', `${plot.dir}/helper.mjs`)
    const got =
      result.name === undefined
        ? `value: ${String(result.value)}`
        : `${result.name}: ${result.message?.split('\n\n')[0]}`
    if (expected.endsWith('*')) expect(got.slice(0, expected.length - 1)).toBe(expected.slice(0, -1))
    else expect(got).toBe(expected)
  })
})

test('what nothing has compiled is refused with the ways to have it compiled', async () => {
  plot.write('bare.mjs', `${GO}const k = 1\nexport const f = () => go(() => k)\nawait f()\n`)
  const { code, stderr } = await plot.node(['bare.mjs'])
  expect(code).toBe(1)
  const file = pathToFileURL(`${plot.dir}/bare.mjs`)
  expect(stderr).toContain(
    `go: the function (${file}:3:27) refers to \`k\` at ${file}:3:33, which it would not find on another thread. ` +
      "Pass data as an argument: go(fn, …, k); import code inside the function: await import('…'). Or let goro compile the " +
      "program, which ships what a function refers to: goro run FILE, node --import goro/register FILE, or goro's plugin " +
      'for your bundler',
  )
})

describe('not refused', () => {
  test.each(Object.keys(ALLOWED))('%s', (name) => {
    expect(allowed[fileOf('allowed', name)]).toEqual({ value: 1 })
  })
})

describe('as a user sees it', () => {
  const source = `import { go } from 'goro'

interface Counter { readonly n: number }
let counter: Counter['n'] = 0
enum Step { One = 1 }

export const f = () =>
  go((by: Step): void => {
    counter += by
  }, Step.One)
`
  const FRAME = `   7 | export const f = () =>
   8 |   go((by: Step): void => {
>  9 |     counter += by
     |     ^`

  // The hooks that are registered last are asked first, and hand on to those before.
  test.each([
    ['TypeScript as it is written', ['goro/register', TSX]],
    ['what tsx has made of it', [TSX, 'goro/register']],
  ])('%s: the place and the lines around it are those that were written', async (_, imports) => {
    plot.write('counter.ts', source)
    const { code, stderr } = await plot.node([...imports.flatMap((each) => ['--import', each]), 'counter.ts'])
    expect(code).toBe(1)
    expect(stderr).toContain(`${plot.dir}/counter.ts:9:5: ${copyOf('counter')}\n\n${FRAME}`)
    expect(stderr).toContain('CaptureError')
  })
})
