/**
 * What a function refers to that is not its own: scope analysis of its source. Text in, names and offsets out; what becomes of
 * them is decided by code.ts.
 *
 * Two passes over acorn's tree make it short. The first enters every declaration into its scope and notes every reference
 * with the scope it stands in; the second looks each reference up through the scopes. So hoisting and temporal dead zones need
 * no rules of their own. What `this`, `super`, `arguments` and `new.target` belong to is carried down the walk as `Owner`.
 *
 * No scope library: the best of them costs as much to load as a fifth of a thread's start, and the lighter ones are wrong
 * about parameters and `var`; the tests hold this one against eslint-scope (docs/decisions/0002-shipping-functions.md).
 */
import { createRequire } from 'node:module'

/** A name that is not the function's own, where it is first used, as an offset into the text. */
export interface Reference {
  readonly name: string
  readonly offset: number
  /** The property that is taken of it there, if one is: loaders write imported bindings so. */
  readonly property: string | undefined
  /** It is asked for with `typeof` somewhere: it need not exist. */
  isTested: boolean
  /** It is only ever called, with something and its name: esbuild's helper, as a minifier has called it. */
  isNaming: boolean
}

/** A part of the text. */
export interface Span {
  readonly start: number
  readonly end: number
}

export interface Shape {
  readonly kind: 'function' | 'arrow' | 'method' | 'accessor' | 'class'
  readonly isGenerator: boolean
  readonly isAsync: boolean
  /**
   * Where V8 says that it is: an arrow function, and a class without a constructor of its own, at its start; all others at the parenthesis of
   * their parameters, a class at its constructor's.
   */
  readonly anchor: number
  /** Names that it does not declare, each once, in the order of their first use. */
  readonly free: readonly Reference[]
  /** Names of functions declared in blocks, which sloppy code has as variables of the function around them too. */
  readonly blockFunctions: ReadonlySet<string>
  /** `this`, `super`, `arguments`, `new.target` and `#names` of what is around it. */
  readonly outer: readonly Reference[]
  /** The word `import` of each dynamic import. */
  readonly imports: readonly Span[]
  /** Each `import.meta`. */
  readonly importMetas: readonly Span[]
  /** Of a class: the free names in its `extends`; it can't be defined before those are there. */
  readonly heritage: ReadonlySet<string>
  /** Of a class: the free names that it may ask for while it is defined: in static initializers, computed keys. */
  readonly early: ReadonlySet<string>
}

/** What a glance can take in: the start of a function with nothing but names as parameters, and the tokens of plain code. */
const HEAD =
  /^(async\s+)?(?:(function)(?![\w$])\s*([\w$]*)\s*\(([\w$\s,]*)\)\s*(?={)|(?:\(([\w$\s,]*)\)|([A-Za-z_$][\w$]*))\s*=>)/
const TOKEN = /\s+|(?<word>[A-Za-z_$][\w$]*)|\d[\w.]*|'[^'\\\n]*'|"[^"\\\n]*"|\.{3}|[-+*%=<>!&|^~?:;,.()[\]{}]/y
const WORDS = ['return', 'if', 'else', 'true', 'false', 'null', 'typeof', 'void', 'instanceof', 'in', 'throw', 'new']

/**
 * The shape of a function that is plainly self-contained, such as `(x) => x + 1`: it declares nothing, and every name in it is
 * a parameter, its own name or, as `isKnown` says, there on every thread. Undefined is no judgement, but a case for `analyse`:
 * only to load the parser takes longer than everything else that the first `go` does.
 */
export function glance(text: string, isKnown: (name: string) => boolean): Shape | undefined {
  const head = HEAD.exec(text)
  if (head === null) return undefined
  const [{ length }, isAsync, isFunction, ownName = '', ...params] = head
  const own = new Set([ownName, ...params.join(',').split(/[\s,]+/)])
  let before = ''
  for (TOKEN.lastIndex = length; TOKEN.lastIndex < text.length; ) {
    const token = TOKEN.exec(text)
    if (token === null) return undefined
    const word = token.groups?.word
    if (before === '.') {
      // It may be that of `new`.
      if (word === 'target') return undefined
    } else if (word !== undefined && !own.has(word) && !WORDS.includes(word) && !isKnown(word)) {
      if (word !== 'await' || isAsync === undefined) return undefined
    }
    if (token[0].trim() !== '') before = token[0]
  }
  return {
    kind: isFunction === undefined ? 'arrow' : 'function',
    isGenerator: false,
    isAsync: isAsync !== undefined,
    anchor: isFunction === undefined ? 0 : text.indexOf('('),
    free: [],
    blockFunctions: NONE,
    outer: [],
    imports: [],
    importMetas: [],
    heritage: NONE,
    early: NONE,
  }
}

