/**
 * Makes closures and imports work in goroutines. Source text in, source text and source map out: nothing is read, written or
 * run. How it goes about it is told in transform.ts.
 */
import { createRequire } from 'node:module'
import type { EncodedSourceMap } from '@jridgewell/trace-mapping'
import { Module } from './capture.ts'
import { Original } from './diagnostics.ts'
import { type Format, type Language, parse } from './syntax.ts'
import { transform } from './transform.ts'

export { CaptureError } from './diagnostics.ts'
export type { Format, Language }

export interface CompileOptions {
  /** Path or `file:` URL of the source: it stands in messages and in the source map, and its extension is the language. */
  readonly filename: string
  /**
   * Whether modules that do not import goro are compiled too, so that the functions they export can be shipped: right for all
   * code of the program itself. Default: false.
   */
  readonly dependency?: boolean
  /** Default: by the extension, else by the syntax. */
  readonly format?: Format | undefined
  /** Default: by the extension. Say `js` if something has compiled the source of a `.ts` file already. */
  readonly language?: Language | undefined
  /**
   * Whether what `specifier` leads to is a builtin or a package, which a thread imports by itself, and not a module of the
   * program. Default: all that is neither a path nor a `#` import.
   */
  readonly isExternal?: (specifier: string) => boolean
  /** Source text of an expression that gives, at run time, what to import for `specifier`. Default: the specifier itself. */
  readonly importExpression?: (specifier: string) => string | undefined
  /**
   * Whether goroutines can be interrupted in the loops of the module's async functions, so that others on their thread go on: each loop
   * then looks, each time round, whether it is to let them. Default: false.
   */
  readonly preempt?: boolean
  /**
   * The source map, as an object or as JSON, of what was done to the source before. Positions in messages and in the result's
   * map are then those of the text that a person wrote.
   */
  readonly inputMap?: string | object | undefined
  /** Gives that text, for the lines in messages. Asked if `inputMap` has it not. */
  readonly originalSource?: (() => string) | undefined
}

export interface SourceMap {
  readonly version: number
  readonly sources: (string | null)[]
  readonly sourcesContent?: (string | null)[] | undefined
  readonly names: string[]
  readonly mappings: string
  /** As JSON. */
  toString(): string
  /** As a `data:` URL. */
  toUrl(): string
}

export interface Compiled {
  /** The module with what was inserted. There is no comment in it about its source map. */
  readonly code: string
  readonly map: SourceMap
}

/**
 * Compiles a module.
 *
 * @returns null if there is nothing to do, or the source can't be parsed: then it is to be used as it is.
 * @throws CaptureError if a function that runs as a goroutine does what can't work there, such as to assign to a variable of
 *   the code around it.
 *
 * @example
 * const result = compile("import { go } from 'goro'\nlet n = 1\nawait go(() => n)", { filename: 'app.js' })
 * result.code // … go(_goro.ship(() => n, () => [n], _goro_m, 0))
 */
export function compile(source: string, options: CompileOptions): Compiled | null {
  if (!concerns(source, options.dependency === true)) return null
  const { filename, language, format, isExternal = isBare, importExpression } = options
  const program = parse(source, filename, language, format)
  if (program === undefined) return null
  const inputMap = typeof options.inputMap === 'string' ? JSON.parse(options.inputMap) : options.inputMap
  const original = new Original(source, filename, inputMap as EncodedSourceMap | undefined, options.originalSource)
  const module = new Module(program)
  if (options.dependency !== true && !module.usesGoro) return null
  const imports = { isExternal, expression: (specifier: string) => importExpression?.(specifier) }
  const text = transform(source, module, original, imports, options.preempt === true)
  if (text === undefined) return null
  return {
    code: text.toString(),
    get map() {
      const map = text.generateMap({ source: filename, includeContent: true, hires: 'boundary' })
      return inputMap === undefined ? map : composed(map, inputMap as EncodedSourceMap)
    },
  }
}

const USES_GORO = /(['"`])goro\1|(['"])use goroutine\2/
const HAS_FUNCTIONS = /\bfunction\b|\bclass\b|=>|\)\s*\{/
/** What has been compiled is not compiled again; nor is what takes compiled modules in. */
const COMPILED = /\bgoro[./]compiled\b|\bglobalThis\._goro_preempt\b/

function concerns(source: string, dependency: boolean): boolean {
  return (dependency ? HAS_FUNCTIONS : USES_GORO).test(source) && !COMPILED.test(source)
}

const isBare = (specifier: string) => !/^(\.{0,2}\/|\.{1,2}$|#|file:)/.test(specifier)

function composed(map: object, inputMap: EncodedSourceMap): SourceMap {
  const require = createRequire(import.meta.url)
  // Its CommonJS form is the function itself.
  const remapping: typeof import('@jridgewell/remapping').default = require('@jridgewell/remapping')
  let isOurs = true
  const result = remapping(map as EncodedSourceMap, () => {
    const before = isOurs ? inputMap : null
    isOurs = false
    return before
  })
  return Object.assign(result as unknown as SourceMap, {
    toUrl: () => `data:application/json;charset=utf-8;base64,${Buffer.from(result.toString()).toString('base64')}`,
  })
}
