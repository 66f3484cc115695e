/**
 * Functions on their way to other threads. A function can't be sent, but its source can: `codeOf` publishes it, with the file,
 * line and column of its definition, as a *code record* in the shared region, once a definition; `functionAt` compiles a
 * record, once a thread, so that stack traces show the original place. A G carries the record's address.
 *
 * Which definition a function object belongs to: an inline closure is a new object at each call, with the same text; but two
 * definitions may have the same text. The text is looked for in the file that called; if it stands there once, that is it.
 * Otherwise V8's inspector is asked for the function's location. An exact look-up costs tens of microseconds, so a text whose first
 * `EXACT_LOOKUPS` function objects were all of one definition is taken to be of that one from then on
 * (docs/decisions/0002-shipping-functions.md).
 */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire, findSourceMap } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { types } from 'node:util'
import vm from 'node:vm'
import { alloc, bytes, read, write, writeBytes } from '@goro/memory'
import { analyse, type Reference, type Shape } from './capture.ts'
import { nodeOptionsFromEnv } from './env.ts'
import { CaptureError } from './errors.ts'

export type ShippedFunction = (...args: unknown[]) => unknown

/** What a record says. */
interface Code {
  /** The function as an expression. */
  readonly source: string
  readonly name: string
  /** URL of the file of its definition. */
  readonly file: string
  /** Where the definition begins, both from 0. */
  readonly line: number
  readonly column: number
  /** Where it was first given to goro, as `file:line:column`. */
  readonly createdAt: string
  /** Names to be provided on the thread: `require`, loaders' helpers, what `import.meta` was replaced by. */
  readonly provided: readonly string[]
  readonly strict: boolean
  /** It imports. */
  readonly imports: boolean
  /** It imports, and what it imports may be TypeScript, which this Node can't load by itself. */
  readonly needsTsx: boolean
}

/** Look-ups of a text's definition before the first answer is trusted. */
const EXACT_LOOKUPS = 32

interface Known {
  /** Addresses of the records of this text, by place of definition, and by the call that gave it. */
  readonly byPlace: Map<string, number>
  readonly bySite: Map<string, number>
  lookups: number
}

const byFunction = new WeakMap<object, number>()
const byText = new Map<string, Known>()
let lastFunction: unknown
let lastCode = 0

/**
 * The address of the code record of `fn`, which is published if it is new. `api` is what the user called, for messages.
 *
 * @throws TypeError if `fn` is no function.
 * @throws CaptureError if it can't be shipped.
 */
export function codeOf(fn: unknown, api: string): number {
  if (fn === lastFunction) return lastCode
  const code = (typeof fn === 'function' ? byFunction.get(fn) : undefined) ?? lookUp(fn, api)
  lastFunction = fn
  lastCode = code
  return code
}

function lookUp(fn: unknown, api: string): number {
  if (typeof fn !== 'function') throw new TypeError(`${api}: takes a function, not ${fn === null ? 'null' : typeof fn}`)
  if (types.isProxy(fn)) throw new CaptureError(`${api}: a Proxy of a function has no source; give the function itself`)
  const text = Function.prototype.toString.call(fn)
  const known = byText.get(text)
  const code =
    known !== undefined && known.lookups >= EXACT_LOOKUPS && known.byPlace.size === 1
      ? (known.byPlace.values().next().value as number)
      : lookUpExactly(fn, text, known, api)
  byFunction.set(fn, code)
  return code
}

function lookUpExactly(fn: object, text: string, known: Known | undefined, api: string): number {
  const site = callSite()
  const entry = known ?? { byPlace: new Map<string, number>(), bySite: new Map<string, number>(), lookups: 0 }
  entry.lookups++
  // One call gives one function, unless it stands in a helper: then two texts that are equal to the letter may be mixed up.
  const siteKey = show(site)
  let code = entry.bySite.get(siteKey)
  if (code !== undefined) return code
  const place = definitionOf(fn, text, site)
  const placeKey = show(place)
  code = entry.byPlace.get(placeKey) ?? publish(describe(fn as { name: unknown }, text, place, site, api))
  entry.byPlace.set(placeKey, code)
  entry.bySite.set(siteKey, code)
  byText.set(text, entry)
  return code
}

// --- what a function is ----------------------------------------------------------------------------------------------------

