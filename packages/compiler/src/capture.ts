/**
 * What a function refers to that is not its own, and what each of it is. One walk over the module notes who contains whom and
 * everything that can't leave its place (`this` and its like, direct `eval`, `with`); names are looked up by scopes.ts.
 */
import type { Offence } from './diagnostics.ts'
import { membersOf, plainProperties } from './objects.ts'
import { analyseScopes, definitions, type Reference, type Scopes, type Variable } from './scopes.ts'
import {
  forEachChild,
  isNaming,
  isUnit,
  memberOf,
  type Node,
  type Program,
  staticKey,
  type Unit,
  unwrap,
} from './syntax.ts'

/** Something imported: which module, and what of it: an export (`*`: all of it), then properties of that. */
export interface Imported {
  readonly specifier: string
  readonly path: readonly string[]
  /** It has import attributes (JSON and such): there is no code in it. */
  readonly isData: boolean
}

/** A free variable of a function, or a member of one, as the thunk gives it. */
export interface Element {
  /** Source text: `a`, `ns.member`. */
  readonly text: string
  /** Whose value it is, as far as that can be seen. */
  readonly value: Variable | Node | undefined
  readonly imported: Imported | undefined
  /** It has one value for good. */
  readonly isConstant: boolean
}

interface Found {
  readonly element: Element
  /** Where it is used first. */
  readonly at: number
}

export interface Captures {
  readonly elements: readonly Element[]
  readonly offences: readonly Offence[]
}

/** Whether it is a function or a class. */
function isCode({ element: { value } }: Found): boolean {
  if (value === undefined || !('type' in value)) return false
  const node = unwrap(value)
  return isUnit(node.type === 'CallExpression' && isNaming(node) ? unwrap(node.arguments[0] as Node) : node)
}

/** tsx takes the default export of what was CommonJS out of `import(…)`, by `.then`. */
function awaitedImport(node: Node): Node {
  const method = node.type === 'CallExpression' ? memberOf(node.callee) : undefined
  const [callback] = node.type === 'CallExpression' ? node.arguments : []
  return method?.name === 'then' && callback !== undefined && mentions(callback, '__esModule') ? method.object : node
}

function mentions(node: Node, text: string): boolean {
  let found = node.type === 'Literal' && node.value === text
  forEachChild(node, (child) => {
    found ||= mentions(child, text)
  })
  return found
}

/** What loaders and compilers make of `require` for an `import`. */
const INTEROP =
  /^(__toESM|__importStar|__importDefault|_?interopRequire(Default|Wildcard)?|_interop_require_(default|wildcard))$/

export class Module {
  readonly program: Program
  readonly scopes: Scopes
  /** Every function and class, outer ones first. */
  readonly units: Unit[] = []
  readonly calls: (Node & { type: 'CallExpression' })[] = []
  /** Whether it imports goro, or has functions that are meant for it. */
  usesGoro = false
  /** Whether it has goro's types at least: what it calls may be goro's. */
  knowsGoro = false
  readonly #parents = new Map<Node, Node>()
  readonly #offences = new Map<Node, Offence[]>()
  // What has been found out about variables: modules may refer to one thousands of times.
  readonly #imported = new Map<Variable, Imported | undefined>()
  readonly #constant = new Map<Variable, boolean>()
  readonly #members = new Map<Variable, ReadonlyMap<string, Node> | undefined>()
  readonly #steady = new Map<Variable, boolean>()

  constructor(program: Program) {
    this.program = program
    this.scopes = analyseScopes(program)
    this.#walk(program)
  }

  parent(node: Node): Node | undefined {
    return this.#parents.get(node)
  }

  variableOf(identifier: Node): Variable | undefined {
    return this.scopes.reference(identifier)?.resolved ?? undefined
  }

  /** The values that `variable` is given anywhere, as far as they can be seen. */
  valuesOf(variable: Variable): Node[] {
    const values: Node[] = []
    for (const { type, node } of definitions(variable)) {
      if (type === 'FunctionName' || type === 'ClassName') values.push(node)
    }
    for (const reference of variable.references) {
      const value = reference.isWrite() ? this.#valueWritten(reference.identifier as unknown as Node) : undefined
      if (value !== undefined) values.push(value)
    }
    return values
  }