const NONE: ReadonlySet<string> = new Set()

/** The start of a function or of an arrow function; a class, a method or what may be one is for `analyse`. */
const START =
  /^(async\s+)?function(?![\p{ID_Continue}$])(\s*\*)?\s*[\p{ID_Continue}$]*\s*\(|^(async\b)?\s*(?:\(|[\p{ID_Start}$_][\p{ID_Continue}$]*\s*=>)/u
const FUNCTION = /^function(?![\p{ID_Continue}$])/u
const WORD = /(?<![\p{ID_Continue}$]|(?<!\.\.)\.)[\p{ID_Start}$_][\p{ID_Continue}$]*/gu

/**
 * The shape of a function that the compiler has been through, so that nothing is left to be found but which of the names that may
 * concern us (`isOurs`) are in it: a name too many does no harm. Undefined is a case for `analyse`: `import`, whose places are
 * needed, names that a later tool may have put there, and those that are `isDoubtful`.
 */
export function skim(
  text: string,
  isOurs: (name: string) => boolean,
  isDoubtful: (name: string) => boolean,
): Shape | undefined {
  const start = START.exec(text)
  // An escape may be a part of a name.
  if (start === null || text.includes('\\u')) return undefined
  const [, asyncFunction, star, asyncArrow] = start
  const free = new Map<string, Reference>()
  for (const { 0: name, index: offset } of text.matchAll(WORD)) {
    if (isOurs(name)) free.set(name, { name, offset, property: undefined, isTested: false, isNaming: false })
    else if (name === 'import' || name.startsWith('_') || isDoubtful(name)) return undefined
  }
  const isFunction = FUNCTION.test(text.slice(asyncFunction?.length ?? 0))
  return {
    kind: isFunction ? 'function' : 'arrow',
    isGenerator: star !== undefined,
    isAsync: asyncFunction !== undefined || asyncArrow !== undefined,
    anchor: isFunction ? text.indexOf('(') : 0,
    free: [...free.values()],
    blockFunctions: NONE,
    outer: [],
    imports: [],
    importMetas: [],
    heritage: NONE,
    early: NONE,
  }
}

type Acorn = typeof import('acorn')

/** A node of acorn's, seen as what it has besides its type and place. */
interface Tree {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [key: string]: unknown
}

let acorn: Acorn | undefined

/** Loaded at the first use: a thread that only runs functions never needs it. */
function parser(): Acorn {
  acorn ??= createRequire(import.meta.url)('acorn') as Acorn
  return acorn
}

/**
 * How the text of a function is made a program, and where in it the function is then. The text of a method is none by itself.
 * The function around it makes `new.target` legal, which is found later.
 */
const FORMS = [
  { open: '(function(){return(', close: ')})', find: (value: Tree) => value },
  { open: '(function(){return({', close: '})})', find: (object: Tree) => (object.properties as Tree[])[0] },
  {
    open: '(function(){return(class{',
    close: '})})',
    find: (object: Tree) => ((object.body as Tree).body as Tree[])[0],
  },
] as const

/**
 * Analyses the text of a function.
 *
 * @throws SyntaxError if it can't be parsed.
 */
export function analyse(text: string): Shape {
  let refused: unknown
  for (const { open, close, find } of FORMS) {
    let program: Tree
    try {
      program = parser().parse(open + text + close, {
        ecmaVersion: 'latest',
        allowSuperOutsideMethod: true,
        allowImportExportEverywhere: true,
        checkPrivateFields: false,
      }) as unknown as Tree
    } catch (error) {
      refused ??= error
      continue
    }
    const outermost = ((program.body as Tree[])[0] as Tree).expression as Tree
    const statement = ((outermost.body as Tree).body as Tree[])[0] as Tree
    const node = find(statement.argument as Tree)
    if (node !== undefined) return shapeOf(node, text, open.length)
  }
  throw refused
}

/** Whether the first statement of `source` is `'use strict'`. */
export function startsStrict(source: string): boolean {
  const { tokenizer, tokTypes } = parser()
  const first = tokenizer(source, { ecmaVersion: 'latest', allowHashBang: true }).getToken()
  return first.type === tokTypes.string && source.slice(first.start + 1, first.end - 1) === 'use strict'
}

function shapeOf(node: Tree, text: string, shift: number): Shape {
  const isMember = node.type === 'Property' || node.type === 'MethodDefinition'
  const fn = (isMember ? node.value : node) as Tree
  const kind = isMember ? memberKind(node) : fn.type === 'ArrowFunctionExpression' ? 'arrow' : plainKind(fn)
  const walk = new Walk()
  if (kind === 'class') walk.visitOutermostClass(fn)
  else walk.visitFunction(fn, walk.root, kind === 'arrow' ? 'outside' : kind === 'function' ? 'call' : 'method')
  const { free, outer, heritage, early } = walk.resolve()
  const moved = ({ start, end }: Span): Span => ({ start: start - shift, end: end - shift })
  const place = (reference: Reference): Reference => ({ ...reference, offset: reference.offset - shift })
  return {
    kind,
    isGenerator: fn.generator === true,
    isAsync: fn.async === true,
    anchor: kind === 'function' ? parenthesis(text) : isMember ? fn.start - shift : constructorIn(fn, shift),
    free: free.map(place),
    blockFunctions: walk.blockFunctions,
    outer: outer.map(place),
    imports: walk.imports.map(moved),
    importMetas: walk.importMetas.map(moved),
    heritage,
    early,
  }
}

const memberKind = (node: Tree) => (node.kind === 'get' || node.kind === 'set' ? 'accessor' : 'method')
const plainKind = (node: Tree) => (node.type === 'FunctionExpression' ? 'function' : 'class')

/** Where the parameters of the constructor begin that the class `node` has written out; else its start, as with an arrow function. */
function constructorIn(node: Tree, shift: number): number {
  const members = node.type === 'ArrowFunctionExpression' ? [] : ((node.body as Tree).body as Tree[])
  const found = members.find(({ kind }) => kind === 'constructor')
  return found === undefined ? 0 : (found.value as Tree).start - shift
}

/** Where the parameters of the function whose text this is begin. There may be comments before them. */
function parenthesis(text: string): number {
  const { tokenizer, tokTypes } = parser()
  for (const token of tokenizer(text, { ecmaVersion: 'latest' })) if (token.type === tokTypes.parenL) return token.start
  throw new SyntaxError('a function without parameters')
}

/**
 * To what `this` and its like belong at a place: to something around the function; to the function itself, which is called
 * without an object, as a plain function or as a method; or to something within it.
 */
type Owner = 'outside' | 'call' | 'method' | 'inside'

class Scope {
  readonly names = new Set<string>()
  readonly parent: Scope | undefined
  /** Where `var` puts its names. */
  readonly vars: Scope
  /** Any name may be a property here: the body of a `with`. */
  readonly isDynamic: boolean

  constructor(parent: Scope | undefined, kind: 'function' | 'block' | 'with') {
    this.parent = parent
    this.vars = kind === 'function' || parent === undefined ? this : parent.vars
    this.isDynamic = kind === 'with'
  }

  has(name: string): boolean {
    for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.parent) {
      if (scope.isDynamic || scope.names.has(name)) return true
    }
    return false
  }
}

/** When a class asks for a name: in its `extends`; perhaps while it is defined; later. */
type Phase = 'heritage' | 'early' | 'late'

class Walk {
  readonly root = new Scope(undefined, 'function')
  readonly imports: Span[] = []
  readonly importMetas: Span[] = []
  readonly blockFunctions = new Set<string>()
  readonly #references: { readonly reference: Reference; readonly scope: Scope; readonly phase: Phase }[] = []
  readonly #outer: Reference[] = []
  #outermostClass: Tree | undefined
  #phase: Phase = 'late'

  /** What the scopes of the function do not have. */
  resolve(): { free: Reference[]; outer: Reference[]; heritage: Set<string>; early: Set<string> } {
    const free = new Map<string, Reference>()
    const outer = [...this.#outer]
    const names = { heritage: new Set<string>(), early: new Set<string>(), late: new Set<string>() }
    for (const { reference, scope, phase } of this.#references) {
      const { name } = reference
      if (scope.has(name)) continue
      names[phase].add(name)
      const first = free.get(name)
      if (name === 'arguments' || name.startsWith('#')) outer.push(reference)
      else if (first === undefined) free.set(name, reference)
      else {
        first.isTested ||= reference.isTested
        first.isNaming &&= reference.isNaming
      }
    }
    const { heritage, early } = names
    return { free: [...free.values()], outer: outer.sort((a, b) => a.offset - b.offset), heritage, early }
  }

  visitOutermostClass(node: Tree): void {
    this.#outermostClass = node
    this.visit(node, this.root, 'outside')
  }

  visit(node: Tree, scope: Scope, owner: Owner): void {
    switch (node.type) {
      case 'Identifier':
      case 'PrivateIdentifier':
        return this.#refer(node, scope)
      case 'ThisExpression':
        if (owner === 'outside' || owner === 'method') this.#belongsOutside('this', node)
        return
      case 'Super':
        if (owner !== 'inside') this.#belongsOutside('super', node)
        return
      case 'MetaProperty':
        if ((node.meta as Tree).name === 'import') this.importMetas.push(node)
        else if (owner === 'outside') this.#belongsOutside('new.target', node)
        return
      case 'ImportExpression':
        this.imports.push({ start: node.start, end: node.start + 'import'.length })
        return this.#visitChildren(node, scope, owner)
      case 'UnaryExpression': {
        const argument = node.argument as Tree
        if (node.operator !== 'typeof' || argument.type !== 'Identifier') return this.visit(argument, scope, owner)
        return this.#refer(argument, scope, { isTested: true })
      }
      case 'MemberExpression': {
        const object = node.object as Tree
        const property = node.property as Tree
        const isNamed = node.computed === false
        if (object.type !== 'Identifier') this.visit(object, scope, owner)
        else this.#refer(object, scope, { property: isNamed ? (property.name as string) : undefined })
        if (!isNamed || property.type === 'PrivateIdentifier') this.visit(property, scope, owner)
        return
      }
      case 'CallExpression': {
        const callee = node.callee as Tree
        if (callee.type !== 'Identifier') return this.#visitChildren(node, scope, owner)
        const args = node.arguments as Tree[]
        this.#refer(callee, scope, { isNaming: args.length === 2 && typeof args[1]?.value === 'string' })
        for (const each of args) this.visit(each, scope, owner)
        return
      }
      case 'Property':
        if (node.computed === true) this.visit(node.key as Tree, scope, owner)
        return this.visit(node.value as Tree, scope, owner)
      case 'VariableDeclaration':
        for (const { id } of node.declarations as readonly { id: Tree }[]) {
          declare(id, node.kind === 'var' ? scope.vars : scope)
        }
        return this.#visitChildren(node, scope, owner)
      case 'FunctionDeclaration': {
        const name = (node.id as Tree).name as string
        scope.names.add(name)
        if (scope !== scope.vars) this.blockFunctions.add(name)
        return this.visitFunction(node, scope, 'inside')
      }
      case 'FunctionExpression':
        return this.visitFunction(node, scope, 'inside')
      case 'ArrowFunctionExpression':
        return this.visitFunction(node, scope, owner)
      case 'ClassDeclaration':
        declare(node.id as Tree, scope)
        return this.#visitClass(node, scope, owner)
      case 'ClassExpression':
        return this.#visitClass(node, scope, owner)
      case 'BlockStatement':
      case 'ForStatement':
      case 'ForInStatement':
      case 'ForOfStatement':
        return this.#visitChildren(node, new Scope(scope, 'block'), owner)
      case 'SwitchStatement': {
        this.visit(node.discriminant as Tree, scope, owner)
        const block = new Scope(scope, 'block')
        for (const each of node.cases as Tree[]) this.visit(each, block, owner)
        return
      }
      case 'CatchClause': {
        const block = new Scope(scope, 'block')
        if (node.param !== null) declare(node.param as Tree, block)
        return this.#visitChildren(node, block, owner)
      }
      case 'WithStatement':
        this.visit(node.object as Tree, scope, owner)
        return this.visit(node.body as Tree, new Scope(scope, 'with'), owner)
      case 'LabeledStatement':
        return this.visit(node.body as Tree, scope, owner)
      case 'BreakStatement':
      case 'ContinueStatement':
        return
    }
    this.#visitChildren(node, scope, owner)
  }

  /** `owner`: of what is in it. */
  visitFunction(node: Tree, scope: Scope, owner: Owner): void {
    const isArrow = node.type === 'ArrowFunctionExpression'
    // The name of a function expression is a scope of its own around it, which its parameters and variables may hide.
    const around = node.type === 'FunctionExpression' ? new Scope(scope, 'block') : scope
    if (around !== scope && node.id !== null) declare(node.id as Tree, around)
    // The body's variables are not seen by the default values of parameters, so there are two scopes.
    const params = new Scope(around, 'function')
    if (!isArrow) params.names.add('arguments')
    for (const param of node.params as Tree[]) declare(param, params)
    for (const param of node.params as Tree[]) this.visit(param, params, owner)
    const body = node.body as Tree
    if (body.type === 'BlockStatement') this.#visitChildren(body, new Scope(params, 'function'), owner)
    else this.visit(body, params, owner)
  }

  #visitClass(node: Tree, scope: Scope, owner: Owner): void {
    const inside = new Scope(scope, 'block')
    if (node.id !== null) declare(node.id as Tree, inside)
    const members = (node.body as Tree).body as Tree[]
    const isOutermost = node === this.#outermostClass
    if (isOutermost) this.#phase = 'heritage'
    if (node.superClass !== null) this.visit(node.superClass as Tree, inside, owner)
    // What runs when it is defined may make an instance of it, or call any of its methods.
    if (isOutermost) this.#phase = members.some(runsAtOnce) ? 'early' : 'late'
    for (const { key } of members as readonly { key?: Tree }[]) {
      if (key?.type === 'PrivateIdentifier') inside.names.add(`#${key.name as string}`)
    }
    for (const member of members) {
      if (member.type === 'StaticBlock') {
        this.#visitChildren(member, new Scope(inside, 'function'), 'inside')
        continue
      }
      if (member.computed === true) this.visit(member.key as Tree, inside, owner)
      if (member.value !== null) this.visit(member.value as Tree, inside, 'inside')
    }
  }

  #visitChildren(node: Tree, scope: Scope, owner: Owner): void {
    for (const key in node) {
      const child = node[key]
      if (Array.isArray(child)) {
        for (const each of child as (Tree | null)[]) if (each !== null) this.visit(each, scope, owner)
      } else if (typeof (child as Tree | null | undefined)?.type === 'string') {
        this.visit(child as Tree, scope, owner)
      }
    }
  }

  #refer(
    node: Tree,
    scope: Scope,
    more: { property?: string | undefined; isTested?: boolean; isNaming?: boolean } = {},
  ): void {
    const name = node.type === 'PrivateIdentifier' ? `#${node.name as string}` : (node.name as string)
    const { property, isTested = false, isNaming = false } = more
    const reference = { name, offset: node.start, property, isTested, isNaming }
    this.#references.push({ reference, scope, phase: this.#phase })
  }

  #belongsOutside(name: string, { start }: Tree): void {
    this.#outer.push({ name, offset: start, property: undefined, isTested: false, isNaming: false })
  }
}

/** Whether a member of a class has code that runs when the class is defined. */
function runsAtOnce(member: Tree): boolean {
  if (member.type === 'StaticBlock' || member.computed === true) return true
  return member.type === 'PropertyDefinition' && member.static === true && member.value !== null
}

/** Enters the names of a binding pattern. Default values and keys in it are visited apart. */
function declare(pattern: Tree | null, scope: Scope): void {
  switch (pattern?.type) {
    case 'Identifier':
      scope.names.add(pattern.name as string)
      break
    case 'ObjectPattern':
      for (const property of pattern.properties as Tree[]) declare((property.value ?? property) as Tree, scope)
      break
    case 'ArrayPattern':
      for (const element of pattern.elements as (Tree | null)[]) declare(element, scope)
      break
    case 'AssignmentPattern':
      declare(pattern.left as Tree, scope)
      break
    case 'RestElement':
      declare(pattern.argument as Tree, scope)
      break
  }
}
