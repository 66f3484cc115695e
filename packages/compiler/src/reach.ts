/**
 * Which functions of a module may run as goroutines: those that its calls of goro's functions are given, all that it has at
 * module level, those that say so, and, in turn, those that one of them refers to.
 */
import { type Captures, hasDirective, isMethod, type Module } from './capture.ts'
import type { Offence } from './diagnostics.ts'
import { propertiesOf } from './objects.ts'
import { Variable } from './scopes.ts'
import { isNaming, isUnit, memberOf, type Node, staticKey, type Unit, unwrap } from './syntax.ts'

/** What takes a goroutine function, by its name in `goro`, and which argument it is. */
const TAKES: Readonly<Record<string, number>> = {
  go: 0,
  'go.with': 1,
  'parallel.map': 1,
  'parallel.forEach': 1,
  'parallel.filter': 1,
  'parallel.reduce': 1,
  'parallel.some': 1,
  'parallel.find': 1,
  'parallel.sort': 1,
  'parallel.stream': 1,
  pin: 0,
}

/** Methods of goro's objects that take one. */
const METHODS: Readonly<Record<string, number>> = { go: 0, tryGo: 0, do: 1 }

/** Classes of goro with such methods: whose instance an object is can be seen where it is made. */
const CLASSES = ['WaitGroup']

/** How sure it is that a function runs as a goroutine. */
export const Certainty = {
  /** It may, some day: nothing of it is refused before. */
  possible: 0,
  certain: 1,
} as const

export interface Reached {
  readonly unit: Unit
  readonly captures: Captures
  /** How module code gets at it, if it is at module level: `parse`, `tasks[0]`, `module.exports.run`. */
  readonly path: string | undefined
  /** The declaration of the object that it is a method of; `path` leads to it from there on. */
  readonly declaration: Node | undefined
  certainty: number
}

/**
 * Every function of the module that may run as a goroutine, in the order of the text. `defaultName` is how module code will
 * name a default export that has no name.
 */
export function reachedOf(module: Module, defaultName: string): Reached[] {
  const search = new Search(module)
  search.moduleLevel(defaultName)
  search.directives()
  search.calls()
  return [...search.reached.values()].sort((a, b) => a.unit.start - b.unit.start)
}

class Search {
  readonly reached = new Map<Unit, Reached>()
  readonly #module: Module
  readonly #paths = new Map<Unit, string>()
  readonly #variables = new Map<Variable, number>()

  constructor(module: Module) {
    this.#module = module
  }