function describe(fn: { name: unknown }, text: string, place: Place, site: Place, api: string): Code {
  const refuse = (reason: string): never => {
    throw new CaptureError(`${api}: ${labelOf(fn)} at ${show(place)} ${reason}`)
  }
  if (text.endsWith('{ [native code] }')) {
    refuse('has no source (it is native or bound); wrap it: go((...args) => f(...args))')
  }
  const { source, shape } = parse(text, refuse)
  if (shape.isClass) refuse('is a class; give a function that makes an instance of it')
  if (shape.isGenerator) refuse('is a generator function, whose steps could not run on one thread and be asked for on another')
  const missing = shape.outer[0]
  if (missing !== undefined) {
    refuse(`uses \`${missing.name}\` of what is around it (line ${place.line + missing.line + 1}), which stays on this thread; pass what it needs as an argument`)
  }
  const provided: string[] = []
  const isCommonJs = !isModule(place.file)
  for (const reference of shape.free) {
    const { name } = reference
    if (GLOBALS.has(name)) continue
    if (HELPERS.has(name) || (isCommonJs && COMMONJS.has(name)) || COVERAGE.test(name)) provided.push(name)
    else refuse(complaint(reference, source, place))
  }
  if (shape.importMeta.length > 0) provided.push(IMPORT_META)
  const imports = shape.hasDynamicImport || provided.length > 0
  return {
    source: replaceImportMeta(source, shape.importMeta),
    name: typeof fn.name === 'string' ? fn.name : '',
    ...place,
    createdAt: show(site),
    provided,
    strict: !isCommonJs,
    imports,
    needsTsx: imports && !stripsTypes && mayImportTypeScript(source, place.file),
  }
}

function labelOf(fn: { name: unknown }): string {
  return typeof fn.name === 'string' && fn.name !== '' ? `function \`${fn.name}\`` : 'the function'
}

function complaint({ name, line, column }: Reference, source: string, place: Place): string {
  // vitest and Vite write an imported binding as a property of the module they loaded it from.
  const imported = /^__vi(?:te_ssr)?_import_\d+__$/.test(name)
  const property = new RegExp(`${name}\\.([\\w$]+)`).exec(source)?.[1]
  const what = imported && property !== undefined ? `\`${property}\`, which is imported,` : `\`${name}\``
  const where = `line ${place.line + line + 1}, column ${(line === 0 ? place.column : 0) + column + 1}`
  const argument = imported && property !== undefined ? property : name
  return (
    `refers to ${what} (${where}), which is not there on the thread that runs it. ` +
    `Pass it as an argument: go(fn, ${argument}); or import it inside the function: await import(…)`
  )
}

/** The text of a function as an expression. A method's is none: `m() {}` needs the word `function`, or an object around it. */
function parse(text: string, refuse: (reason: string) => never): { source: string; shape: Shape } {
  try {
    return { source: text, shape: analyse(text) }
  } catch {
    const source = methodAsFunction(text)
    try {
      return { source, shape: analyse(source) }
    } catch (error) {
      return refuse(`has a source that can't be compiled by itself (${(error as Error).message}); give a function or an arrow function`)
    }
  }
}

/** `m(a) {…}`, `async m(a) {…}`, `[k](a) {…}`, `'m'(a) {…}`: the parameters and the body, on the same lines and columns if they fit. */
function methodAsFunction(text: string): string {
  const [, isAsync = '', star = '', name = ''] = /^(async\s+)?(\*\s*)?(\[[^\]]*\]|'[^']*'|"[^"]*"|[#\w$]+)\s*(?=\()/.exec(text) ?? []
  return name === '' ? text : `${isAsync}function${star}${text.slice(isAsync.length + star.length + name.length)}`
}

// --- what is there on every thread -----------------------------------------------------------------------------------------

/** Names that loaders and bundlers put into functions: by tsx and esbuild; by Vite and vitest. */
const HELPERS: ReadonlySet<string> = new Set(['__name', '__vite_ssr_dynamic_import__', '__vite_ssr_import_meta__'])
const COMMONJS: ReadonlySet<string> = new Set(['require', '__filename', '__dirname'])
/** Istanbul's counters. */
const COVERAGE = /^cov_[0-9a-z]+$/
const IMPORT_META = '__goro_import_meta__'

