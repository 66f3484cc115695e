/**
 * Functions on their way to other threads. A function can't be sent, but its source can: `codeOf` publishes it, with the file,
 * line and column of its definition, as a *code record* in the shared region; `functionAt` compiles a record, once a thread, so
 * that stack traces show the original place. A G carries the record's address. There is one record a definition and thread that
 * ships it, and none is ever freed.
 *
 * Which definition a function object belongs to: an inline closure is a new object at each call, with the same text; but two
 * definitions may have the same text. V8 knows (location.ts), but takes three hundred times as long. So the first objects of
 * a text are looked up, and then every second, fourth, eighth … as many again; in between it is taken for granted that they
 * are of one definition. Once a text is known to be of several, the same goes for each way that leads to `go` with it
 * (docs/decisions/0002-shipping-functions.md has the figures).
 */
import { existsSync, readFileSync } from 'node:fs'
import module, { createRequire } from 'node:module'
import { inspect, types } from 'node:util'
import { alloc, bytes, i32, read, struct, WORD_BYTES, write, writeBytes } from '@goro/memory'
import { analyse, glance, type Reference, type Shape, type Span, startsStrict } from './capture.ts'
import { CaptureError } from './errors.ts'
import {
  callSite,
  type Definition,
  definitionOf,
  isFile,
  lineAndColumn,
  original,
  type Place,
  pathOf,
  show,
  sourceMapOf,
  trail,
} from './location.ts'
import { compile, IMPORT, IMPORT_META, isEnvironment, isGlobal, isProvided, provide } from './provided.ts'

export { ownModule } from './location.ts'

export type ShippedFunction = (...args: unknown[]) => unknown

// biome-ignore lint/complexity/noBannedTypes: any function may be given
type AnyFunction = Function

// --- which definition ------------------------------------------------------------------------------------------------------

/** What is known of the functions of one text; or of one text, by one way. */
interface Sample {
  /** How many came up that were not known as objects. */
  seen: number
  /** The record that all had that were looked up; or one of the two below. */
  code: number
}

const NONE = 0
const MIXED = -1

interface Text extends Sample {
  readonly text: string
  /** Its records by place of definition. */
  readonly records: Map<string, number>
  /** Once it is MIXED: by the frames that led here. */
  readonly ways: Map<string, Sample>
}

/** So many are looked up before the answer is trusted. */
const EXACT = 8
/** Ways that are remembered of one text. */
const MOST_WAYS = 1000

const byFunction = new WeakMap<AnyFunction, number>()
/** By length: a string that V8 has just made has no hash yet, and to compare it is cheaper than to hash it. */
const byLength = new Map<number, Text[]>()

/**
 * The address of the code record of `fn`, which is published if it is new. `api` is what the user called, for messages.
 *
 * @throws TypeError if `fn` is no function.
 * @throws CaptureError if it can't be shipped.
 * @throws OutOfMemoryError if there is no room for the record.
 */
export function codeOf(fn: AnyFunction, api: string): number {
  return byFunction.get(fn) ?? lookUp(fn, api)
}

function lookUp(fn: AnyFunction, api: string): number {
  if (typeof fn !== 'function') throw new TypeError(`${api}: takes a function, not ${inspect(fn, { depth: 0 })}`)
  const text = textOf(Function.prototype.toString.call(fn))
  const sample = text.code === MIXED ? wayTo(text) : text
  sample.seen++
  const isDue = sample.seen <= EXACT || (sample.seen & (sample.seen - 1)) === 0
  if (sample.code > 0 && !isDue) return sample.code
  const code = lookUpExactly(fn, text, api)
  byFunction.set(fn, code)
  sample.code = sample.code === NONE || sample.code === code ? code : MIXED
  return code
}

function textOf(text: string): Text {
  const known = byLength.get(text.length)
  for (const each of known ?? []) if (each.text === text) return each
  const added: Text = { text, records: new Map(), ways: new Map(), seen: 0, code: NONE }
  if (known === undefined) byLength.set(text.length, [added])
  else known.push(added)
  return added
}

