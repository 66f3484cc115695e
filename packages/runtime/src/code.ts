/**
 * Functions on their way to other threads. A function can't be sent, but its source can: it is published, with the file, line and
 * column of its definition, as a *code record* in the shared region, from which link.ts makes the function on another thread, so
 * that stack traces show the original place. There is one record a definition and thread that ships it, and none is ever freed.
 *
 * Which definition a function object belongs to: the compiler says so (compiled.ts). Without it, an inline closure is a new object
 * at each call, with the same text; but two definitions may have the same text. V8 knows (location.ts), but takes three hundred
 * times as long. So the first objects of a text are looked up, and then every second, fourth, eighth … as many again; in between
 * it is taken for granted that they are of one definition. Once a text is known to be of several, the same goes for each way that
 * leads to `go` with it (docs/decisions/0002-shipping-functions.md has the figures).
 */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { types } from 'node:util'
import { alloc, bytes, i32, read, struct, WORD_BYTES, write, writeBytes } from '@goro/memory'
import { analyse, glance, type Reference, type Shape, type Span, skim, startsStrict } from './capture.ts'
import { type AnyFunction, type Import, isCompiled, type Note, type Slot, siteOf } from './compiled.ts'
import { CaptureError } from './errors.ts'
import {
  callSite,
  type Definition,
  definitionsOf,
  isFile,
  lineAndColumn,
  original,
  type Place,
  pathOf,
  show,
  sourceMapOf,
  trail,
} from './location.ts'
import { IMPORT, IMPORT_META, isEnvironment, isGlobal, isOwnGlobal, isProvided, NAMING, nativeAt } from './provided.ts'

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
 * The address of the code record of `fn`, of which the compiler has said nothing. `api` is what the user called, for messages.
 *
 * @throws TypeError if `fn` is no function.
 * @throws CaptureError if it can't be a goroutine.
 * @throws OutOfMemoryError if there is no room for the record.
 */
export function plainCodeOf(fn: AnyFunction, api: string): number {
  return byFunction.get(fn) ?? lookUp(fn, api)
}

function lookUp(fn: AnyFunction, api: string): number {
  const text = textOf(Function.prototype.toString.call(fn))
  const sample = text.code === MIXED ? wayTo(text) : text
  sample.seen++
  const isDue = sample.seen <= EXACT || (sample.seen & (sample.seen - 1)) === 0
  if (sample.code > 0 && !isDue) return sample.code
  const code = lookUpExactly(fn, text, api, true)
  const { unfit } = recordAt(code)
  if (unfit !== undefined) throw new CaptureError(`${api}: ${unfit}`)
  byFunction.set(fn, code)
  sample.code = sample.code === NONE || sample.code === code ? code : MIXED
  return code
}

/** The records of functions that were found as captured values, or why there is none. */
const asValues = new WeakMap<AnyFunction, number | CaptureError>()

/** As `plainCodeOf`, for a function or class that another one refers to. */
export function plainCodeOfValue(fn: AnyFunction, api: string): number {
  let code = asValues.get(fn)
  if (code === undefined) {
    code = findCodeOfValue(fn, api)
    asValues.set(fn, code)
  }
  if (typeof code === 'number') return code
  throw new CaptureError(code.message)
}

function findCodeOfValue(fn: AnyFunction, api: string): number | CaptureError {
  const native = nativeAt(fn)
  if (native !== undefined) return publish(codeOfNative(native))
  try {
    return lookUpExactly(fn, textOf(Function.prototype.toString.call(fn)), api, false)
  } catch (error) {
    if (error instanceof CaptureError) return error
    throw error
  }
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
  const key = trail(plainCodeOf)
  let way = ways.get(key)
  if (way === undefined) {
    if (ways.size === MOST_WAYS) ways.clear()
    way = { seen: 0, code: NONE }
    ways.set(key, way)
  }
  return way
}

function lookUpExactly(fn: AnyFunction, { text, records }: Text, api: string, isCalled: boolean): number {
  const definition = definitionsOf([fn], [sourceOf(fn, text, api)])[0] as Definition
  const key = show(definition)
  let code = records.get(key)
  if (code === undefined) {
    code = publish(codeFor(fn, text, definition, api, undefined, isCalled))
    records.set(key, code)
  }
  return code
}

