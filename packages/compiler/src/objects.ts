/**
 * Objects of which the text tells what their members are: literals, and namespaces of TypeScript, as they are written and as
 * compilers write them: `var N; (function (N) { function f() {} N.f = f })(N || (N = {}))`.
 */
import { definitions, type Scopes, type Variable } from './scopes.ts'
import { isUnit, memberOf, type Node, staticKey, type Unit, unwrap } from './syntax.ts'

/** What has to be known of the module. */
interface Around {
  readonly scopes: Scopes
  parent(node: Node): Node | undefined
  isConstant(variable: Variable): boolean
  constantOf(variable: Variable): Node | undefined
}

type Members = Map<string, Node>
type Literal = Node & { type: 'ObjectExpression' }
type Call = Node & { type: 'CallExpression' }

/** The members of what `variable` always is, if that is such an object. */
export function membersOf(variable: Variable, around: Around): Members | undefined {
  const constant = around.isConstant(variable) ? around.constantOf(variable) : undefined
  const object = constant && unwrap(constant)
  if (object?.type === 'ObjectExpression') return plainProperties(object)
  return namespaceMembers(variable, around) ?? loweredMembers(variable, around)
}

// --- literals --------------------------------------------------------------------------------------------------------------

/** Its properties, if it has nothing else: no getters, nothing of another object. */
export function plainProperties(object: Literal): Members | undefined {
  const isPlain = object.properties.every((property) => property.type === 'Property' && property.kind === 'init')
  return isPlain ? propertiesOf(object) : undefined
}

/** What is certainly written for the properties of an object. */
export function propertiesOf(object: Literal): Members {
  const properties: Members = new Map()
  for (const property of object.properties) {
    // What comes after may replace what came before.
    if (property.type === 'SpreadElement' || property.computed) properties.clear()
    else {
      const key = staticKey(property.key, false)
      if (key === undefined || key === '__proto__') continue
      if (property.kind === 'init') properties.set(key, property.value)
      else properties.delete(key)
    }
  }
  return properties
}

// --- namespaces ------------------------------------------------------------------------------------------------------------

function namespaceMembers(variable: Variable, around: Around): Members | undefined {
  const members: Members = new Map()
  for (const { name } of definitions(variable)) {
    const space = around.parent(name)
    if (space?.type !== 'TSModuleDeclaration') return undefined
    if (space.body?.type === 'TSModuleBlock') {
      for (const statement of space.body.body) addExported(statement, members)
    }
  }
  return members.size === 0 ? undefined : members
}

function addExported(statement: Node, members: Members): void {
  const declared = statement.type === 'ExportNamedDeclaration' ? statement.declaration : null
  if (declared?.type === 'VariableDeclaration') {
    for (const { id, init } of declared.declarations) {
      if (id.type === 'Identifier' && init !== null) members.set(id.name, init)
    }
  } else if (declared !== null && isUnit(declared) && 'id' in declared && declared.id !== null) {
    members.set(declared.id.name, declared)
  }
}

/** Of a namespace that was compiled: of its variable, or of what stands for that within. */
function loweredMembers(variable: Variable, around: Around): Members | undefined {
  const makers = makersOf(variable, around)
  if (makers.length === 0 || makers.includes(undefined)) return undefined
  const members: Members = new Map()
  for (const maker of makers as Unit[]) addAssigned(maker, members, around)
  return members.size === 0 ? undefined : members
}

/** The functions that make the namespace; undefined among them for whatever else makes it something. */
function makersOf(variable: Variable, around: Around): (Unit | undefined)[] {
  const [first] = definitions(variable)
  if (first?.type === 'Parameter') {
    const call = around.parent(first.node)
    const isMaker = call?.type === 'CallExpression' && call.callee === first.node && isOnItself(call.arguments[0])
    return isMaker && isUnit(first.node) && first.node === makerIn(call) ? [first.node] : []
  }
  const writes = variable.references.filter((reference) => reference.isWrite())
  return writes.map(({ identifier }) => {
    const assignment = around.parent(identifier as unknown as Node)
    const or = assignment && around.parent(assignment)
    const call = or?.type === 'CallExpression' ? or : or && around.parent(or)
    return call?.type === 'CallExpression' && isOnItself(call.arguments[0]) ? makerIn(call) : undefined
  })
}

function makerIn({ callee }: Call): Unit | undefined {
  const isFunction = callee.type === 'FunctionExpression' || callee.type === 'ArrowFunctionExpression'
  return isFunction && callee.params[0]?.type === 'Identifier' ? callee : undefined
}

/** `N || (N = {})`, or `N ||= {}`. */
function isOnItself(node: Node | undefined): boolean {
  if (node?.type === 'AssignmentExpression') return node.operator === '||=' && isEmpty(node.right)
  if (node?.type !== 'LogicalExpression' || node.operator !== '||' || node.left.type !== 'Identifier') return false
  const { right } = node
  if (right.type !== 'AssignmentExpression' || right.operator !== '=' || !isEmpty(right.right)) return false
  return right.left.type === 'Identifier' && right.left.name === node.left.name
}

const isEmpty = (node: Node): boolean => node.type === 'ObjectExpression' && node.properties.length === 0

/** What the function assigns to properties of its parameter. */
function addAssigned(maker: Unit, members: Members, around: Around): void {
  const param = 'params' in maker ? maker.params[0] : undefined
  const variable = param?.type === 'Identifier' ? around.scopes.of(maker)?.set.get(param.name) : undefined
  for (const { identifier } of variable?.references ?? []) {
    const target = around.parent(identifier as unknown as Node)
    const member = target && memberOf(target)
    const assignment = target && around.parent(target)
    if (member === undefined || assignment?.type !== 'AssignmentExpression' || assignment.left !== target) continue
    if (assignment.operator === '=') members.set(member.name, assignment.right)
  }
}