function wayTo({ ways }: Text): Sample {
  const key = trail(codeOf)
  let way = ways.get(key)
  if (way === undefined) {
    if (ways.size === MOST_WAYS) ways.clear()
    way = { seen: 0, code: NONE }
    ways.set(key, way)
  }
  return way
}

function lookUpExactly(fn: AnyFunction, { text, records }: Text, api: string): number {
  if (types.isProxy(fn)) {
    throw new CaptureError(
      `${api}: a Proxy of a function has no source; pass the function itself, or one that calls it`,
    )
  }
  if (text.endsWith('{ [native code] }')) {
    throw new CaptureError(`${api}: ${refusalOfNative(nameOf(fn))}`)
  }
  const definition = definitionOf(fn, text)
  const key = show(definition)
  let code = records.get(key)
  if (code === undefined) {
    code = publish(codeFor(fn, text, definition, api))
    records.set(key, code)
  }
  return code
}

// --- what can be shipped ---------------------------------------------------------------------------------------------------

/** What a record says. */
interface Code {
  readonly name: string
  /** Where it is defined, by its source map if there is one; both numbers from 0. */
  readonly file: string
  readonly line: number
  readonly column: number
  /** Who gave it to goro first, and where. */
  readonly createdAt: string
  /** Code that returns the function, and where that stands in `script`. */
  readonly body: string
  readonly script: string
  readonly lineOffset: number
  readonly columnOffset: number
  readonly strict: boolean
  /** Names that it takes from the thread (provided.ts). */
  readonly names: readonly string[]
}

/** The code of `fn`, if it can be shipped. */
function codeFor(fn: AnyFunction, text: string, definition: Definition, api: string): Code {
  const name = nameOf(fn)
  let start: Place = definition
  const refuse = (reason: string): never => {
    const what = name === '' ? 'the function' : `\`${name}\``
    throw new CaptureError(`${api}: ${what} (${show(original(start))}) ${reason}`)
  }
  if (definition.file.startsWith('node:')) refuse('is a part of Node itself; pass a function that calls it')
  const shape = parse(text, refuse)
  start = startOf(text, definition, shape)
  if (shape.kind === 'class') refuse('is a class; pass a function that makes an instance of it')
  if (shape.kind === 'accessor') refuse('is a getter or setter; pass a function that has what it returns')
  if (shape.isGenerator)
    refuse('is a generator function, which can only be stepped through on the thread where it was called')

  const strict = isStrict(fn, shape, definition.file)
  const names = new Set<string>()
  const missing: Reference[] = []
  for (const reference of shape.free) {
    const { name, isTested } = reference
    if (isGlobal(name) || (isTested && isEnvironment(name)) || (!strict && shape.blockFunctions.has(name))) continue
    if (isProvided(name)) names.add(name)
    else missing.push(reference)
  }
  const where = ({ offset }: Reference) => show(original(positionIn(text, start, offset)))
  const outer = shape.outer[0]
  if (outer !== undefined) refuse(`uses \`${outer.name}\` at ${where(outer)}, ${reasonOfOuter(outer.name, shape)}`)
  if (missing.length > 0) {
    const list = missing.map((reference) => `${label(reference)} at ${where(reference)}`).join(', ')
    refuse(`refers to ${list}, which it would not find on another thread. ${wayOut(missing[0] as Reference, name)}`)
  }
  if (shape.imports.length > 0) names.add(IMPORT)
  if (shape.importMetas.length > 0) names.add(IMPORT_META)

  const from = shape.kind === 'method' ? shape.anchor : 0
  const { line: lineOffset, column } = positionIn(text, start, from)
  const before = opening(name, shape, strict)
  const { file, ...at } = original(start)
  const site = callSite()
  return {
    name,
    file,
    ...at,
    createdAt: site.caller === '' ? show(original(site)) : `${site.caller} (${show(original(site))})`,
    body: before + withStandIns(text, shape).slice(from) + closing(name, shape),
    script: definition.file,
    lineOffset,
    columnOffset: column - before.length,
    strict,
    names: [...names],
  }
}

function nameOf(fn: AnyFunction): string {
  const name: unknown = Object.getOwnPropertyDescriptor(fn, 'name')?.value
  return typeof name === 'string' ? name : ''
}