  #valueWritten(target: Node): Node | undefined {
    const parent = this.parent(target)
    switch (parent?.type) {
      case 'VariableDeclarator':
        return parent.id === target ? (parent.init ?? undefined) : undefined
      case 'AssignmentExpression':
      case 'AssignmentPattern':
        return parent.left === target ? parent.right : undefined
      default:
        return undefined
    }
  }

  /** The only value that `variable` ever has. */
  constantOf(variable: Variable): Node | undefined {
    const writes = variable.references.filter((reference) => reference.isWrite())
    const [first] = writes
    if (first === undefined || writes.length > 1 || first.init !== true) return undefined
    return this.#valueWritten(first.identifier as unknown as Node)
  }

  /** Whether `variable` has one value from its declaration on. */
  isConstant(variable: Variable): boolean {
    let is = this.#constant.get(variable)
    if (is === undefined) {
      const [def, ...others] = definitions(variable)
      is =
        def !== undefined &&
        others.length === 0 &&
        !isVar(def.parent) &&
        variable.references.every((reference) => !reference.isWrite() || reference.init === true)
      this.#constant.set(variable, is)
    }
    return is
  }

  #membersOf(variable: Variable): ReadonlyMap<string, Node> | undefined {
    if (!this.#members.has(variable)) this.#members.set(variable, membersOf(variable, this))
    return this.#members.get(variable)
  }

  // --- imports -----------------------------------------------------------------------------------------------------------

  /** What `node` is of an import, if it is: the binding, a member of it, or a constant that is one. */
  importedBy(node: Node): Imported | undefined {
    const value = unwrap(node)
    switch (value.type) {
      case 'Identifier': {
        const variable = this.variableOf(value)
        return variable && this.imported(variable)
      }
      case 'MemberExpression': {
        const member = memberOf(value)
        const of = member && this.importedBy(member.object)
        return of && member && take(of, member.name)
      }
      case 'SequenceExpression':
        return this.importedBy(value.expressions.at(-1) as Node)
      case 'AwaitExpression': {
        const call = awaitedImport(unwrap(value.argument))
        return call.type === 'ImportExpression' ? whole(call.source, call.options !== null) : undefined
      }
      case 'CallExpression': {
        const callee = unwrap(value.callee)
        const [first] = value.arguments
        if (callee.type !== 'Identifier' || first === undefined) return undefined
        if (callee.name === 'require') {
          const isNodes = this.program.sourceType !== 'module' || this.parent(value) === undefined
          return isNodes && this.variableOf(callee) === undefined ? whole(first, false) : undefined
        }
        return INTEROP.test(callee.name) ? this.importedBy(first) : undefined
      }
      default:
        return undefined
    }
  }

  imported(variable: Variable): Imported | undefined {
    if (this.#imported.has(variable)) return this.#imported.get(variable)
    // While it is looked up it is none: a variable may be defined by itself.
    this.#imported.set(variable, undefined)
    const found = this.#importOf(variable)
    this.#imported.set(variable, found)
    return found
  }

  #importOf(variable: Variable): Imported | undefined {
    const [def, ...others] = definitions(variable)
    if (def === undefined || others.length > 0) return undefined
    if (def.type === 'ImportBinding' && def.parent?.type === 'ImportDeclaration') {
      const { source, attributes, phase } = def.parent
      const of = { specifier: source.value, isData: attributes.length > 0 || phase === 'source' }
      if (def.node.type === 'ImportNamespaceSpecifier') return { ...of, path: ['*'] }
      if (def.node.type !== 'ImportSpecifier') return { ...of, path: ['default'] }
      const { imported } = def.node
      return { ...of, path: [imported.type === 'Literal' ? imported.value : imported.name] }
    }
    if (def.type !== 'Variable' || def.node.type !== 'VariableDeclarator' || def.node.init === null) return undefined
    if (variable.references.filter((reference) => reference.isWrite()).length !== 1) return undefined
    const path = pathTo(def.node.id, variable.name)
    const of = path && this.importedBy(def.node.init)
    return of && path?.reduce<Imported>(take, of)
  }

  // --- captures ----------------------------------------------------------------------------------------------------------

  /** What `unit` refers to around it, in the order of its first use, and what of it can't work elsewhere. */
  captures(unit: Unit): Captures {
    const offences = [...(this.#offences.get(unit) ?? [])]
    const uses = new Map<Variable | string, Reference[]>()
    for (const reference of this.scopes.of(unit)?.through ?? []) {
      const { resolved, identifier } = reference
      const place = identifier as unknown as Node
      if (resolved === null || resolved.defs.length === 0) {
        if (identifier.name === 'arguments') offences.push({ ...span(place), kind: 'arguments', name: 'arguments' })
        else if (resolved === null && identifier.name === 'exports' && this.program.sourceType !== 'module') {
          add(uses, 'exports', reference)
        }
        continue
      }
      if (reference.isWrite()) offences.push({ ...span(place), kind: 'assignment', name: identifier.name })
      add(uses, resolved, reference)
    }
    const elements = [...uses].flatMap(([key, references]) => this.#elements(key, references))
    elements.sort((a, b) => a.at - b.at)
    return { elements: elements.map((each) => each.element), offences: offences.sort((a, b) => a.start - b.start) }
  }

  #elements(key: Variable | string, references: Reference[]): Found[] {
    const variable = typeof key === 'string' ? undefined : key
    const text = typeof key === 'string' ? key : key.name
    const imported = variable && this.imported(variable)
    const places = references.map((reference) => reference.identifier as unknown as Node)
    const isConstant = variable !== undefined && this.isConstant(variable)
    const at = Math.min(...places.map(({ start }) => start))
    const whole = { element: { text, value: variable, imported, isConstant }, at }
    if (variable === undefined) return this.#read(whole, places, () => undefined) ?? [whole]
    if (imported !== undefined) return (imported.path[0] === '*' && this.#read(whole, places)) || [whole]
    const object = this.#membersOf(variable)
    const members = object && this.#read(whole, places, (name) => object.get(name))
    if (object === undefined || members === undefined) return [whole]
    return members.every(isCode) || this.#isSteady(variable, object) ? members : [whole]
  }

  /**
   * Whether members of the object that `variable` is may be copied apart from it: no function changes it, and no other variable
   * is it. Else one function would not see what another one in the same goroutine has changed.
   */
  #isSteady(variable: Variable, object: ReadonlyMap<string, Node>): boolean {
    let steady = this.#steady.get(variable)
    if (steady === undefined) {
      const constant = this.constantOf(variable)
      // What a namespace exports is constant.
      if (constant === undefined || unwrap(constant).type !== 'ObjectExpression') return true
      const isExported = definitions(variable).some(({ parent }) => {
        return parent !== null && this.parent(parent)?.type === 'ExportNamedDeclaration'
      })
      steady =
        !isExported &&
        variable.references.every((reference) => {
          return reference.init === true || this.#leavesAsItIs(reference.identifier as unknown as Node, object)
        })
      this.#steady.set(variable, steady)
    }
    return steady
  }

  /** Whether at `place` no more is done with the object than to read what has no members of its own, or by module code. */
  #leavesAsItIs(place: Node, object: ReadonlyMap<string, Node>): boolean {
    const member = this.#memberRead(place)
    if (member === undefined) {
      const parent = this.parent(place)
      const isChange = parent?.type === 'MemberExpression' && parent.object === place && this.#isChanged(parent)
      return isChange && !this.#isInUnit(place)
    }
    const value = object.get(member.name)
    const inner = value && unwrap(value)
    const deeper = inner?.type === 'ObjectExpression' ? plainProperties(inner) : undefined
    return deeper === undefined || this.#leavesAsItIs(member.node, deeper)
  }

  #isInUnit(node: Node): boolean {
    for (let at = this.parent(node); at !== undefined; at = this.parent(at)) if (isUnit(at)) return true
    return false
  }

  /** The members of `whole` that are read, if nothing else is done with it: then only they are needed. */
  #read(
    { element }: Found,
    places: readonly Node[],
    written: (name: string) => Node | undefined = () => undefined,
  ): Found[] | undefined {
    const members = new Map<string, Node[]>()
    for (const place of places) {
      const member = this.#memberRead(place)
      if (member === undefined) return undefined
      add(members, member.name, member.node)
    }
    return [...members].flatMap(([name, nodes]) => {
      const value = written(name)
      const at = Math.min(...nodes.map(({ start }) => start))
      const imported = element.imported && take(element.imported, name)
      const member = { element: { text: `${element.text}.${name}`, value, imported, isConstant: false }, at }
      const object = value && unwrap(value)
      const deeper = object?.type === 'ObjectExpression' ? plainProperties(object) : undefined
      if (deeper === undefined) return [member]
      return this.#read(member, nodes, (name) => deeper.get(name)) ?? [member]
    })
  }

  /** The member that is read of `place`, if that is all that is done with it. */
  #memberRead(place: Node): { name: string; node: Node } | undefined {
    const parent = this.parent(place)
    if (parent?.type !== 'MemberExpression' || parent.object !== place || parent.computed || parent.optional) return
    if (parent.property.type !== 'Identifier' || this.#isChanged(parent)) return undefined
    return { name: parent.property.name, node: parent }
  }

  /** Whether `member` is assigned to, also by a pattern or a loop, or deleted. */
  #isChanged(member: Node): boolean {
    const around = this.parent(member)
    switch (around?.type) {
      case 'UpdateExpression':
      case 'ArrayPattern':
      case 'RestElement':
        return true
      case 'AssignmentExpression':
      case 'AssignmentPattern':
      case 'ForInStatement':
      case 'ForOfStatement':
        return around.left === member
      case 'UnaryExpression':
        return around.operator === 'delete'
      case 'Property':
        return around.value === member && this.parent(around)?.type === 'ObjectPattern'
      default:
        return false
    }
  }

  // --- the walk ----------------------------------------------------------------------------------------------------------

  #walk(node: Node): void {
    if (isUnit(node)) this.units.push(node)
    this.#judge(node)
    forEachChild(node, (child) => {
      this.#parents.set(child, node)
      this.#walk(child)
    })
  }

  #judge(node: Node): void {
    switch (node.type) {
      case 'ImportDeclaration':
        this.knowsGoro ||= node.source.value === 'goro'
        this.usesGoro ||= node.source.value === 'goro' && node.importKind !== 'type'
        return
      case 'ExportAllDeclaration':
      case 'ExportNamedDeclaration':
        this.usesGoro ||= node.source?.value === 'goro' && node.exportKind !== 'type'
        return
      case 'TSImportEqualsDeclaration': {
        const { moduleReference: reference } = node
        this.usesGoro ||= reference.type === 'TSExternalModuleReference' && reference.expression.value === 'goro'
        return
      }
      case 'ExpressionStatement':
        this.usesGoro ||= isDirective(node)
        return
      case 'ImportExpression':
        this.usesGoro ||= whole(node.source, false)?.specifier === 'goro'
        return
      case 'CallExpression':
        this.calls.push(node)
        this.usesGoro ||= this.importedBy(node)?.specifier === 'goro'
        if (node.callee.type === 'Identifier' && node.callee.name === 'eval' && !this.variableOf(node.callee)) {
          this.#note(node, { ...span(node.callee), kind: 'eval', name: 'eval' }, () => false)
        }
        return
      case 'ThisExpression':
        return this.#note(node, { ...span(node), kind: 'this', name: 'this' }, ownsThis)
      case 'Super':
        return this.#note(node, { ...span(node), kind: 'super', name: 'super' }, ownsInitializer)
      case 'MetaProperty':
        if (node.meta.name === 'new') {
          this.#note(node, { ...span(node), kind: 'new.target', name: 'new.target' }, ownsThis)
        }
        return
      case 'WithStatement': {
        this.#note(
          node,
          { start: node.start, end: node.start + 'with'.length, kind: 'with', name: 'with' },
          () => false,
        )
        return
      }
      case 'PrivateIdentifier':
        return this.#notePrivate(node)
      default:
        if (isUnit(node)) this.#judgeInsideWith(node)
    }
  }

  /** Blames every function and class between `node` and what `owns` the offence. */
  #note(node: Node, offence: Offence, owns: (owner: Node, inside: Node) => boolean): void {
    for (
      let inside = node, owner = this.parent(node);
      owner !== undefined;
      inside = owner, owner = this.parent(owner)
    ) {
      if (owns(owner, inside)) {
        const around = this.parent(owner)
        const isOfObject = offence.kind === 'this' && around !== undefined && isMethod(around)
        if (isOfObject) add(this.#offences, owner, { ...offence, kind: 'this of method' })
        return
      }
      if (isUnit(owner)) {
        add(this.#offences, owner, offence)
        // Of a method, it belongs to the object: nothing around it is to blame.
        if (offence.kind === 'super' && owner.type === 'FunctionExpression') return
      }
    }
  }

  #notePrivate(node: Node & { type: 'PrivateIdentifier' }): void {
    const { name } = node
    const parent = this.parent(node)
    if (parent !== undefined && 'key' in parent && parent.key === node) return
    this.#note(node, { ...span(node), kind: 'private', name: `#${name}` }, (owner) => {
      return (
        owner.type === 'ClassBody' &&
        owner.body.some(
          (member) => 'key' in member && member.key.type === 'PrivateIdentifier' && member.key.name === name,
        )
      )
    })
  }

  #judgeInsideWith(unit: Unit): void {
    // There is none in strict code, such as every module.
    if (this.program.sourceType === 'module') return
    for (
      let inside: Node = unit, node = this.parent(unit);
      node !== undefined;
      inside = node, node = this.parent(node)
    ) {
      if (node.type === 'WithStatement' && node.body === inside) {
        return add(this.#offences, unit, { start: unit.start, end: unit.start, kind: 'inside with', name: 'with' })
      }
    }
  }
}

