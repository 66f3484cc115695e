/** What the compiler made of a module, taken apart for tests. */
import { type CompileOptions, compile } from '../../src/index.ts'

export interface Look {
  /** The module without the header. */
  body: string
  /** What stands before and after the list of functions in the header. */
  header: string
  imports: (string | string[])[]
  sites: (string | (number | [number, ...string[]])[])[]
  /** Module-level functions with what they refer to: `parse: K, lib.x`. */
  functions: string[]
  /** What is given to `ship` in the body, in the order of the text: `x => x + k: k`. */
  shipped: string[]
}

const HEADER =
  /(?:import \* as _goro from 'goro\/compiled'; |const _goro = require\('goro\/compiled'\); )?(function _goro_m\(\) \{.*?\}) function _goro_f\(\) \{ return \[(.*?)\] \} (?:var _goro_d; )?\(globalThis\[Symbol\.for\('goro\.compiled'\)\] \?\?= \[\]\)\.push\(\[_goro_m, _goro_f\]\); /

export function look(source: string, options: Partial<CompileOptions> = {}): Look {
  const result = compile(source, { filename: 'app.ts', ...options })
  if (result === null) throw new Error(`nothing to do in ${source}`)
  const found = HEADER.exec(result.code)
  if (found === null) throw new Error(`no header in ${result.code}`)
  const [header, table, functions] = found as unknown as [string, string, string]
  const { imports, sites } = new Function(`${table}; return _goro_m()`)() as Pick<Look, 'imports' | 'sites'>
  const body = result.code.replace(header, '')
  return { body, header, imports, sites, functions: functionsIn(functions), shipped: shippedIn(body) }
}

function functionsIn(list: string): string[] {
  return [...list.matchAll(/\(\) => \[(.+?), \(\) => \[(.*?)\], \d+\]/g)].map(([, path, names]) => `${path}: ${names}`)
}

function shippedIn(body: string): string[] {
  const found: [at: number, text: string][] = []
  const open: number[] = []
  for (const { 1: names, index } of body.matchAll(/_goro\.ship\(|, \(\) => \[([^\]]*)\], _goro_m, \d+\)/g)) {
    if (names === undefined) open.push(index)
    else {
      const start = open.pop() as number
      found.push([start, `${body.slice(start + '_goro.ship('.length, index)}: ${names}`])
    }
  }
  return found.sort(([a], [b]) => a - b).map(([, text]) => text)
}

/** What the function that is given to `go` in `call` refers to. */
export function captured(call: string, around = '', options: Partial<CompileOptions> = {}): string[] {
  const { shipped } = look(`import { go } from 'goro'\n${around}\ngo(${call})`, options)
  const text = shipped.at(-1) as string
  const names = text.slice(text.lastIndexOf(': ') + 2)
  return names === '' ? [] : names.split(', ')
}
