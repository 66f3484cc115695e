/**
 * What the Node loaders do to one file: compile it, with the source maps of what was done to it before us followed and kept, or
 * take what came of it the last time (cache.ts).
 */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Entry, keyOf, read, write } from './cache.ts'
import type { CompileOptions, compile } from './index.ts'
import { isPackage, isUserCode } from './user-code.ts'

const COMPILER = new URL('./index.js', import.meta.url)

/** Whether files are compiled with preemption points (preempt.ts). */
export let preempts = false

/** From here on, they are. */
export function usePreemption(): void {
  preempts = true
}

let compiler: { compile: typeof compile } | undefined

/** Loaded with the first file: the parser takes its time. */
const theCompiler = () => (compiler ??= createRequire(COMPILER)(fileURLToPath(COMPILER)) as { compile: typeof compile })

/** The compiled text of a file, with its source map inlined; undefined if the file is to be left as it is. */
export function load(file: string, source: string, format: 'module' | 'commonjs'): string | undefined {
  const path = file.startsWith('file:') ? fileURLToPath(withoutQuery(file)) : file
  if (!isUserCode(path, source)) return undefined
  const map = sourceMap(source, path)
  const key = keyOf(COMPILER, [path, format, String(preempts), source, map?.isInline === false ? map.text : ''])
  let entry = read(key)
  if (entry === undefined || Object.entries(entry.packages).some(([name, is]) => isPackage(name, path) !== is)) {
    entry = compileFile(path, source, format, map)
    write(key, entry)
  }
  return entry.code ?? undefined
}

function compileFile(path: string, source: string, format: 'module' | 'commonjs', map: InputMap | undefined): Entry {
  const packages: Record<string, boolean> = {}
  const options: CompileOptions = {
    filename: path,
    dependency: true,
    preempt: preempts,
    format,
    isExternal(specifier) {
      packages[specifier] ??= isPackage(specifier, path)
      return packages[specifier]
    },
    // A map in the text: another loader has made JavaScript of it.
    ...(map === undefined ? {} : inputOf(path, map)),
  }
  const compiled = theCompiler().compile(source, options)
  return { packages, code: compiled && `${compiled.code}\n//# sourceMappingURL=${compiled.map.toUrl()}` }
}

/** Of a map in the text, the file is the original; tsx leaves that out of its maps. */
function inputOf(path: string, { text, isInline }: InputMap): Partial<CompileOptions> {
  if (!isInline) return { inputMap: text }
  return { inputMap: text, language: 'js', originalSource: () => readFileSync(path, 'utf8') }
}

/** What Node's load hooks pass on. */
export interface Loaded {
  format?: string | null | undefined
  source?: string | ArrayBuffer | NodeJS.TypedArray | null | undefined
}

/** The same, compiled. CommonJS comes this way too, if another loader or Node has read it for the hooks. */
export function loadModule<T extends Loaded>(url: string, loaded: T): T {
  const { format, source } = loaded
  const kind = /^(module|commonjs)(-typescript)?$/.exec(format ?? '')?.[1] as 'module' | 'commonjs' | undefined
  if (kind === undefined || source === undefined || source === null || !url.startsWith('file:')) return loaded
  const text = typeof source === 'string' ? source : new TextDecoder().decode(source)
  const compiled = load(url, text, kind)
  return compiled === undefined ? loaded : { ...loaded, source: compiled }
}

const withoutQuery = (url: string): string => url.replace(/[?#].*$/, '')

const MAP_COMMENT = /^[ \t]*\/\/[#@] sourceMappingURL=(\S+)[ \t]*$/gm
const DATA_URL = /^data:application\/json[^,]*?(;base64)?,(.*)$/s

interface InputMap {
  readonly text: string
  readonly isInline: boolean
}

/** The source map that the text names last: in itself, or in a file beside it. */
function sourceMap(source: string, path: string): InputMap | undefined {
  if (!source.includes('sourceMappingURL=')) return undefined
  const url = Array.from(source.matchAll(MAP_COMMENT)).at(-1)?.[1]
  if (url === undefined) return undefined
  const data = DATA_URL.exec(url)
  if (data !== null) {
    const text = data[2] as string
    return {
      text: data[1] === undefined ? decodeURIComponent(text) : Buffer.from(text, 'base64').toString(),
      isInline: true,
    }
  }
  if (/^[a-z][a-z\d+.-]+:/i.test(url)) return undefined
  const file = resolve(dirname(path), decodeURIComponent(url))
  return existsSync(file) ? { text: readFileSync(file, 'utf8'), isInline: false } : undefined
}
