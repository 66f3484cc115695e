/**
 * What is inserted into a module. Nothing is moved, removed or written twice, so that lines stay, and every name is still
 * that of the text it stands in:
 *
 *   - a header on the first line: what the module's functions need (`_goro_m`: data only, so that it can be shipped itself),
 *     and how to get at those of module level (`_goro_f`), given to whoever runs goroutines;
 *   - around each other function that may become a goroutine, `_goro.ship(…)`, which notes its *thunk*: a function that gives
 *     the values of its free variables. At run time, names in the text are matched with names in the thunk;
 *   - if asked for, a check in the loops of async functions (preempt.ts).
 */
import MagicString from 'magic-string'
import type { Element, Module } from './capture.ts'
import { explain, type Original } from './diagnostics.ts'
import { CHECK, checksOf } from './preempt.ts'
import { Certainty, type Reached, reachedOf } from './reach.ts'
import { isUnit, type Node, skipTrivia, staticKey, TRIVIA, type Unit, unwrap } from './syntax.ts'

export interface Imports {
  isExternal(specifier: string): boolean
  expression(specifier: string): string | undefined
}

/** The module with insertions; undefined if there is nothing to insert. */
export function transform(
  source: string,
  module: Module,
  original: Original,
  imports: Imports,
  preempt: boolean,
): MagicString | undefined {
  const names = unusedNames(source)
  const reached = reachedOf(module, names.default)
  for (const { certainty, captures } of reached) {
    const [offence] = captures.offences
    if (certainty === Certainty.certain && offence !== undefined) throw original.error(offence)
  }
  const transformer = new Transformer(source, module, original, imports, names)
  // Inner ones first: where two end, the inner one's text comes before the outer one's.
  for (const each of reached.toReversed()) transformer.place(each)
  // Code that calls something else so would not find the global object.
  if (preempt && !module.scopes.declares('globalThis')) transformer.placeChecks()
  return transformer.finish()
}

type Names = Record<'runtime' | 'module' | 'functions' | 'default', string>

/** Names for what is inserted, which the source does not use. */
function unusedNames(source: string): Names {
  let suffix = ''
  while (new RegExp(`(?<![\\w$])_goro(_[mfd])?${suffix.replaceAll('$', '\\$')}(?![\\w$])`).test(source)) suffix += '$'
  return {
    runtime: `_goro${suffix}`,
    module: `_goro_m${suffix}`,
    functions: `_goro_f${suffix}`,
    default: `_goro_d${suffix}`,
  }
}

/** What the compiler's own insertions refer to. */
const RUNTIME = 'goro/compiled'

class Transformer {
  readonly #text: MagicString
  readonly #source: string
  readonly #module: Module
  readonly #original: Original
  readonly #imports: Imports
  readonly #names: Names
  /** Source text of each import. */
  readonly #entries: string[] = []
  /** Its number, by specifier; apart for those with data. */
  readonly #specifiers = new Map<string, number>()
  readonly #sites: string[] = []
  readonly #getters: string[] = []
  /** Where `ship` was inserted. */
  readonly #ships: number[] = []
  /** Statements for the end of the header. */
  readonly #first: string[] = []
  #variables = ''
  #isDefaultNamed = false

  constructor(source: string, module: Module, original: Original, imports: Imports, names: Names) {
    this.#text = new MagicString(source)
    this.#source = source
    this.#module = module
    this.#original = original
    this.#imports = imports
    this.#names = names
  }

