/**
 * What a shipped function finds on every thread besides its arguments: Node's globals, and a few names that stand for
 * something of its own file. Those are given to it as parameters of the code around it (code.ts).
 *
 * `import(…)` and `import.meta` have no meaning in a function that is compiled by itself, so its text says `ɪmport(…)` and
 * `ɪmport_meta` instead: names of the same length, so that columns stay, with a letter that nobody writes, so that no variable of
 * the function is called the same. `ɪmport` also sees to it that TypeScript can be
 * imported: Node 22.18 and later take types off by themselves; for others, and for what they can't (enums, JSX), tsx is
 * loaded when the first such import is made, since that takes a tenth of a second.
 */
import { existsSync } from 'node:fs'
import { createRequire, isBuiltin } from 'node:module'
import { dirname } from 'node:path'
import { pathToFileURL } from 'node:url'
import vm from 'node:vm'
import { nodeOptionsFromEnv } from './env.ts'
import { isFile, pathOf } from './location.ts'

/** The globals of the language and of Node, up to Node 26. A test fails when a Node has more. */
const GLOBALS: ReadonlySet<string> = new Set(
  (
    'AggregateError Array ArrayBuffer AsyncDisposableStack Atomics BigInt BigInt64Array BigUint64Array Boolean DataView Date ' +
    'DisposableStack Error EvalError FinalizationRegistry Float16Array Float32Array Float64Array Function Infinity ' +
    'Int16Array Int32Array Int8Array Intl Iterator JSON Map Math NaN Number Object Promise Proxy RangeError ReferenceError ' +
    'Reflect RegExp Set SharedArrayBuffer String SuppressedError Symbol SyntaxError Temporal TypeError URIError ' +
    'Uint16Array Uint32Array Uint8Array Uint8ClampedArray WeakMap WeakRef WeakSet WebAssembly decodeURI ' +
    'decodeURIComponent encodeURI encodeURIComponent escape eval globalThis isFinite isNaN parseFloat parseInt undefined ' +
    'unescape ' +
    'AbortController AbortSignal Blob BroadcastChannel Buffer ByteLengthQueuingStrategy CloseEvent CompressionStream ' +
    'CountQueuingStrategy Crypto CryptoKey CustomEvent DOMException DecompressionStream ErrorEvent Event EventSource ' +
    'EventTarget File FormData Headers MessageChannel MessageEvent MessagePort Navigator Performance PerformanceEntry ' +
    'PerformanceMark PerformanceMeasure PerformanceObserver PerformanceObserverEntryList PerformanceResourceTiming ' +
    'QuotaExceededError ReadableByteStreamController ReadableStream ReadableStreamBYOBReader ReadableStreamBYOBRequest ' +
    'ReadableStreamDefaultController ReadableStreamDefaultReader Request Response Storage SubtleCrypto TextDecoder ' +
    'TextDecoderStream TextEncoder TextEncoderStream TransformStream TransformStreamDefaultController URL URLPattern ' +
    'URLSearchParams WebSocket WritableStream WritableStreamDefaultController WritableStreamDefaultWriter atob btoa ' +
    'clearImmediate clearInterval clearTimeout console crypto fetch global localStorage navigator performance process ' +
    'queueMicrotask sessionStorage setImmediate setInterval setTimeout structuredClone'
  ).split(' '),
)

/** Whether every thread has the global `name`. What the program puts on `globalThis` is on its own thread only. */
export const isGlobal = (name: string): boolean => GLOBALS.has(name) && name in globalThis

/** Whether the program has put `name` on its `globalThis`. */
export const isOwnGlobal = (name: string): boolean =>
  name in globalThis && !GLOBALS.has(name) && !(name in Object.prototype)

/** Native functions that every thread has, by what they are called. Made at the first use. */
let natives: Map<unknown, string> | undefined

/** What can stand behind a dot. */
const PLAIN = /^[\w$]+$/

/** How any thread finds the native function `fn`, such as `Math.max`; undefined if it is none of the language or of Node. */
export function nativeAt(fn: unknown): string | undefined {
  natives ??= allNatives()
  return natives.get(fn)
}