/** `text`, if it is the source of `fn`. @throws CaptureError */
function sourceOf(fn: AnyFunction, text: string, api: string): string {
  if (types.isProxy(fn)) {
    throw new CaptureError(
      `${api}: a Proxy of a function has no source; pass the function itself, or one that calls it`,
    )
  }
  if (text.endsWith('{ [native code] }')) throw new CaptureError(`${api}: ${refusalOfNative(nameOf(fn))}`)
  return text
}

/** Publishes the code of functions of which the compiler has told, or notes why not; `valuesOf` is what their thunks give. */
export function publishSites(notes: readonly Note[], valuesOf: (note: Note) => readonly unknown[], api: string): void {
  const functions = notes.map(({ fn }) => fn)
  const texts = functions.map((fn) => Function.prototype.toString.call(fn))
  const definitions = definitionsOf(functions, texts)
  for (const [i, note] of notes.entries()) {
    const site = siteOf(note)
    const values = valuesOf(note)
    const slots = site.slots.map(({ from, ...slot }): Slot => {
      return { ...slot, from: from?.isExternal === true ? exactly(from, values[slot.index]) : from }
    })
    try {
      const text = sourceOf(note.fn, texts[i] as string, api)
      const code = codeFor(note.fn, text, definitions[i] as Definition, api, { ...site, slots }, false)
      site.code = publish(code)
      site.sent = code.slots.filter(isSent)
      site.unfit = code.unfit
    } catch (error) {
      if (!(error instanceof CaptureError)) throw error
      site.refusal = error.message
    }
  }
}

/** As a path: what a module of CommonJS has set `module.exports` to, which is not its namespace. */
export const EXPORTS = 'module.exports'

/** `from`, of what has come of it here: a loader may have made a call of `require` of an import. */
export function exactly(from: Import, value: unknown): Import {
  if (from.isRequired || from.path.length > 1 || from.path[0] !== '*' || types.isModuleNamespaceObject(value))
    return from
  const isNamespace = typeof value === 'object' && value !== null && 'default' in value
  return isNamespace ? from : { ...from, path: [EXPORTS] }
}

/** Whether the value of an element goes along, or at least decides: it is more than an import of a package. */
export const isSent = ({ from }: Slot): boolean => from?.isExternal !== true || from.path.length > 1

// --- what can be shipped ---------------------------------------------------------------------------------------------------

/** What a code record says. */
export interface Code {
  readonly name: string
  /** Where it is defined, by its source map if there is one; both numbers from 0. */
  readonly file: string
  readonly line: number
  readonly column: number
  /** Who gave it to goro first, and where. */
  readonly createdAt: string
  /** An expression that is the function, and where the code in `codeOf` begins in `script`. */
  readonly expression: string
  readonly script: string
  readonly lineOffset: number
  readonly columnOffset: number
  readonly strict: boolean
  /** Names that it takes from the thread, and under which names provided.ts has what they stand for. */
  readonly names: readonly (readonly [name: string, provided: string])[]
  /** The elements of its thunk that it uses. */
  readonly slots: readonly Slot[]
  /** If it is a class: roots that have to be there before it is defined, and those that it may use meanwhile. */
  readonly definesWith: { readonly heritage: readonly string[]; readonly early: readonly string[] } | undefined
  /** Why it can't be called as a goroutine, if it can't. */
  readonly unfit: string | undefined
}

/** What the compiler has told of a function. */
interface Told {
  readonly slots: readonly Slot[]
  /** A minifier has been there too. */
  readonly isRenamed: boolean
}

/** The code that finds a native function. */
const codeOfNative = (path: string): Code => ({
  name: path,
  file: 'node:globals',
  line: 0,
  column: 0,
  createdAt: '',
  expression: `(${path})`,
  script: 'node:globals',
  lineOffset: 0,
  columnOffset: 0,
  strict: true,
  names: [],
  slots: [],
  definesWith: undefined,
  unfit: undefined,
})

