/**
 * Which variable each name stands for, by eslint-scope. Its `Referencer` knows JavaScript; here it learns the rest of what
 * TypeScript has at run time (enums, namespaces, `import x = require()`, decorators, parameter properties) and to leave out
 * what it has not (types, `import type`, `declare`). The tests hold it against `@typescript-eslint/scope-manager`.
 */
import { type Reference, Referencer, type Scope, ScopeManager, Variable } from 'eslint-scope'
import { type Node, type Program, unwrap, VALUE_KEYS } from './syntax.ts'

export type { Reference, Scope }
export { Variable }

export interface Scopes {
  /** The scope of the module, or of the function that Node puts around CommonJS. */
  readonly top: Scope
  /** The outermost scope that `node` makes. */
  of(node: Node): Scope | undefined
  /** What an identifier that is no declaration refers to. */
  reference(identifier: Node): Reference | undefined
  /** Whether there is a variable of that name anywhere. */
  declares(name: string): boolean
}

/** What `variable` is declared by, with the types of our tree. */
export const definitions = (variable: Variable) =>
  variable.defs as unknown as { type: string; name: Node; node: Node; parent: Node | null }[]

export function analyseScopes(program: Program): Scopes {
  const isModule = program.sourceType === 'module'
  const options = {
    ecmaVersion: 2022 as const,
    sourceType: isModule ? ('module' as const) : ('commonjs' as const),
    // Direct `eval` and `with` are refused, so they need not make every name around them uncertain.
    ignoreEval: true,
    optimistic: true,
    jsx: true,
    // It copies the keys that it is given for each pattern that it meets; so it is told of what it does not know when it asks.
    fallback: (node: { type: string }) => [...(VALUE_KEYS[node.type] ?? [])],
  }
  const manager = new ScopeManager(options)
  new TypeScriptReferencer(options, manager).visit(estree(program))

  const byNode = new Map<unknown, Scope>()
  const references = new Map<unknown, Reference>()
  for (const scope of manager.scopes) {
    if (!byNode.has(scope.block)) byNode.set(scope.block, scope)
    for (const reference of scope.references) references.set(reference.identifier, reference)
  }
  return {
    top: manager.scopes[1] as Scope,
    of: (node) => byNode.get(node),
    reference: (identifier) => references.get(identifier),
    declares: (name) => manager.scopes.some(({ set }) => set.has(name)),
  }
}

/** The same tree, by the types of the other library. */
const estree = <T>(node: unknown): T => node as T

/** What eslint-scope gives its method for a type of node. */
type Given<K extends Methods> = Parameters<Referencer[K]>[0]
type Methods = { [K in keyof Referencer]: Referencer[K] extends (node: never) => void ? K : never }[keyof Referencer]

type Of<T extends Node['type']> = Extract<Node, { type: T }>

class TypeScriptReferencer extends Referencer {
  override ImportDeclaration(node: Given<'ImportDeclaration'>): void {
    const declaration = node as unknown as Of<'ImportDeclaration'>
    if (declaration.importKind === 'type') return
    const specifiers = declaration.specifiers.filter(
      (each) => each.type !== 'ImportSpecifier' || each.importKind !== 'type',
    )
    super.ImportDeclaration(estree({ ...declaration, specifiers }))
  }

  override ExportNamedDeclaration(node: Given<'ExportNamedDeclaration'>): void {
    const declaration = node as unknown as Of<'ExportNamedDeclaration'>
    if (declaration.exportKind === 'type') return
    const specifiers = declaration.specifiers.filter((each) => each.exportKind !== 'type')
    super.ExportNamedDeclaration(estree({ ...declaration, specifiers }))
  }

  ImportExpression(node: Of<'ImportExpression'>): void {
    this.visit(estree(node.source))
    this.visit(estree(node.options))
  }

  override visitFunction(node: Given<'visitFunction'>): void {
    if (isDeclared(node)) return
    for (const param of node.params) this.#visitDecorators(param)
    super.visitFunction(node)
  }