/** The globals of Node and of the language. What user code puts on `globalThis` is not on the other threads. */
const GLOBALS: ReadonlySet<string> = new Set(
  (
    'undefined NaN Infinity globalThis global eval isFinite isNaN parseFloat parseInt decodeURI decodeURIComponent encodeURI ' +
    'encodeURIComponent escape unescape Object Function Boolean Symbol Error AggregateError EvalError RangeError ' +
    'ReferenceError SyntaxError TypeError URIError SuppressedError Number BigInt Math Date String RegExp Array Int8Array ' +
    'Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array BigInt64Array BigUint64Array Float16Array ' +
    'Float32Array Float64Array Map Set WeakMap WeakSet WeakRef FinalizationRegistry ArrayBuffer SharedArrayBuffer DataView ' +
    'Atomics JSON Promise Iterator Reflect Proxy Intl Temporal WebAssembly DisposableStack AsyncDisposableStack ' +
    'process Buffer console setTimeout clearTimeout setInterval clearInterval setImmediate clearImmediate queueMicrotask ' +
    'structuredClone atob btoa fetch performance navigator crypto Crypto CryptoKey SubtleCrypto URL URLSearchParams ' +
    'URLPattern AbortController AbortSignal Event EventTarget EventSource CustomEvent CloseEvent MessageEvent ErrorEvent ' +
    'MessageChannel MessagePort BroadcastChannel Blob File FormData Headers Request Response WebSocket DOMException ' +
    'TextEncoder TextDecoder TextEncoderStream TextDecoderStream CompressionStream DecompressionStream ReadableStream ' +
    'ReadableStreamDefaultReader ReadableStreamBYOBReader ReadableStreamBYOBRequest ReadableByteStreamController ' +
    'ReadableStreamDefaultController WritableStream WritableStreamDefaultController WritableStreamDefaultWriter ' +
    'TransformStream TransformStreamDefaultController ByteLengthQueuingStrategy CountQueuingStrategy Performance ' +
    'PerformanceEntry PerformanceMark PerformanceMeasure PerformanceObserver PerformanceObserverEntryList ' +
    'PerformanceResourceTiming Navigator Storage localStorage sessionStorage'
  ).split(' '),
)

// --- where it is defined ---------------------------------------------------------------------------------------------------

interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

const show = ({ file, line, column }: Place): string => `${file}:${line + 1}:${column + 1}`

/** Where goro's own code is: its frames are no call sites. */
const ownDirectory = new URL('.', import.meta.url).href
const ownFiles = new Set<string>()

/** Says that the module at `url` is goro's own: calls from it are on behalf of its caller. */
export function ownModule(url: string): void {
  ownFiles.add(url)
}

/** The frame that called goro. */
function callSite(): Place {
  const { prepareStackTrace, stackTraceLimit } = Error
  try {
    Error.stackTraceLimit = 16
    Error.prepareStackTrace = (_, sites) => sites
    const sites = new Error().stack as unknown as NodeJS.CallSite[]
    for (const site of sites) {
      const file = toUrl(site.getFileName() ?? site.getEvalOrigin())
      if (file !== undefined && !isOwn(file)) {
        return original({ file, line: (site.getLineNumber() ?? 1) - 1, column: (site.getColumnNumber() ?? 1) - 1 })
      }
    }
    return { file: pathToFileURL(`${process.cwd()}/[eval]`).href, line: 0, column: 0 }
  } finally {
    Error.prepareStackTrace = prepareStackTrace
    Error.stackTraceLimit = stackTraceLimit
  }
}

function isOwn(file: string): boolean {
  return file.startsWith(ownDirectory) || ownFiles.has(file) || file.startsWith('node:')
}

function toUrl(file: string | null | undefined): string | undefined {
  if (file === null || file === undefined) return undefined
  if (/^[a-z][a-z+.-]+:/i.test(file)) return file
  if (file.startsWith('/') || /^[a-z]:[\\/]/i.test(file)) return pathToFileURL(file).href
  return undefined
}

/** The place in the original file, where a source map says so. */
function original(place: Place): Place {
  if (!place.file.startsWith('file:')) return place
  const entry = findSourceMap(fileURLToPath(place.file)) ?? findSourceMap(place.file)
  const found = entry?.findEntry(place.line, place.column) as { originalLine?: number; originalColumn?: number } | undefined
  if (found?.originalLine === undefined) return place
  return { ...place, line: found.originalLine, column: found.originalColumn ?? 0 }
}

/** Where `fn`, whose source is `text`, is defined. */
function definitionOf(fn: object, text: string, site: Place): Place {
  const content = contentOf(site.file)
  const index = content?.indexOf(text) ?? -1
  if (content !== undefined && index >= 0 && content.indexOf(text, index + 1) < 0) {
    return { file: site.file, ...positionAt(content, index) }
  }
  return askInspector(fn, text) ?? (content !== undefined && index >= 0 ? { file: site.file, ...positionAt(content, index) } : site)
}