/** The code of `fn`, if it can be shipped. `isCalled`: it is given to `go` itself. */
function codeFor(
  fn: AnyFunction,
  text: string,
  definition: Definition,
  api: string,
  told: Told | undefined,
  isCalled: boolean,
): Code {
  const name = nameOf(fn)
  let start: Place = definition
  const about = (reason: string): string => {
    const what = name === '' ? 'the function' : `\`${name}\``
    return `${what} (${show(original(start))}) ${reason}`
  }
  const refuse = (reason: string): never => {
    throw new CaptureError(`${api}: ${about(reason)}`)
  }
  if (definition.file.startsWith('node:')) refuse('is a part of Node itself; pass a function that calls it')
  const given = told?.slots.filter(({ form }) => form !== undefined && !isProvided(form.root)) ?? []
  const roots = new Set(given.map(({ form }) => form?.root))
  const isOurs = (name: string): boolean => roots.has(name) || isProvided(name)
  const isEasy = told !== undefined && !told.isRenamed && name !== 'async'
  const shape = (isEasy ? skim(text, isOurs, isOwnGlobal) : undefined) ?? parse(text, told === undefined, refuse)
  start = startOf(text, definition, shape)
  if (shape.kind === 'accessor') refuse('is a getter or setter; pass a function that has what it returns')
  const unfit = reasonOfUnfit(shape)
  if (unfit !== undefined && isCalled) refuse(unfit)
  const strict = isStrict(fn, shape, definition.file)
  const names: (readonly [string, string])[] = []
  const missing: Reference[] = []
  const used = new Set<string>()
  for (const reference of shape.free) {
    const { name, isTested } = reference
    if (roots.has(name)) {
      used.add(name)
      continue
    }
    // Which names are variables of its module, the compiler knows.
    const mayBeMissing = isTested && (told?.isRenamed === false || isEnvironment(name))
    if (isGlobal(name) || mayBeMissing || (!strict && shape.blockFunctions.has(name))) continue
    if (isProvided(name)) names.push([name, name])
    else if (told?.isRenamed === true && reference.isNaming) names.push([name, NAMING])
    else missing.push(reference)
  }
  const where = ({ offset }: Reference) => show(original(positionIn(text, start, offset)))
  const outer = shape.outer[0]
  if (outer !== undefined) refuse(`uses \`${outer.name}\` at ${where(outer)}, ${reasonOfOuter(outer.name, shape)}`)
  if (missing.length > 0) {
    const list = missing.map((reference) => `${label(reference)} at ${where(reference)}`).join(', ')
    refuse(`refers to ${list}, which it would not find on another thread. ${wayOut(missing[0] as Reference, name)}`)
  }
  if (shape.imports.length > 0) names.push([IMPORT, IMPORT])
  if (shape.importMetas.length > 0) names.push([IMPORT_META, IMPORT_META])

  const from = shape.kind === 'method' ? shape.anchor : 0
  const { line: lineOffset, column } = positionIn(text, start, from)
  const before = opening(name, shape)
  const { file, ...at } = original(start)
  const site = callSite()
  return {
    name,
    file,
    ...at,
    createdAt: site.caller === '' ? show(original(site)) : `${site.caller} (${show(original(site))})`,
    expression: before + withStandIns(text, shape).slice(from) + closing(name, shape),
    script: definition.file,
    lineOffset,
    columnOffset: column - before.length,
    strict,
    names,
    slots: given.filter(({ form }) => used.has(form?.root as string)),
    definesWith: shape.kind === 'class' ? { heritage: [...shape.heritage], early: [...shape.early] } : undefined,
    unfit: unfit === undefined ? undefined : about(unfit),
  }
}

function nameOf(fn: AnyFunction): string {
  const name: unknown = Object.getOwnPropertyDescriptor(fn, 'name')?.value
  return typeof name === 'string' ? name : ''
}