/** What a program has put in the place of one is not there on the threads. */
const isNative = (value: unknown): boolean =>
  typeof value === 'function' && Function.prototype.toString.call(value).endsWith('{ [native code] }')

function allNatives(): Map<unknown, string> {
  const all = new Map<unknown, string>()
  const add = (owner: unknown, path: string, deeper: number): void => {
    if (isNative(owner) && !all.has(owner)) all.set(owner, path)
    if (deeper === 0 || owner === null || (typeof owner !== 'object' && typeof owner !== 'function')) return
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(owner))) {
      if (name !== 'constructor' && PLAIN.test(name))
        add(value, `${path}.${name}`, name === 'prototype' ? deeper : deeper - 1)
    }
  }
  for (const name of GLOBALS) {
    const value: unknown = Object.getOwnPropertyDescriptor(globalThis, name)?.value
    if (name !== 'globalThis' && name !== 'global' && name !== 'process') add(value, name, 1)
  }
  return all
}

/** Names by which code asks where it runs. To ask for them is all right, if it is done with `typeof`. */
const ENVIRONMENTS: ReadonlySet<string> = new Set(['window', 'document', 'self', 'importScripts', 'Deno', 'Bun'])

export const isEnvironment = (name: string): boolean => ENVIRONMENTS.has(name)

export const IMPORT = 'ɪmport'
/** esbuild's helper that gives a function the name that it had before it was minified. */
export const NAMING = '__name'
export const IMPORT_META = 'ɪmport_meta'
export const REQUIRE = 'require'

/** By name, what stands for it in a function that is defined in `file`. */
const PROVIDERS: Readonly<Record<string, (file: string) => unknown>> = {
  [IMPORT]: (file) => importer(file),
  [IMPORT_META]: (file) => importMeta(file),
  // CommonJS; modules make the same for themselves by these names.
  [REQUIRE]: (file) => requireOf(file),
  __filename: (file) => pathOf(file),
  __dirname: (file) => dirname(pathOf(file)),
  // esbuild's and tsx's helpers.
  [NAMING]: () => (target: object, value: string) =>
    Object.defineProperty(target, 'name', { value, configurable: true }),
  __using: () => using,
  __callDispose: () => callDispose,
  // Vite's and vitest's names for import() and import.meta.
  __vite_ssr_dynamic_import__: (file) => {
    const load = importer(file)
    return (specifier: string, options?: ImportCallOptions) => load(fromVite(specifier, file), options)
  },
  __vite_ssr_import_meta__: (file) => importMeta(file),
}

/** Istanbul's counters: a function for each file that returns them. */
const COVERAGE = /^cov_\w+$/

export const isProvided = (name: string): boolean => Object.hasOwn(PROVIDERS, name) || COVERAGE.test(name)

/** What stands for `name` in a function that is defined in `file`. */
export function provide(name: string, file: string): unknown {
  return PROVIDERS[name]?.(file) ?? (() => COUNTERS)
}

/** Takes counts for any statement and keeps none. */
const COUNTERS: object = new Proxy(() => 0, { get: () => COUNTERS, set: () => true })

// --- import ----------------------------------------------------------------------------------------------------------------

type Import = (specifier: unknown, options?: ImportCallOptions) => Promise<unknown>

const importers = new Map<string, Import>()

/** `import()` as it is in `file`. */
function importer(file: string): Import {
  let load = importers.get(file)
  if (load === undefined) {
    const plain = compile(IMPORTER, [], { filename: file })() as Import
    load = async (specifier, options) => {
      const name = fromBundle(String(specifier))
      if (!isBuiltin(name)) await threadLoader()
      if (needsTsx(name, file)) await loadTsx()
      try {
        return await withoutWarning(() => plain(name, options))
      } catch (error) {
        if (!isForTsx(error)) throw error
        await loadTsx()
        return plain(name, options)
      }
    }
    importers.set(file, load)
  }
  return load
}