  override visitClass(node: Given<'visitClass'>): void {
    if (isDeclared(node)) return
    this.#visitDecorators(node)
    super.visitClass(node)
  }

  override MethodDefinition(node: Given<'MethodDefinition'>): void {
    this.#visitDecorators(node)
    super.MethodDefinition(node)
  }

  override PropertyDefinition(node: Given<'PropertyDefinition'>): void {
    if (isDeclared(node)) return
    this.#visitDecorators(node)
    super.PropertyDefinition(node)
  }

  AccessorProperty(node: unknown): void {
    this.PropertyDefinition(estree(node))
  }

  override VariableDeclaration(node: Given<'VariableDeclaration'>): void {
    if (!isDeclared(node)) super.VariableDeclaration(node)
  }

  override AssignmentExpression(node: Given<'AssignmentExpression'>): void {
    super.AssignmentExpression(estree({ ...node, left: unwrap(node.left as unknown as Node) }))
  }

  override UpdateExpression(node: Given<'UpdateExpression'>): void {
    super.UpdateExpression(estree({ ...node, argument: unwrap(node.argument as unknown as Node) }))
  }

  /** Like the function that it becomes: its members see each other by name. */
  TSEnumDeclaration(node: Of<'TSEnumDeclaration'>): void {
    if (node.declare) return
    this.#declare(node.id)
    const names = node.body.members.map(({ id }) => id).filter((id) => id.type === 'Identifier')
    const initializers = node.body.members.map(({ initializer }) => initializer)
    this.visit(
      estree({
        type: 'BlockStatement',
        body: [...names.map((id) => declaration(id)), ...initializers.filter((each) => each !== null)],
      }),
    )
  }

  TSModuleDeclaration(node: Of<'TSModuleDeclaration'>): void {
    if (node.declare || node.id.type === 'Literal' || node.body === null || node.body === undefined) return
    let id: Node = node.id
    while (id.type === 'TSQualifiedName') id = id.left
    this.#declare(id)
    this.visit(estree({ type: 'ArrowFunctionExpression', params: [], body: { ...node.body, type: 'BlockStatement' } }))
  }

  TSImportEqualsDeclaration(node: Of<'TSImportEqualsDeclaration'>): void {
    if (node.importKind === 'type') return
    this.visit(estree(declaration(node.id, aliased(node.moduleReference))))
  }

  /** Unless a program says otherwise, JSX is calls of `React`. */
  override JSXElement(node: Of<'JSXElement'>): void {
    this.#refer('React', node)
    super.JSXElement(node)
  }

  JSXFragment(node: Of<'JSXFragment'>): void {
    this.#refer('React', node)
    this.visitChildren(estree(node))
  }

  #refer(name: string, { start }: Node): void {
    this.visit(estree({ type: 'Identifier', name, start, end: start, range: [start, start] }))
  }

  #declare(id: Node): void {
    this.visit(estree(declaration(id)))
  }

  #visitDecorators(node: unknown): void {
    for (const decorator of (node as { decorators?: unknown[] }).decorators ?? []) this.visit(estree(decorator))
  }
}

const isDeclared = (node: unknown): boolean => (node as { declare?: boolean }).declare === true

/** What declares a name in the scope that is open. */
const declaration = (id: Node, init: unknown = null) => ({
  type: 'VariableDeclaration',
  kind: 'let',
  declarations: [{ type: 'VariableDeclarator', id, init }],
})

/** What `import x = …` gives, as the expression that it stands for. */
function aliased(reference: Of<'TSImportEqualsDeclaration'>['moduleReference']): unknown {
  const { start, end } = reference
  if (reference.type === 'TSExternalModuleReference') {
    const callee = { type: 'Identifier', name: 'require', start, end: start, range: [start, start] }
    return { type: 'CallExpression', callee, arguments: [reference.expression], start, end }
  }
  if (reference.type !== 'TSQualifiedName') return reference
  const object = aliased(reference.left as Of<'TSImportEqualsDeclaration'>['moduleReference'])
  return { type: 'MemberExpression', object, property: reference.right, computed: false, start, end }
}