function parse(text: string, refuse: (reason: string) => never): Shape {
  try {
    return glance(text, isGlobal) ?? analyse(text)
  } catch (error) {
    return refuse(`can't be parsed: ${(error as Error).message}`)
  }
}

/** The place where the text begins. */
function startOf(text: string, { file, line, column, of }: Definition, { anchor }: Shape): Place {
  const ahead = lineAndColumn(text, of === 'start' ? 0 : anchor)
  return { file, line: line - ahead.line, column: ahead.line === 0 ? Math.max(0, column - ahead.column) : 0 }
}

/** The place of an offset into the text of a function that begins at `start`. */
function positionIn(text: string, start: Place, offset: number): Place {
  const { line, column } = lineAndColumn(text, offset)
  return { file: start.file, line: start.line + line, column: line === 0 ? start.column + column : column }
}

/**
 * The code around the text. It stands in an object under its name, which names it in stack traces; a method has to stand in
 * one. In the place of a method's name, as it was written, stands its value.
 */
function opening(name: string, shape: Shape, strict: boolean): string {
  const directive = strict ? '"use strict";' : ''
  const key = `[${JSON.stringify(name)}]`
  if (shape.kind === 'method') return `${directive}return {${shape.isAsync ? 'async ' : ''}${key}`
  return name === '' ? `${directive}return (` : `${directive}return {${key}:`
}

function closing(name: string, { kind }: Shape): string {
  return name === '' && kind !== 'method' ? ')' : `}[${JSON.stringify(name)}]`
}

/** The text with names of the same length for `import` and `import.meta`. */
function withStandIns(text: string, { imports, importMetas }: Shape): string {
  let result = text
  const replace = ({ start, end }: Span, name: string) => {
    result = result.slice(0, start) + name.padEnd(end - start) + result.slice(end)
  }
  for (const span of imports) replace(span, IMPORT)
  for (const span of importMetas) replace(span, IMPORT_META)
  return result
}

/**
 * Whether it is strict code. V8 tells it of a plain function: only a sloppy one has a `caller`. Of others the file decides, and
 * all but CommonJS is strict.
 */
function isStrict(fn: AnyFunction, { kind, isAsync }: Shape, file: string): boolean {
  if (kind !== 'function' || isAsync) return !isSloppyFile(file)
  try {
    void (fn as { caller?: unknown }).caller
    return false
  } catch (error) {
    if (error instanceof TypeError) return true
    throw error
  }
}

/** By file, whether its code is sloppy unless it says otherwise. */
const sloppyFiles = new Map<string, boolean>()

function isSloppyFile(file: string): boolean {
  let sloppy = sloppyFiles.get(file)
  if (sloppy === undefined) {
    sloppy = !isFile(file) || (isCommonJs(pathOf(file)) && !startsStrict(readFileSync(pathOf(file), 'utf8')))
    sloppyFiles.set(file, sloppy)
  }
  return sloppy
}

/** Whether the file was loaded as CommonJS. TypeScript is strict either way. */
function isCommonJs(path: string): boolean {
  const loaded = createRequire(import.meta.url).cache[path]
  return (
    loaded !== undefined && !types.isModuleNamespaceObject(loaded.exports) && /\.c?js$/.test(path) && existsSync(path)
  )
}

// --- why something can't be ------------------------------------------------------------------------------------------------

function refusalOfNative(name: string): string {
  const [kind, own, wayOut] = name.startsWith('bound ')
    ? ['bound', name.slice('bound '.length), 'pass the function itself, and what is bound as arguments']
    : ['native', name, 'pass a function that calls it']
  return `${own === '' ? 'this' : `\`${own}\``} is a ${kind} function, which has no source; ${wayOut}`
}

function reasonOfOuter(name: string, { kind }: Shape): string {
  const owner = kind === 'method' && !name.startsWith('#') ? 'the object of the method' : 'the code around it'
  return `which belongs to ${owner}; a goroutine is a plain call. Pass what it needs as an argument`
}

/** vitest, Vite and esbuild write an imported binding as a property of the module. */
const IMPORTED = /^(__vi(te_ssr)?_import_\d+__|import_\w+)$/

const isImported = ({ name, property }: Reference): boolean => property !== undefined && IMPORTED.test(name)

function label(reference: Reference): string {
  return isImported(reference) ? `\`${reference.property}\` (imported)` : `\`${reference.name}\``
}