/** `goro:x`, as bundles have it, is a file beside goro's own (packages/compiler/src/bundle.ts). */
const fromBundle = (specifier: string): string =>
  specifier.startsWith('goro:') ? new URL(specifier.slice('goro:'.length), import.meta.url).href : specifier

/** What is left of the loader to be installed on this thread (packages/compiler/src/register.ts). */
interface ThreadLoader {
  (): Promise<void> | void
  /** It loads TypeScript, too. */
  readonly typescript?: boolean
}

let loader: Promise<void> | undefined
let loadsTypeScript = false

/** Installs the loader that the program was started with, if there is one, before the first import of a goroutine. */
function threadLoader(): Promise<void> | undefined {
  const install = (globalThis as Record<symbol, unknown>)[Symbol.for('goro.loader')] as ThreadLoader | undefined
  if (install !== undefined && loader === undefined) {
    loader = Promise.resolve(install())
    loadsTypeScript = install.typescript === true
  }
  return loader
}

const IMPORTER = 'return (specifier, options) => import(specifier, options)'

/** As `vm.compileFunction`, with `import()` in it that resolves from its file. */
export function compile(body: string, names: readonly string[], options: vm.CompileFunctionOptions) {
  const importModuleDynamically = vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER as never
  const all = { ...options, importModuleDynamically }
  return names.some((name) => ASTRAL.test(name))
    ? compileAstral(body, names, all)
    : vm.compileFunction(body, names, all)
}

const ASTRAL = /[\ud800-\udfff]/

/** Node can't have such a name as a parameter: it crashes. */
function compileAstral(body: string, names: readonly string[], options: vm.CompileFunctionOptions) {
  const parameters = names.map((name, i) => (ASTRAL.test(name) ? `${IMPORT}${i}` : name))
  const variables = names.map((name, i) => (ASTRAL.test(name) ? `var ${name}=${parameters[i]};` : '')).join('')
  const [directive] = /^("use strict";)?/.exec(body) as RegExpExecArray
  const columnOffset = (options.columnOffset ?? 0) - variables.length
  return vm.compileFunction(directive + variables + body.slice(directive.length), parameters, {
    ...options,
    columnOffset,
  })
}

/** Runs `work` without Node's warning, at the first import of a thread, that importing from compiled code is experimental. */
function withoutWarning<T>(work: () => T): T {
  const { emitWarning } = process
  process.emitWarning = ((warning: string | Error, ...rest: unknown[]) => {
    if (String(warning).includes('USE_MAIN_CONTEXT_DEFAULT_LOADER')) return
    Reflect.apply(emitWarning, process, [warning, ...rest])
  }) as typeof emitWarning
  try {
    return work()
  } finally {
    process.emitWarning = emitWarning
  }
}

