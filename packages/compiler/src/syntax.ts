/**
 * Source text to syntax tree, by oxc-parser, and walks over it. Of TypeScript only what is there at run time is walked:
 * a name in a type is no reference.
 */
import { type Class, type Function as FunctionNode, type Node, type Program, parseSync, visitorKeys } from 'oxc-parser'

export type { Node, Program }

export type Language = 'js' | 'jsx' | 'ts' | 'tsx'
export type Format = 'module' | 'commonjs'

/** A function or class: what can be shipped. */
export type Unit = FunctionNode | Class | (Node & { type: 'ArrowFunctionExpression' })

/** What follows the path in a URL, or in a bundler's name for a module. */
const SUFFIX = /[?#].*$/

/**
 * The tree of `source`; undefined if it can't be parsed. JavaScript is parsed with JSX whatever its extension: where an
 * expression begins, `<` can be nothing else.
 */
export function parse(
  source: string,
  filename: string,
  language: Language | undefined,
  format: Format | undefined,
): Program | undefined {
  const [, extension = 'js'] = /\.[cm]?([jt]sx?)$/.exec(filename.replace(SUFFIX, '')) ?? []
  const lang = language ?? extension
  const tries = format === 'module' ? (['module'] as const) : (['unambiguous', 'commonjs'] as const)
  for (const sourceType of format === 'commonjs' ? tries.toReversed() : tries) {
    const { program, errors, module } = parseSync(filename, source, {
      lang: lang === 'js' ? 'jsx' : (lang as Language),
      sourceType,
      preserveParens: false,
      // eslint-scope goes by it.
      range: true,
    })
    // TypeScript that will be CommonJS when another loader is through with it is written with `import`.
    if (errors.length === 0 && !(sourceType === 'commonjs' && module.hasModuleSyntax)) return program
  }
  return undefined
}

const OF_TYPES = new Set([
  'typeAnnotation',
  'typeParameters',
  'typeArguments',
  'superTypeArguments',
  'returnType',
  'implements',
])
const AT_RUN_TIME =
  /^(?!TS)|^TS(As|Satisfies|NonNull|Instantiation)Expression$|^TS(TypeAssertion|ExportAssignment|ParameterProperty|ModuleBlock|ModuleDeclaration|EnumDeclaration|EnumBody|EnumMember)$/

/** By type of node, the fields with nodes that exist at run time. */
export const VALUE_KEYS: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  Object.entries(visitorKeys).map(([type, keys]) => [
    type,
    AT_RUN_TIME.test(type) ? keys.filter((key) => !OF_TYPES.has(key)) : [],
  ]),
)

/** Calls `visit` with each child of `node` that exists at run time. */
export function forEachChild(node: Node, visit: (child: Node) => void): void {
  if ('declare' in node && node.declare === true) return
  const fields = node as unknown as Record<string, Node | (Node | null)[] | null | undefined>
  for (const key of VALUE_KEYS[node.type] ?? []) {
    const value = fields[key]
    if (Array.isArray(value)) {
      for (const child of value) if (child !== null) visit(child)
    } else if (value !== null && value !== undefined) visit(value)
  }
}

export function isUnit(node: Node): node is Unit {
  switch (node.type) {
    case 'FunctionDeclaration':
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
    case 'ClassDeclaration':
    case 'ClassExpression':
      return true
    default:
      return false
  }
}

/** `node` without what TypeScript and parentheses put around it. */
export function unwrap(node: Node): Node {
  switch (node.type) {
    case 'TSAsExpression':
    case 'TSSatisfiesExpression':
    case 'TSNonNullExpression':
    case 'TSTypeAssertion':
    case 'TSInstantiationExpression':
    case 'ParenthesizedExpression':
    case 'ChainExpression':
      return unwrap(node.expression)
    default:
      return node
  }
}

/** The name of a property, if it does not have to be computed. */
export function staticKey(key: Node, computed: boolean): string | undefined {
  if (key.type === 'Literal') {
    return typeof key.value === 'string' || typeof key.value === 'number' ? String(key.value) : undefined
  }
  return key.type === 'Identifier' && !computed ? key.name : undefined
}

/** The member that `node` takes of `object`, if that is what it does. */
export function memberOf(node: Node): { object: Node; name: string } | undefined {
  if (node.type !== 'MemberExpression') return undefined
  const name = staticKey(node.property, node.computed)
  return name === undefined ? undefined : { object: unwrap(node.object), name }
}

/** Pattern of white space and comments. */
export const TRIVIA = String.raw`(?:\s|//.*|/\*(?:(?!\*/)[\s\S])*\*/)*`

/** Offset of the first character from `from` on that is neither white space nor comment. */
export function skipTrivia(source: string, from: number): number {
  const trivia = new RegExp(TRIVIA, 'y')
  trivia.lastIndex = from
  trivia.test(source)
  return trivia.lastIndex
}

/** esbuild's way to keep a name: it returns its first argument. */
export const isNaming = (node: Node & { type: 'CallExpression' }) =>
  node.callee.type === 'Identifier' && node.callee.name === '__name'