  place(reached: Reached): void {
    const { unit, path, declaration } = reached
    if (declaration !== undefined) {
      this.#insert(declaration.end, `; ${this.#shipping(path as string, reached)};`)
    } else if (path !== undefined) {
      this.#getters.unshift(`() => [${path}, ${this.#thunkAndSite(reached).join(', ')}]`)
      if (path.startsWith(this.#names.default)) this.#nameDefault()
    } else if (unit.type === 'FunctionDeclaration') {
      this.#shipInBlock(reached, unit)
    } else if (unit.type === 'ClassDeclaration') {
      this.#insert(unit.end, ` ${this.#shipping(unit.id?.name ?? this.#names.default, reached)};`)
    } else {
      this.#shipInPlace(reached)
    }
  }

  placeChecks(): void {
    for (const { start, end } of checksOf(this.#module.program)) {
      // What is at the same place belongs into the block.
      this.#text.appendLeft(start, end === undefined ? ` ${CHECK}` : `{ ${CHECK} `)
      if (end !== undefined) this.#text.appendLeft(end, ' }')
    }
  }

  finish(): MagicString | undefined {
    if (this.#sites.length === 0) return this.#text.hasChanged() ? this.#text : undefined
    const { program } = this.#module
    const directive = program.body.filter((statement) => 'directive' in statement && statement.directive).at(-1)
    const start = directive?.end ?? skipTrivia(this.#source, program.hashbang?.end ?? 0)
    this.#text.appendLeft(start, `${directive === undefined ? '' : '; '}${this.#header()} `)
    return this.#text
  }

  #header(): string {
    const { runtime, module, functions } = this.#names
    const isEsm = this.#module.program.sourceType === 'module'
    const parts: string[] = []
    if (this.#ships.length > 0) {
      parts.push(isEsm ? `import * as ${runtime} from '${RUNTIME}';` : `const ${runtime} = require('${RUNTIME}');`)
    }
    const kind = isEsm ? '' : 'commonjs: true, '
    const imports = this.#entries.join(', ')
    parts.push(
      `function ${module}() { return { ${kind}imports: [${imports}], sites: [${this.#sites.join(', ')}] } }`,
      `function ${functions}() { return [${this.#getters.join(', ')}] }`,
      this.#variables,
      `(${this.#registry()} ??= []).push([${module}, ${functions}]);`,
      ...this.#first,
    )
    return parts.filter(Boolean).join(' ')
  }

  /** The list of compiled modules. A module may have names of its own for what leads to it. */
  #registry(): string {
    const { set } = this.#module.scopes.top
    const root = set.has('globalThis') ? "(function () {}).constructor('return this')()" : 'globalThis'
    return `${root}[${set.has('Symbol') ? `${root}.` : ''}Symbol.for('goro.compiled')]`
  }

  // --- one function ------------------------------------------------------------------------------------------------------

  #shipping(fn: string, reached: Reached): string {
    const [thunk, site] = this.#thunkAndSite(reached)
    return `${this.#names.runtime}.ship(${fn}, ${thunk}, ${this.#names.module}, ${site})`
  }

  #thunkAndSite({ unit, captures }: Reached): [thunk: string, site: number] {
    const [offence] = captures.offences
    if (offence !== undefined) {
      const { file, line, column } = this.#original.position(offence.start)
      this.#sites.push(JSON.stringify(`${file}:${line}:${column}: ${explain(offence)}`))
      return ['() => []', this.#sites.length - 1]
    }
    const texts: string[] = captures.elements.map(({ text }) => text)
    const entries: string[] = captures.elements.map((element) => this.#entry(element))
    // What has been inserted into it, it refers to as well.
    if (this.#ships.some((at) => unit.start < at && at < unit.end)) {
      texts.push(`${this.#names.runtime}.ship`, this.#names.module)
      entries.push(`[${this.#specifier(RUNTIME, false)}, "ship"]`, '1')
    }
    this.#sites.push(`[${entries.join(', ')}]`)
    return [`() => [${texts.join(', ')}]`, this.#sites.length - 1]
  }

  #entry({ imported, isConstant }: Element): string {
    if (imported === undefined) return isConstant ? '1' : '0'
    const { specifier, path, isData } = imported
    return `[${[this.#specifier(specifier, isData), ...path.map((name) => JSON.stringify(name))].join(', ')}]`
  }

  /** The number of an import. */
  #specifier(specifier: string, isData: boolean): number {
    const key = `${isData} ${specifier}`
    const known = this.#specifiers.get(key)
    if (known !== undefined) return known
    const text = this.#imports.expression(specifier) ?? JSON.stringify(specifier)
    const number = this.#entries.push(!isData && this.#imports.isExternal(specifier) ? `[${text}]` : text) - 1
    this.#specifiers.set(key, number)
    return number
  }

  #shipInPlace(reached: Reached): void {
    const { unit } = reached
    const name = this.#inferredName(unit)
    const [thunk, site] = this.#thunkAndSite(reached)
    const [before, after] = naming(name)
    this.#ships.push(unit.start + 1)
    // Minified code has no space in `return()=>1`.
    const gap = /[\w$]/.test(this.#source[unit.start - 1] ?? '') ? ' ' : ''
    this.#text.prependRight(unit.start, `${gap}${this.#names.runtime}.ship(${before}`)
    this.#text.appendLeft(unit.end, `${after}, ${thunk}, ${this.#names.module}, ${site})`)
  }

  /** The name that an anonymous function has from where it stands. */
  #inferredName(unit: Node): string | undefined {
    if (!isAnonymous(unit)) return undefined
    let node = unit
    let parent = this.#module.parent(node)
    while (parent !== undefined && unwrap(parent) !== parent) {
      node = parent
      parent = this.#module.parent(node)
    }
    switch (parent?.type) {
      case 'VariableDeclarator':
        return parent.id.type === 'Identifier' ? parent.id.name : undefined
      case 'AssignmentExpression':
      case 'AssignmentPattern':
        return parent.left.type === 'Identifier' && parent.right === node ? parent.left.name : undefined
      case 'Property':
      case 'PropertyDefinition':
      case 'AccessorProperty':
        if (parent.value !== node) return undefined
        return parent.key.type === 'PrivateIdentifier' ? `#${parent.key.name}` : staticKey(parent.key, parent.computed)
      case 'ExportDefaultDeclaration':
        return 'default'
      default:
        return undefined
    }
  }

  /** A function declaration is there from the start of its block on: so is what is noted of it. */
  #shipInBlock(reached: Reached, unit: Node & { id: { name: string } | null }): void {
    const name = unit.id?.name ?? this.#names.default
    let block = this.#module.parent(unit)
    while (block?.type === 'ExportNamedDeclaration' || block?.type === 'LabeledStatement')
      block = this.#module.parent(block)
    switch (block?.type) {
      case 'Program':
        this.#ships.push(0)
        this.#first.push(`${this.#shipping(name, reached)};`)
        return
      case 'BlockStatement':
      case 'StaticBlock':
      case 'TSModuleBlock': {
        const directive = block.body.filter((statement) => 'directive' in statement && statement.directive).at(-1)
        const start = directive?.end ?? this.#source.indexOf('{', block.start) + 1
        return this.#insert(start, `${directive === undefined ? '' : ';'} ${this.#shipping(name, reached)};`)
      }
      case 'SwitchCase': {
        const text = `${this.#shipping(name, reached)}; `
        const cases = this.#module.parent(block)
        if (cases?.type !== 'SwitchStatement') return
        for (const { consequent } of cases.cases)
          if (consequent[0] !== undefined) this.#insert(consequent[0].start, text)
      }
    }
  }

  /** Inserts a statement that calls `ship`. */
  #insert(at: number, text: string): void {
    this.#ships.push(at)
    this.#text.appendLeft(at, text)
  }

