/**
 * What a function refers to that is not its own: by scope analysis of its source. Source text in, names and positions out.
 */
import { createRequire } from 'node:module'
import type { Node } from 'acorn'

/** A name that a function refers to and does not declare, and where first: line from 0, column from 0, in the given text. */
export interface Reference {
  readonly name: string
  readonly line: number
  readonly column: number
}

/** What there is to know of a function's source. */
export interface Shape {
  /** Free variables, each once, in the order of their first use. */
  readonly free: readonly Reference[]
  /** `this`, `super`, `arguments` and `new.target` of something outside, and `import.meta`. */
  readonly outer: readonly Reference[]
  /** Where `import.meta` stands, as offsets into the text. */
  readonly importMeta: readonly number[]
  readonly hasDynamicImport: boolean
  readonly isGenerator: boolean
  readonly isClass: boolean
}

interface Analysis {
  readonly acorn: typeof import('acorn')
  readonly scopes: typeof import('eslint-scope')
}

let loaded: Analysis | undefined

/** The parser and the scope analysis are loaded at the first use: the threads have none, they only run what was analysed. */
function libraries(): Analysis {
  if (loaded === undefined) {
    const require = createRequire(import.meta.url)
    loaded = { acorn: require('acorn') as Analysis['acorn'], scopes: require('eslint-scope') as Analysis['scopes'] }
  }
  return loaded
}

type AnyNode = Node & { readonly [key: string]: unknown }

/**
 * Analyses `text`, which is an expression that is a function.
 *
 * @throws SyntaxError if it is none.
 */
export function analyse(text: string): Shape {
  const { acorn, scopes } = libraries()
  const source = `(${text})`
  const ast = acorn.parse(source, {
    ecmaVersion: 'latest',
    sourceType: 'module',
    locations: true,
    ranges: true,
    allowSuperOutsideMethod: true,
  })
  const manager = scopes.analyze(ast as never, { ecmaVersion: 2022, sourceType: 'module' })
  const free = new Map<string, Reference>()
  for (const { identifier } of manager.globalScope?.through ?? []) {
    if (!free.has(identifier.name)) free.set(identifier.name, at(identifier.name, identifier as unknown as AnyNode))
  }
  const fn = (ast.body[0] as unknown as { expression: AnyNode }).expression
  const found: Found = { outer: [], importMeta: [], hasDynamicImport: false }
  const isArrow = fn.type === 'ArrowFunctionExpression'
  visit(fn, isArrow, isArrow, found)
  return {
    free: [...free.values()].filter(({ name }) => name !== 'arguments'),
    outer: found.outer,
    importMeta: found.importMeta,
    hasDynamicImport: found.hasDynamicImport,
    isGenerator: fn.generator === true,
    isClass: fn.type === 'ClassExpression',
  }
}

interface Found {
  readonly outer: Reference[]
  readonly importMeta: number[]
  hasDynamicImport: boolean
}

/** The source has one parenthesis before the text. */
function at(name: string, node: AnyNode): Reference {
  const { line, column } = (node.loc as { start: { line: number; column: number } }).start
  return { name, line: line - 1, column: line === 1 ? column - 1 : column }
}

/** Looks for what scope analysis does not tell. `outerThis`, `outerArguments`: they would be those of something outside. */
function visit(node: AnyNode, outerThis: boolean, outerArguments: boolean, found: Found): void {
  switch (node.type) {
    case 'ThisExpression':
      if (outerThis) found.outer.push(at('this', node))
      return
    case 'Super':
      if (outerThis) found.outer.push(at('super', node))
      return
    case 'Identifier':
      if (outerArguments && node.name === 'arguments') found.outer.push(at('arguments', node))
      return
    case 'MetaProperty':
      if ((node.meta as AnyNode).name === 'import') found.importMeta.push(node.start - 1)
      else if (outerArguments) found.outer.push(at('new.target', node))
      return
    case 'ImportExpression':
      found.hasDynamicImport = true
      break
    case 'FunctionDeclaration':
    case 'FunctionExpression':
      return visitChildren(node, false, false, found)
    case 'PropertyDefinition':
    case 'StaticBlock':
      return visitChildren(node, false, false, found)
    case 'MemberExpression':
      visit(node.object as AnyNode, outerThis, outerArguments, found)
      if (node.computed === true) visit(node.property as AnyNode, outerThis, outerArguments, found)
      return
    case 'Property':
      if (node.computed === true) visit(node.key as AnyNode, outerThis, outerArguments, found)
      visit(node.value as AnyNode, outerThis, outerArguments, found)
      return
  }
  visitChildren(node, outerThis, outerArguments, found)
}

function visitChildren(node: AnyNode, outerThis: boolean, outerArguments: boolean, found: Found): void {
  for (const child of Object.values(node)) {
    for (const each of Array.isArray(child) ? child : [child]) {
      if (typeof (each as AnyNode | null)?.type === 'string') visit(each as AnyNode, outerThis, outerArguments, found)
    }
  }
}