  moduleLevel(defaultName: string): void {
    // Of two that are put in the same place the later one stays.
    const byPath = new Map<string, Unit>()
    for (const [unit, path] of pathsOf(this.#module, defaultName)) byPath.set(path, unit)
    for (const [path, unit] of byPath) this.#paths.set(unit, path)
    for (const unit of this.#paths.keys()) this.#reach(unit, Certainty.possible)
  }

  directives(): void {
    for (const unit of this.#module.units) if (hasDirective(unit)) this.#reach(unit, Certainty.certain)
  }

  calls(): void {
    for (const call of this.#module.calls) {
      const { callee } = call
      const found = this.#takes(callee)
      if (found === undefined) continue
      const before = call.arguments.slice(0, found.index + 1)
      const given = before[found.index]
      if (given === undefined || before.some(({ type }) => type === 'SpreadElement')) continue
      this.#follow(given, found.certainty)
    }
  }

  /** Which argument of a call of `callee` becomes a goroutine. */
  #takes(callee: Node): { index: number; certainty: number } | undefined {
    const imported = this.#module.importedBy(callee)
    if (imported?.specifier === 'goro') {
      const index = TAKES[imported.path.join('.')]
      return index === undefined ? undefined : { index, certainty: Certainty.certain }
    }
    const method = memberOf(unwrap(callee))
    const index = method && METHODS[method.name]
    if (method === undefined || index === undefined) return undefined
    if (!this.#module.usesGoro && !this.#module.knowsGoro) return undefined
    return { index, certainty: this.#isOfGoro(method.object) ? Certainty.certain : Certainty.possible }
  }

  #isOfGoro(object: Node): boolean {
    const value = unwrap(object)
    if (value.type === 'NewExpression') {
      const imported = this.#module.importedBy(value.callee)
      return imported?.specifier === 'goro' && CLASSES.includes(imported.path.join('.'))
    }
    const variable = value.type === 'Identifier' ? this.#module.variableOf(value) : undefined
    const made = variable && this.#module.constantOf(variable)
    return made !== undefined && unwrap(made).type === 'NewExpression' && this.#isOfGoro(made)
  }

  /** Reaches every function that `value` may be. */
  #follow(value: Node, certainty: number, text?: string): void {
    const node = unwrap(value)
    switch (node.type) {
      case 'FunctionExpression':
      case 'ArrowFunctionExpression':
      case 'ClassExpression':
      case 'FunctionDeclaration':
      case 'ClassDeclaration':
        return this.#reach(node, certainty, text)
      case 'Identifier': {
        const variable = this.#module.variableOf(node)
        return variable && this.#followVariable(variable, certainty)
      }
      case 'ConditionalExpression':
        this.#follow(node.consequent, certainty)
        return this.#follow(node.alternate, certainty)
      case 'LogicalExpression':
        this.#follow(node.left, certainty)
        return this.#follow(node.right, certainty)
      case 'SequenceExpression':
        return this.#follow(node.expressions.at(-1) as Node, certainty)
      case 'AssignmentExpression':
        return this.#follow(node.right, certainty)
      case 'CallExpression': {
        const [named] = node.arguments
        return isNaming(node) && named !== undefined ? this.#follow(named, certainty) : undefined
      }
    }
  }

  #followVariable(variable: Variable, certainty: number): void {
    if ((this.#variables.get(variable) ?? -1) >= certainty) return
    this.#variables.set(variable, certainty)
    for (const value of this.#module.valuesOf(variable)) this.#follow(value, certainty)
  }

  /** `text` is how code refers to it, if it is a member of something. */
  #reach(unit: Unit, certainty: number, text?: string): void {
    const known = this.reached.get(unit)
    if (known !== undefined && known.certainty >= certainty) return
    const reached = known ?? this.#newlyReached(unit, text)
    if (reached === undefined) return
    reached.certainty = certainty
    this.reached.set(unit, reached)
    for (const { value, text } of reached.captures.elements) {
      if (value instanceof Variable) this.#followVariable(value, certainty)
      else if (value !== undefined) this.#follow(value, certainty, text)
    }
  }

  #newlyReached(unit: Unit, text: string | undefined): Reached | undefined {
    const captures = this.#module.captures(unit)
    const found = { unit, captures, declaration: undefined, certainty: Certainty.possible }
    const path = this.#paths.get(unit)
    const parent = this.#module.parent(unit)
    if (path !== undefined) return { ...found, path }
    // A module that does not know goro must not come to need it: its package may not even have it.
    if (!this.#module.usesGoro && !this.#module.knowsGoro) return undefined
    if (parent === undefined || !isMethod(parent)) return { ...found, path }
    const declaration = this.#declarationAround(parent)
    if (text !== undefined && declaration !== undefined) return { ...found, path: text, declaration }
    if (!hasDirective(unit)) return undefined
    const name = ('key' in parent && 'computed' in parent && staticKey(parent.key, parent.computed)) || 'it'
    const offence: Offence = { kind: 'directive', name, start: parent.start, end: parent.start }
    return { ...found, path, captures: { ...captures, offences: [offence] } }
  }

  /** The declaration of a variable whose value is the object with `property`, if it is a statement. */
  #declarationAround(property: Node): Node | undefined {
    let node = this.#module.parent(property)
    while (node !== undefined && node.type !== 'VariableDeclaration' && !isUnit(node)) node = this.#module.parent(node)
    const around = node?.type === 'VariableDeclaration' ? this.#module.parent(node) : undefined
    const isStatement =
      around !== undefined && (around.type === 'SwitchCase' || ('body' in around && Array.isArray(around.body)))
    return isStatement ? node : undefined
  }
}

// --- module level ----------------------------------------------------------------------------------------------------------

/** The functions and classes that module code can name at any time, and how. */
function* pathsOf(module: Module, defaultName: string): Generator<[Unit, string]> {
  const { program } = module
  const mutated = mutatedPaths(module)
  for (const statement of program.body) {
    const isDefault = statement.type === 'ExportDefaultDeclaration'
    const node: Node | null =
      isDefault || statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement
    switch (node?.type) {
      case 'FunctionDeclaration':
      case 'ClassDeclaration':
        if (node.declare) continue
        if (node.id === null) yield* withStatics(node, defaultName, mutated)
        else if (isLast(module, node)) yield* withStatics(node, node.id.name, mutated)
        continue
      case 'VariableDeclaration':
        for (const { id, init } of node.declarations) {
          if (id.type !== 'Identifier' || init === null || node.declare) continue
          const variable = module.scopes.top.set.get(id.name)
          if (variable !== undefined && module.constantOf(variable) === init) yield* within(init, id.name, mutated)
        }
        continue
      case 'ExpressionStatement': {
        const { expression } = node
        if (program.sourceType === 'module' || expression.type !== 'AssignmentExpression') continue
        const path = exportPath(expression.left)
        if (path !== undefined && expression.operator === '=') yield* within(expression.right, path, mutated)
        continue
      }
      default:
        if (isDefault && node !== null) yield* within(node, defaultName, mutated)
    }
  }
}

/** Whether `node` is what its name means for good: no other declaration comes after it, and nothing is assigned to it. */
function isLast({ scopes }: Module, node: Unit): boolean {
  const variable =
    node.type === 'ArrowFunctionExpression' || node.id === null ? undefined : scopes.top.set.get(node.id.name)
  const declared = variable?.defs.filter(({ type }) => type === 'FunctionName' || type === 'ClassName').at(-1)
  return (declared?.node as unknown) === node && !variable?.references.some((reference) => reference.isWrite())
}

function* within(value: Node, path: string, mutated: ReadonlySet<string>): Generator<[Unit, string]> {
  const node = unwrap(value)
  switch (node.type) {
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
    case 'ClassExpression':
      yield* withStatics(node, path, mutated)
      return
    case 'CallExpression': {
      const [first] = node.arguments
      if (first !== undefined && (isNaming(node) || isFreezing(node))) yield* within(first, path, mutated)
      return
    }
    case 'ArrayExpression': {
      if (mutated.has(path)) return
      const spread = node.elements.findIndex((element) => element?.type === 'SpreadElement')
      for (const [i, element] of node.elements.slice(0, spread < 0 ? undefined : spread).entries()) {
        if (element !== null) yield* within(element, `${path}[${i}]`, mutated)
      }
      return
    }
    case 'ObjectExpression': {
      if (mutated.has(path)) return
      for (const [key, member] of propertiesOf(node)) yield* within(member, `${path}${access(key)}`, mutated)
    }
  }
}

/** A function, or a class and its static functions. */
function* withStatics(unit: Unit, path: string, mutated: ReadonlySet<string>): Generator<[Unit, string]> {
  yield [unit, path]
  if (unit.type !== 'ClassDeclaration' && unit.type !== 'ClassExpression') return
  // Inside, the class may be called by a name that is none outside.
  if (mutated.has(path) || (unit.id !== null && unit.id.name !== path)) return
  for (const member of unit.body.body) {
    const isFunction = member.type === 'MethodDefinition' && member.kind === 'method'
    if (!(isFunction || member.type === 'PropertyDefinition') || !member.static || member.value === null) continue
    const key = staticKey(member.key, member.computed)
    if (key !== undefined) yield* within(member.value, `${path}${access(key)}`, mutated)
  }
}

const isFreezing = ({ callee }: Node & { type: 'CallExpression' }): boolean => {
  const member = memberOf(callee)
  return member?.name === 'freeze' && member.object.type === 'Identifier' && member.object.name === 'Object'
}

const access = (key: string) =>
  /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`

/** `exports.x`, `module.exports`, `module.exports.x`, as written. */
function exportPath(target: Node): string | undefined {
  const member = memberOf(target)
  if (member === undefined) return undefined
  if (member.object.type === 'Identifier') {
    if (member.object.name === 'module') return member.name === 'exports' ? 'module.exports' : undefined
    return member.object.name === 'exports' ? `exports${access(member.name)}` : undefined
  }
  return exportPath(member.object) === 'module.exports' ? `module.exports${access(member.name)}` : undefined
}

/** Paths of objects and arrays that module code changes itself: what is found there may not be what was written there. */
function mutatedPaths(module: Module): Set<string> {
  const paths = new Set<string>()
  for (const variable of module.scopes.top.variables) {
    for (const { identifier } of variable.references) {
      const place = identifier as unknown as Node
      const parent = module.parent(place)
      const target = parent?.type === 'MemberExpression' && parent.object === place ? parent : undefined
      const around = target && module.parent(target)
      if (around?.type === 'AssignmentExpression' && around.left === target) paths.add(variable.name)
    }
  }
  return paths
}