function parse(text: string, isPlain: boolean, refuse: (reason: string) => never): Shape {
  try {
    return (isPlain ? glance(text, isGlobal) : undefined) ?? analyse(text)
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
function opening(name: string, { kind, isAsync, isGenerator }: Shape): string {
  const key = keyOf(name)
  if (kind === 'method') return `{${isAsync ? 'async ' : ''}${isGenerator ? '*' : ''}${key}`
  return name === '' ? '(' : `{${key}:`
}

function closing(name: string, { kind }: Shape): string {
  return name === '' && kind !== 'method' ? ')' : `}[${JSON.stringify(name)}]`
}

/** A plain key, since a computed one names the function anew each time that it is made; but this one means something else. */
const keyOf = (name: string): string => (name === '__proto__' ? '["__proto__"]' : JSON.stringify(name))

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

/** Why a function of this shape can't be called as a goroutine; others may call it there. */
function reasonOfUnfit({ kind, isGenerator }: Shape): string | undefined {
  if (kind === 'class') return 'is a class; pass a function that makes an instance of it'
  if (isGenerator) return 'is a generator function, which can only be stepped through on the thread where it was called'
  return undefined
}

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
  if (missing.name in globalThis) return 'Each thread has a globalThis of its own. Pass it as an argument'
  const itself = missing.name === name ? `If that is the function itself, write it as function ${name}(…) { … }. ` : ''
  const byHand = isImported(missing)
    ? "Import it inside the function: await import('…')"
    : `Pass data as an argument: go(fn, …, ${missing.name}); import code inside the function: await import('…')`
  if (!isCompiled()) return `${itself}${byHand}. Or ${COMPILE}`
  return isImported(missing) ? COMPILED : `${COMPILED}; or pass data as an argument: go(fn, …, ${missing.name})`
}

const COMPILE =
  'let goro compile the program, which ships what a function refers to: goro run FILE, node --import goro/register FILE, ' +
  "or goro's plugin for your bundler"
/** The compiler has seen others, but not this one on its way to `go`. */
const COMPILED =
  'Functions at the top level of compiled modules may come to go in any way; one within another function works if it is written ' +
  "where go is called, or begins with the directive 'use goroutine'"

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

/** A graph record: functions that refer to each other, the first of which is called. */
export interface Graph {
  readonly nodes: readonly GraphNode[]
  /** How many data values go along with it. */
  readonly count: number
}

export interface GraphNode {
  readonly code: number
  /** There is only one such function, and it always refers to the same: a thread needs it but once. */
  readonly isOnly: boolean
  /** What the values of the code's elements are that are sent along, in their order. */
  readonly values: readonly Value[]
}

/** What a captured value is. */
export type Value =
  /** A function of the graph; or one that is a graph, or a record, by itself. */
  | { readonly node: number }
  | { readonly code: number }
  /** Data, by its number. */
  | { readonly data: number }
  /** To be imported. */
  | { readonly from: Import }
  /** The namespace of a module, or an object that stands for it. */
  | { readonly members: Readonly<Record<string, Value>>; readonly isObject: boolean }
  /** A function that can't be shipped, which nobody may need: why. */
  | { readonly refusal: string }

/** Publishes a graph record; returns its address. */
export const publishGraph = (graph: Graph): number => publishJson(JSON.stringify(graph), 0)

const records = new Map<number, Code | Graph>()

export function recordOrGraphAt(address: number): Code | Graph {
  let code = records.get(address)
  if (code === undefined) {
    code = JSON.parse(jsonAt(address)) as Code | Graph
    records.set(address, code)
  }
  return code
}

/** The code record at `address`, or that of the first function if there is a graph. */
export function recordAt(address: number): Code {
  const record = recordOrGraphAt(address)
  return 'nodes' in record ? recordAt((record.nodes[0] as GraphNode).code) : record
}

/** What a record says, for dumps and reports; line and column from 0. */
export function describeCode(address: number): Pick<Code, 'name' | 'file' | 'line' | 'column' | 'createdAt'> {
  return recordAt(address)
}

/** On a thread that makes functions of records: what they define in turn is as strict as they are. */
export function noteStrictness({ script, strict }: Code): void {
  sloppyFiles.set(script, !strict)
}

/** The source map that belongs to the code record at `address`, as JSON, if this thread does not know it yet. */
export function takeSourceMap(address: number, script: string): string | undefined {
  const map = read(address + Header.map)
  if (map === 0 || (sourceMaps.get(script) ?? 0) !== 0) return undefined
  sourceMaps.set(script, map)
  return jsonAt(map)
}