/** A path from Vite's root, as Vite writes specifiers. The root is a folder above `file`. */
function fromVite(specifier: string, file: string): string {
  if (specifier.startsWith('/@fs/')) return pathToFileURL(specifier.slice('/@fs'.length)).href
  if (!specifier.startsWith('/')) return specifier
  const path = specifier.replace(/[?#].*$/, '')
  if (existsSync(path)) return pathToFileURL(path).href
  for (let folder = dirname(pathOf(file)); folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(folder + path)) return pathToFileURL(folder + path).href
  }
  return specifier
}

function importMeta(file: string): object {
  const path = pathOf(file)
  return {
    url: isFile(file) ? file : pathToFileURL(path).href,
    filename: path,
    dirname: dirname(path),
    main: false,
    resolve(specifier: string): string {
      if (isBuiltin(specifier)) return specifier.startsWith('node:') ? specifier : `node:${specifier}`
      if (isPath(specifier)) return new URL(specifier, file).href
      return pathToFileURL(createRequire(path).resolve(specifier)).href
    },
  }
}

const isPath = (specifier: string): boolean => /^(\.{0,2}\/|[a-z][a-z\d+.-]*:)/i.test(specifier)

// --- TypeScript ------------------------------------------------------------------------------------------------------------

const stripsTypes = Boolean((process.features as { typescript?: unknown }).typescript)
const underTsx = [...process.execArgv, nodeOptionsFromEnv()].some((option) => /\btsx\b/.test(option))
const TYPESCRIPT = /\.[cm]?tsx?$/

/** Whether what `file` imports by `specifier` may be TypeScript, on a Node that can't load it. */
function needsTsx(specifier: string, file: string): boolean {
  if (stripsTypes || loadsTypeScript || isBuiltin(specifier)) return false
  if (TYPESCRIPT.test(specifier.replace(/[?#].*$/, ''))) return true
  // In a TypeScript program `./x.js` may be x.ts, and x.js may import TypeScript. Packages are JavaScript.
  if (!underTsx && !TYPESCRIPT.test(file)) return false
  return isPath(specifier) || !isJavaScript(specifier, file)
}

function isJavaScript(specifier: string, file: string): boolean {
  try {
    return !TYPESCRIPT.test(createRequire(pathOf(file)).resolve(specifier))
  } catch (error) {
    // There is such a package, but not for `require`. Anything else that is not found is for tsx to try.
    return (error as NodeJS.ErrnoException).code === 'ERR_PACKAGE_PATH_NOT_EXPORTED'
  }
}

/** Whether Node failed at something that tsx can load. */
function isForTsx(error: unknown): boolean {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION') return /"\.[cm]?[jt]sx?"/.test(message)
  return code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX'
}

let tsx: Promise<void> | undefined

function loadTsx(): Promise<void> {
  tsx ??= import('tsx/esm/api').then(({ register }) => {
    register()
  })
  return tsx
}

/** `require` as it is in `file`. */
function requireOf(file: string): NodeJS.Require {
  const plain = createRequire(pathOf(file))
  const load = (id: string): unknown => {
    if (needsTsx(id, file)) loadTsxForRequire()
    return plain(id)
  }
  return Object.assign(load, plain)
}

let isTsxInRequire = false

function loadTsxForRequire(): void {
  if (isTsxInRequire) return
  isTsxInRequire = true
  ;(createRequire(import.meta.url)('tsx/cjs/api') as typeof import('tsx/cjs/api')).register()
}

// --- what esbuild makes of `using` -----------------------------------------------------------------------------------------

/** What is to be disposed of at the end of a block: how, and whether to wait for it. */
type Disposal = readonly [isAsync: boolean, dispose?: () => unknown]

function using(stack: Disposal[], value: unknown, isAsync?: boolean): unknown {
  if (value === null || value === undefined) {
    if (isAsync === true) stack.push([true])
    return value
  }
  const methods = value as Record<symbol, unknown>
  const dispose =
    (isAsync === true ? methods[symbolNamed('asyncDispose')] : undefined) ?? methods[symbolNamed('dispose')]
  if (typeof dispose !== 'function') throw new TypeError('using: the value has no Symbol.dispose')
  stack.push([isAsync === true, () => dispose.call(value)])
  return value
}

/** `Symbol.dispose` and `Symbol.asyncDispose`, which esbuild gives a name of their own where Node has none. */
const symbolNamed = (name: 'dispose' | 'asyncDispose'): symbol =>
  (Symbol as unknown as Record<string, symbol | undefined>)[name] ?? Symbol.for(`Symbol.${name}`)

function callDispose(stack: Disposal[], error: unknown, hasError?: boolean): Promise<void> | undefined {
  let failed = hasError === true
  let failure = error
  const note = (next: unknown): void => {
    // As SuppressedError says it, which Node has from 24 on.
    failure = failed
      ? Object.assign(new Error('An error was suppressed during disposal'), {
          name: 'SuppressedError',
          error: next,
          suppressed: failure,
        })
      : next
    failed = true
  }
  const unwind = (): Promise<void> | undefined => {
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      const [isAsync, dispose] = next
      try {
        const result = dispose?.()
        if (isAsync) return Promise.resolve(result).catch(note).then(unwind)
      } catch (reason) {
        note(reason)
      }
    }
    if (failed) throw failure
    return undefined
  }
  return unwind()
}
