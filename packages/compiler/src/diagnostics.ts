/** What is refused, where it stands, and what to do instead. */
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { EncodedSourceMap, TraceMap } from '@jridgewell/trace-mapping'

/** Why a function can't run as a goroutine, at the place of `start` to `end`. */
export interface Offence {
  readonly kind:
    | 'assignment'
    | 'this'
    | 'this of method'
    | 'super'
    | 'arguments'
    | 'new.target'
    | 'private'
    | 'eval'
    | 'with'
    | 'inside with'
    | 'directive'
  readonly name: string
  readonly start: number
  readonly end: number
}

/** The sentence about an offence, with the way out. */
export function explain({ kind, name }: Offence): string {
  const what = `\`${name}\``
  const outer = `${what} in a goroutine belongs to the code around it, and a goroutine is a plain call on another thread.`
  switch (kind) {
    case 'assignment':
      return `${what} is assigned to in a goroutine, which has a copy of it. Return the value and assign it where the goroutine is awaited, or share it: an atomic (AtomicInt32), a channel (chan), a SyncMap.`
    case 'this':
      return `${outer} Take what it needs into variables before: const { name } = this`
    case 'this of method':
      return `${what} in a method belongs to its object, of which a goroutine has only what it uses. Write a function that takes what it needs as parameters, or a class.`
    case 'super':
      return `${outer} Call it before, and use the result.`
    case 'arguments':
      return `${outer} Name the parameters instead: (...args) => …`
    case 'new.target':
      return `${outer} Take what it needs into a variable before: const { name } = new.target`
    case 'private':
      return `${what} in a goroutine belongs to the class around it, which is not there on another thread. Take its value into a variable before.`
    case 'eval':
      return `\`eval\` in a goroutine may refer to any variable, so nobody can tell what to send along. Use (0, eval)(code), which sees globals only, or new Function(…) with parameters.`
    case 'with':
      return `\`with\` in a goroutine lets any name be a property, so nobody can tell what to send along. Write object.name.`
    case 'inside with':
      return `A goroutine inside \`with\` may refer to properties by their bare names, so nobody can tell what to send along. Move it out of the \`with\`.`
    case 'directive':
      return `'use goroutine' has no effect on a method, a getter or a setter. Write ${what} as a property with a function: ${name}: () => …`
  }
}

export interface Position {
  readonly file: string
  /** From 1. */
  readonly line: number
  /** From 1. */
  readonly column: number
}

/** Something in a goroutine that can't work on another thread: thrown by `compile`. */
export class CaptureError extends Error implements Position {
  override readonly name = 'CaptureError'
  readonly file: string
  readonly line: number
  readonly column: number
  /** The lines around it, with a mark. */
  readonly frame: string

  constructor(reason: string, { file, line, column }: Position, frame: string) {
    super(`${file}:${line}:${column}: ${reason}\n\n${frame}`)
    this.file = file
    this.line = line
    this.column = column
    this.frame = frame
  }
}

type Tracing = typeof import('@jridgewell/trace-mapping')

const require = createRequire(import.meta.url)

/** The text that a person wrote: positions in the compiler's input, as positions in that. */
export class Original {
  readonly #source: string
  readonly #filename: string
  readonly #inputMap: EncodedSourceMap | undefined
  readonly #originalSource: (() => string) | undefined
  /** Where each line starts. */
  #lines: number[] | undefined
  #traced: TraceMap | undefined

  constructor(
    source: string,
    filename: string,
    inputMap: EncodedSourceMap | undefined,
    originalSource: (() => string) | undefined,
  ) {
    this.#source = source
    this.#filename = filename.startsWith('file:') ? fileURLToPath(filename) : filename
    this.#inputMap = inputMap
    this.#originalSource = originalSource
  }

  /** Where `offset` into the input stands. */
  position(offset: number): Position {
    this.#lines ??= [0, ...Array.from(this.#source.matchAll(/\n/g), ({ index }) => index + 1)]
    let line = this.#lines.length
    for (let low = 1; low < line; ) {
      const middle = (low + line + 1) >> 1
      if ((this.#lines[middle - 1] as number) <= offset) low = middle
      else line = middle - 1
    }
    const column = offset - (this.#lines[line - 1] as number)
    const found = this.#trace(line, column)
    return found ?? { file: this.#filename, line, column: column + 1 }
  }

  /** The error for an offence. What it takes to draw it is loaded only now. */
  error(offence: Offence): CaptureError {
    const start = this.position(offence.start)
    const end = this.position(offence.end)
    const { codeFrameColumns } = require('@babel/code-frame') as typeof import('@babel/code-frame')
    const frame = codeFrameColumns(this.#text(start), end.line === start.line ? { start, end } : { start })
    return new CaptureError(explain(offence), start, frame)
  }

  #trace(line: number, column: number): Position | undefined {
    if (this.#inputMap === undefined) return undefined
    const { originalPositionFor, TraceMap } = require('@jridgewell/trace-mapping') as Tracing
    this.#traced ??= new TraceMap(this.#inputMap)
    const found = originalPositionFor(this.#traced, { line, column })
    return found.source === null ? undefined : { file: this.#filename, line: found.line, column: found.column + 1 }
  }

  #text({ line }: Position): string {
    if (this.#inputMap === undefined) return this.#source
    const { sources, sourcesContent } = this.#inputMap
    const text = (sources.length === 1 ? sourcesContent?.[0] : undefined) ?? this.#originalSource?.() ?? ''
    return text.split('\n').length >= line ? text : this.#source
  }
}