function positionAt(content: string, index: number): { line: number; column: number } {
  let line = 0
  let start = 0
  for (let at = content.indexOf('\n'); at >= 0 && at < index; at = content.indexOf('\n', at + 1)) {
    line++
    start = at + 1
  }
  return { line, column: index - start }
}

const contents = new Map<string, string | undefined>()

function contentOf(file: string): string | undefined {
  if (!contents.has(file)) contents.set(file, readFile(file))
  return contents.get(file)
}

function readFile(file: string): string | undefined {
  if (!file.startsWith('file:')) return undefined
  try {
    return readFileSync(new URL(file), 'utf8')
  } catch {
    // It is no file that can be read: generated code, or one that is gone. The call site stands in for it.
    return undefined
  }
}

type Session = import('node:inspector').Session

/** V8's own answer: the only one for a text that stands in several places, or in none because a loader has changed it. */
function askInspector(fn: object, text: string): Place | undefined {
  let session: Session
  try {
    const { Session } = createRequire(import.meta.url)('node:inspector') as typeof import('node:inspector')
    session = new Session()
    session.connect()
  } catch {
    // A Node that is built without the inspector.
    return undefined
  }
  const holder = globalThis as unknown as Record<symbol, unknown>
  const key = Symbol.for('goro.function')
  try {
    const files = new Map<string, string>()
    session.on('Debugger.scriptParsed', ({ params }) => files.set(params.scriptId, params.url))
    session.post('Debugger.enable')
    holder[key] = fn
    let place: Place | undefined
    session.post('Runtime.evaluate', { expression: "globalThis[Symbol.for('goro.function')]" }, (error, evaluated) => {
      const objectId = evaluated?.result.objectId
      if (error !== null || objectId === undefined) return
      session.post('Runtime.getProperties', { objectId, ownProperties: true }, (failed, properties) => {
        if (failed !== null) return
        const location = properties.internalProperties?.find(({ name }) => name === '[[FunctionLocation]]')?.value?.value as
          | { scriptId: string; lineNumber: number; columnNumber: number }
          | undefined
        const file = toUrl(location && files.get(location.scriptId))
        if (location === undefined || file === undefined) return
        // V8's location is that of the parameters.
        const before = text.startsWith('(') ? 0 : Math.max(0, text.indexOf('('))
        const isArrow = /^(async\s*)?(\([^]*?\)|[\w$]+)\s*=>/.test(text)
        place = original({ file, line: location.lineNumber, column: Math.max(0, location.columnNumber - (isArrow ? 0 : before)) })
      })
    })
    return place
  } finally {
    delete holder[key]
    session.disconnect()
  }
}

/** Whether the file is an ES module, as Node decides it. */
function isModule(file: string): boolean {
  if (/\.[cm]?[jt]sx?$/.test(file) === false) return true
  if (/\.c[jt]s$/.test(file)) return false
  if (/\.m[jt]s$/.test(file) || !file.startsWith('file:')) return true
  for (let dir = new URL('.', file); ; dir = new URL('..', dir)) {
    const manifest = contentOf(new URL('package.json', dir).href)
    if (manifest !== undefined) {
      // Without a type Node goes by the syntax: a file that imports or exports is a module.
      const { type } = JSON.parse(manifest) as { type?: string }
      return type === undefined ? hasModuleSyntax(file) : type === 'module'
    }
    if (new URL('..', dir).href === dir.href) return hasModuleSyntax(file)
  }
}

function hasModuleSyntax(file: string): boolean {
  return /^\s*(import|export)\b/m.test(contentOf(file) ?? '')
}

// --- records ---------------------------------------------------------------------------------------------------------------

function publish(code: Code): number {
  const encoded = Buffer.from(JSON.stringify(code))
  const record = alloc(encoded.length + HEADER * 4)
  write(record, encoded.length)
  writeBytes(record + HEADER, encoded)
  return record
}

/** Words before the JSON: its length in bytes, and one to keep it aligned. */
const HEADER = 2

const records = new Map<number, Code>()