const DIRECTIVE = 'use goroutine'

const isDirective = (node: Node): boolean =>
  node.type === 'ExpressionStatement' && (node as { directive?: string | null }).directive === DIRECTIVE

/** Whether `unit` says itself that it is for goroutines. */
export const hasDirective = ({ body }: Unit): boolean =>
  body?.type === 'BlockStatement' && body.body.some((statement) => isDirective(statement))

export const isMethod = (node: Node): boolean =>
  node.type === 'MethodDefinition' || (node.type === 'Property' && (node.method || node.kind !== 'init'))

const isVar = (node: Node | null): boolean => node?.type === 'VariableDeclaration' && node.kind === 'var'

const span = ({ start, end }: Node) => ({ start, end })

/** Whether `this` in `inside`, which stands in `owner`, is the owner's. */
function ownsThis(owner: Node, inside: Node): boolean {
  return owner.type === 'FunctionDeclaration' || owner.type === 'FunctionExpression' || ownsInitializer(owner, inside)
}

/** Whether `owner` is a part of a class that is run like a method, and `inside` what is run. */
function ownsInitializer(owner: Node, inside: Node): boolean {
  switch (owner.type) {
    case 'StaticBlock':
      return true
    case 'PropertyDefinition':
    case 'AccessorProperty':
      return owner.value === inside
    default:
      return false
  }
}

function whole(source: Node, isData: boolean): Imported | undefined {
  if (source.type !== 'Literal' || typeof source.value !== 'string') return undefined
  return { specifier: source.value, path: ['*'], isData }
}

function take(of: Imported, name: string): Imported {
  return { ...of, path: of.path.length === 1 && of.path[0] === '*' ? [name] : [...of.path, name] }
}

/** The properties that lead to variable `name` in a pattern; undefined if it is not only properties. */
function pathTo(pattern: Node, name: string): string[] | undefined {
  if (pattern.type === 'Identifier') return pattern.name === name ? [] : undefined
  if (pattern.type !== 'ObjectPattern') return undefined
  for (const property of pattern.properties) {
    if (property.type !== 'Property') continue
    const key = staticKey(property.key, property.computed)
    const rest = pathTo(property.value, name)
    if (rest !== undefined) return key === undefined ? undefined : [key, ...rest]
  }
  return undefined
}

function add<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const known = map.get(key)
  if (known === undefined) map.set(key, [value])
  else known.push(value)
}