function wayOut(missing: Reference, name: string): string {
  if (isImported(missing)) return "Import it inside the function: await import('…')"
  if (missing.name in globalThis) return 'Each thread has a globalThis of its own. Pass it as an argument'
  const itself = missing.name === name ? `If that is the function itself, write it as function ${name}(…) { … }. ` : ''
  return `${itself}Pass data as an argument: go(fn, …, ${missing.name}); import code inside the function: await import('…')`
}

// --- records ---------------------------------------------------------------------------------------------------------------

const Header = struct({
  /** Length of what follows, as JSON in UTF-8. Written once, by the publisher, as all of it. */
  length: i32,
  /** Another record, with the source map of the file, or 0. */
  map: i32,
})

function publish(code: Code): number {
  return publishJson(JSON.stringify(code), sourceMapAt(code.script))
}

function publishJson(json: string, map: number): number {
  const encoded = Buffer.from(json)
  const record = alloc(Header.SIZE * WORD_BYTES + encoded.length)
  write(record + Header.length, encoded.length)
  write(record + Header.map, map)
  writeBytes(record + Header.SIZE, encoded)
  return record
}

const jsonAt = (record: number): string =>
  Buffer.from(bytes(record + Header.SIZE, read(record + Header.length))).toString()

const sourceMaps = new Map<string, number>()

/** The record of the source map of `script`; 0 if this process has none in use for it. */
function sourceMapAt(script: string): number {
  let record = sourceMaps.get(script)
  if (record === undefined) {
    const map = sourceMapOf(script)
    record = map === undefined ? 0 : publishJson(map, 0)
    sourceMaps.set(script, record)
  }
  return record
}

const records = new Map<number, Code>()

function recordAt(address: number): Code {
  let code = records.get(address)
  if (code === undefined) {
    code = JSON.parse(jsonAt(address)) as Code
    records.set(address, code)
  }
  return code
}

/** What a record says, for dumps and reports; line and column from 0. */
export function describeCode(address: number): Pick<Code, 'name' | 'file' | 'line' | 'column' | 'createdAt'> {
  return recordAt(address)
}

// --- on the thread that runs it --------------------------------------------------------------------------------------------

const functions = new Map<number, ShippedFunction>()
let lastAddress = 0
let lastFunction: ShippedFunction

/** The function of the record at `address`, for this thread: compiled once. */
export function functionAt(address: number): ShippedFunction {
  if (address === lastAddress) return lastFunction
  let fn = functions.get(address)
  if (fn === undefined) {
    fn = build(address)
    functions.set(address, fn)
  }
  lastAddress = address
  lastFunction = fn
  return fn
}

function build(address: number): ShippedFunction {
  const { body, script, lineOffset, columnOffset, strict, names } = recordAt(address)
  const map = read(address + Header.map)
  if (map !== 0) useSourceMap(script, map)
  // What it defines in turn is as strict as it is.
  sloppyFiles.set(script, !strict)
  const make = compile(body, names, { filename: script, lineOffset, columnOffset })
  return make(...names.map((name) => provide(name, script)))
}

/** Makes this thread's stack traces use the source map in record `map` for `script`. */
function useSourceMap(script: string, map: number): void {
  if ((sourceMaps.get(script) ?? 0) !== 0) return
  sourceMaps.set(script, map)
  const { setSourceMapsSupport } = module as { setSourceMapsSupport?: (enabled: boolean, options: object) => void }
  if (setSourceMapsSupport === undefined) process.setSourceMapsEnabled(true)
  else setSourceMapsSupport(true, { nodeModules: true, generatedCode: true })
  const url = `data:application/json;base64,${Buffer.from(jsonAt(map)).toString('base64')}`
  // Node takes source maps from code that it loads; this is how code says that it stands for another file.
  // biome-ignore lint/security/noGlobalEval: comments only
  globalThis.eval(`//# sourceMappingURL=${url}\n//# sourceURL=${script}`)
}