function recordAt(address: number): Code {
  let code = records.get(address)
  if (code === undefined) {
    code = JSON.parse(Buffer.from(bytes(address + HEADER, read(address))).toString()) as Code
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
let lastCompiled: ShippedFunction

/** The function of the record at `address`, for this thread. A promise only if something has to be loaded first. */
export function functionAt(address: number): ShippedFunction | Promise<ShippedFunction> {
  if (address === lastAddress) return lastCompiled
  const fn = functions.get(address)
  if (fn === undefined) return compileFirst(address)
  lastAddress = address
  lastCompiled = fn
  return fn
}

function compileFirst(address: number): ShippedFunction | Promise<ShippedFunction> {
  const code = recordAt(address)
  if (code.needsTsx) return loadTsx().then(() => compile(address, code))
  return compile(address, code)
}

const STRICT = '"use strict";'
const RETURN = 'return ('

function compile(address: number, code: Code): ShippedFunction {
  const prefix = (code.strict ? STRICT : '') + RETURN
  const path = code.file.startsWith('file:') ? fileURLToPath(code.file) : code.file
  if (code.imports) importQuietly()
  const make = vm.compileFunction(`${prefix}${code.source}\n)`, [...code.provided], {
    // Node resolves imports from it, and wants a URL for that; it prints it as it is.
    filename: code.strict ? code.file : path,
    lineOffset: code.line,
    columnOffset: code.column - prefix.length,
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER as never,
  })
  const provided = code.provided.map((name) => provide(name, code, path))
  const fn = make(...provided) as ShippedFunction
  functions.set(address, fn)
  return fn
}

/** What stands for a name that is no global on every thread. */
function provide(name: string, code: Code, path: string): unknown {
  switch (name) {
    case 'require':
      return createRequire(code.file)
    case '__filename':
      return path
    case '__dirname':
      return dirname(path)
    case '__name':
      return (target: object, value: string) => Object.defineProperty(target, 'name', { value, configurable: true })
    case '__vite_ssr_dynamic_import__': {
      const load = importer(code.file)
      return (specifier: string) => load(fromVite(specifier))
    }
    case IMPORT_META:
    case '__vite_ssr_import_meta__':
      return importMetaOf(code.file, path)
    default:
      // A coverage tool's counters: there is nobody to read them here.
      return () => COUNTERS
  }
}

/** Counts anything and keeps nothing. */
const COUNTERS: unknown = new Proxy(() => {}, { get: () => COUNTERS, set: () => true })

function importMetaOf(file: string, path: string): object {
  const require = createRequire(file)
  return {
    url: file,
    filename: path,
    dirname: dirname(path),
    resolve: (specifier: string) =>
      /^\.{0,2}\//.test(specifier) ? new URL(specifier, file).href : pathToFileURL(require.resolve(specifier)).href,
  }
}

function replaceImportMeta(source: string, offsets: readonly number[]): string {
  let text = source
  for (const offset of [...offsets].reverse()) {
    text = text.slice(0, offset) + text.slice(offset).replace(/^import\s*\.\s*meta/, IMPORT_META)
  }
  return text
}

/** `import` as seen from `file`. */
function importer(file: string): (specifier: string) => Promise<unknown> {
  return vm.compileFunction('return (specifier) => import(specifier)', [], {
    filename: file,
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER as never,
  })() as (specifier: string) => Promise<unknown>
}

/** Vite resolves what a module imports beforehand, and names files as from its root. */
function fromVite(specifier: string): string {
  if (!specifier.startsWith('/')) return specifier
  const path = specifier.startsWith('/@fs/') ? specifier.slice('/@fs'.length) : specifier
  return pathToFileURL(existsSync(path) ? path : process.cwd() + path).href
}

let warned = false

/**
 * Node warns, once a thread, that importing from compiled functions is experimental: at the first import. It works since
 * 20.12, and the user has asked for nothing experimental, so the first import is one of our own, without the warning.
 */
function importQuietly(): void {
  if (warned) return
  warned = true
  const { emitWarning } = process
  process.emitWarning = ((warning: string | Error, ...rest: unknown[]) => {
    if (String(warning).includes('USE_MAIN_CONTEXT_DEFAULT_LOADER')) return
    ;(emitWarning as (...args: unknown[]) => void).call(process, warning, ...rest)
  }) as typeof process.emitWarning
  try {
    void importer(import.meta.url)('node:process')
  } finally {
    process.emitWarning = emitWarning
  }
}

/** Whether Node loads TypeScript by itself: 22.18 and later. */
const stripsTypes = Boolean((process.features as { typescript?: unknown }).typescript)

/** Whether an import in `source` may be of a TypeScript file: it is named, or computed, or the importer is one. */
function mayImportTypeScript(source: string, file: string): boolean {
  return /\.[cm]?tsx?$/.test(file) || /\.[cm]?tsx?['"`]/.test(source) || runsUnderTsx
}

const runsUnderTsx = [...process.execArgv, nodeOptionsFromEnv()].some((option) => /\btsx\b/.test(option))

let tsx: Promise<void> | undefined

function loadTsx(): Promise<void> {
  tsx ??= import('tsx/esm/api').then(({ register }) => {
    register()
  })
  return tsx
}