  // --- default exports without a name ------------------------------------------------------------------------------------

  /** Sees to it that the default export has a name in the module. */
  #nameDefault(): void {
    if (this.#isDefaultNamed) return
    this.#isDefaultNamed = true
    const name = this.#names.default
    const value = this.#module.program.body.find(({ type }) => type === 'ExportDefaultDeclaration') as ExportDefault
    const { declaration } = value
    if (declaration.type === 'FunctionDeclaration' || declaration.type === 'ClassDeclaration') {
      HEAD.lastIndex = skipTrivia(this.#source, Math.max(declaration.start, decoratorsEnd(declaration)))
      HEAD.test(this.#source)
      this.#text.appendLeft(HEAD.lastIndex, ` ${name}`)
      const fix = `Object.defineProperty(${name}, 'name', { value: 'default', configurable: true });`
      this.#text.appendLeft(declaration.end, ` ${fix}`)
      return
    }
    this.#variables = `var ${name};`
    const [before, after] = naming(isAnonymous(unwrap(declaration)) ? 'default' : undefined)
    this.#text.prependRight(declaration.start, `(${name} = ${before}`)
    this.#text.appendLeft(declaration.end, `${after})`)
  }
}

type ExportDefault = Node & { type: 'ExportDefaultDeclaration' }

const isAnonymous = (node: Node): boolean => isUnit(node) && (!('id' in node) || node.id === null)

/** Decorators may stand before `export` and before `class`. */
const decoratorsEnd = (unit: Unit): number => ('decorators' in unit && unit.decorators?.at(-1)?.end) || 0

/** A declaration up to where its name stands. */
const HEAD = new RegExp(`(?:(?:async|abstract)${TRIVIA})?(?:function(?:${TRIVIA}\\*)?|class)`, 'y')

/** What gives the anonymous function between them a name. */
function naming(name: string | undefined): [before: string, after: string] {
  if (name === undefined) return ['', '']
  const key = JSON.stringify(name)
  // A property that is called so is none.
  if (name === '__proto__') return [`{ [${key}]: `, ` }[${key}]`]
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name)
    ? [`{ ${name}: `, ` }.${name}`]
    : [`{ ${key}: `, ` }[${key}]`]
}
