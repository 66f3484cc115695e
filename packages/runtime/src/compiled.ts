/**
 * What the compiler says of functions. A compiled module does not change its functions; it adds to each a *thunk*, which gives
 * the values of the variables that the function has from around it. This file knows which function has which:
 *
 *   a function expression that is given to `go` is put through `ship`, which leaves a note on it;
 *   a function at module level is in the registry, a list of getters for each module that is gone through when a function
 *   turns up that has no note, so that starting a program costs nothing for it.
 *
 * Which element of the thunk is which name in the function's text is told by the thunk's own text. So whatever came after the
 * compiler (a bundler, a minifier, vitest) may have renamed both.
 */

// biome-ignore lint/complexity/noBannedTypes: any function may be given
export type AnyFunction = Function

/** What a compiled module says of its imports and of the thunks in it. It has no variables from around it, and can be shipped. */
export type ModuleTable = () => {
  /** The imports are calls of `require`. */
  readonly commonjs?: boolean
  /** Specifiers: of a module of the program; or, in an array, of one that is only ever imported (a package, one of Node's). */
  readonly imports: readonly (string | readonly [string])[]
  /** By number, where each element of a thunk is from; or why the function can't be shipped. */
  readonly sites: readonly (string | readonly Origin[])[]
}

/**
 * Where an element of a thunk is from: 0, a variable; 1, one that is never assigned again; or an import, by its number and the
 * name of the export, `*` for all of them, and then perhaps the names of properties of it.
 */
type Origin = 0 | 1 | readonly [number, ...string[]]

type Thunk = () => readonly unknown[]
/** Gives a function at module level, its thunk and its site. Throws while there is no such function yet. */
type Getter = () => readonly [unknown, Thunk, number]
type Registry = (readonly [ModuleTable, () => readonly Getter[]])[]

/** How code takes an element from its root: properties by name, and calls. Bundlers write imports so. */
type Access = string | typeof CALL
const CALL = 0

/** How an element of a thunk is written: `a`, `r.parse`, `(0, r["default"])`, `r()`, `r().x`. */
export interface Form {
  readonly root: string
  readonly steps: readonly Access[]
}

/** An import, as it is written in the module. */
export interface Import {
  readonly specifier: string
  /** The name of the export, `*` for the namespace or what `require` gives; then names of properties of it. */
  readonly path: readonly string[]
  /** It is always imported; else what its value is decides. */
  readonly isExternal: boolean
  /** It was written as a call of `require`. */
  readonly isRequired: boolean
}

/** An element of a thunk. */
export interface Slot {
  readonly index: number
  /** Undefined if there is only a literal: a minifier has put it there, and in the function too. */
  readonly form: Form | undefined
  readonly from: Import | undefined
  /** Its variable is never assigned again. */
  readonly isConstant: boolean
}

/** What is known of a function's definition, besides its code. */
export interface Site {
  readonly slots: readonly Slot[]
  /** A minifier has given names of its own. */
  readonly isRenamed: boolean
  /** Its code record; 0 until it is published. */
  code: number
  /** The elements that are sent along: the function uses them, and they are not just imported there. Known with the code. */
  sent: readonly Slot[]
  /** Why it can't be called as a goroutine, if it can't. Known with the code. */
  unfit: string | undefined
  /** Why it can't be shipped at all, in full. */
  refusal: string | undefined
  /** The walks that were made from here. */
  readonly first: Step
}

/** One step of a walk through what a function refers to (shipment.ts): what stood in a place. */
export interface Step {
  readonly token: number
  /** The steps that have come after this one: of most there is one. */
  readonly next: Step[]
  /** The graph record of the walk that ends here. */
  graph: number
}

/** What is left on a function. */
export interface Note {
  readonly fn: AnyFunction
  readonly thunk: Thunk
  readonly table: ModuleTable | undefined
  readonly index: number
  /** It is at module level: there is only one of it. */
  readonly isOnly: boolean
  site: Site | undefined
  /** Once it is known that the function and all that it refers to is code and stays the same: the address of it all. */
  fixed: number
}

const NOTE: unique symbol = Symbol.for('goro.note') as never
const SITES: unique symbol = Symbol.for('goro.sites') as never

interface Noted {
  [NOTE]?: Note
}

/** The notes of functions that are not extensible. */
const notes = new WeakMap<AnyFunction, Note>()

/**
 * Notes on `fn` the values of its free variables, as `thunk` gives them, and what `module` says of them under `index`. Written by
 * the compiler around functions that reach `go`; it returns `fn` itself.
 */
export function ship<F extends AnyFunction>(fn: F, thunk: Thunk, module: ModuleTable, index: number): F {
  leaveNote({ fn, thunk, table: module, index, isOnly: false, site: undefined, fixed: 0 })
  return fn
}

/** As `ship`, for a function that was made here of a record. */
export function noteLinked(fn: AnyFunction, thunk: Thunk, site: Site, isOnly: boolean): void {
  leaveNote({ fn, thunk, table: undefined, index: 0, isOnly, site, fixed: 0 })
}

function leaveNote(note: Note): void {
  const { fn } = note
  if (Object.isExtensible(fn)) (fn as Noted)[NOTE] = note
  else notes.set(fn, note)
}

/** The note that was left on `fn`, if it is the compiler's or of a record. A class inherits the property of its base. */
export function noteOn(fn: AnyFunction): Note | undefined {
  const note = (fn as Noted)[NOTE]
  return note !== undefined && note.fn === fn ? note : undefined
}

/** As `noteOn`; also of a function at module level that nobody has asked for yet. */
export function noteOf(fn: AnyFunction): Note | undefined {
  return noteOn(fn) ?? notes.get(fn) ?? registered(fn)
}

// --- the registry ----------------------------------------------------------------------------------------------------------

const REGISTRY = Symbol.for('goro.compiled')

/** Modules that were gone through. */
let taken = 0
/** Getters that had no function yet. */
let pending: (readonly [ModuleTable, Getter])[] = []

/** Whether any module of this program went through the compiler. */
export const isCompiled = (): boolean => registry().length > 0

function registry(): Registry {
  const holder = globalThis as { [REGISTRY]?: Registry }
  holder[REGISTRY] ??= []
  return holder[REGISTRY]
}

function registered(fn: AnyFunction): Note | undefined {
  const all = registry()
  if (all.length === taken && pending.length === 0) return undefined
  for (; taken < all.length; taken++) {
    const [table, getters] = all[taken] as Registry[number]
    // Functions that start goroutines refer to it.
    const site = newSite([], isRenamed(table))
    leaveNote({ fn: table, thunk: () => [], table: undefined, index: 0, isOnly: true, site, fixed: 0 })
    for (const getter of getters()) pending.push([table, getter])
  }
  pending = pending.filter(([table, getter]) => !enter(table, getter))
  return noteOn(fn) ?? notes.get(fn)
}

/** Leaves a note on the function of `getter`; false if there is none yet. */
function enter(table: ModuleTable, getter: Getter): boolean {
  let found: ReturnType<Getter>
  try {
    found = getter()
  } catch {
    // Its variable is not initialised, or the object that it is in is not there: the module has not come so far.
    return false
  }
  const [fn, thunk, index] = found
  if (typeof fn !== 'function') return false
  if (noteOn(fn) === undefined && !notes.has(fn)) {
    leaveNote({ fn, thunk, table, index, isOnly: true, site: undefined, fixed: 0 })
  }
  return true
}

// --- sites -----------------------------------------------------------------------------------------------------------------

/** What is known of the definition. */
export function siteOf(note: Note): Site {
  note.site ??= siteIn(note.table as ModuleTable, note)
  return note.site
}

function siteIn(table: ModuleTable, { index, thunk }: Note): Site {
  const holder = table as ModuleTable & { [SITES]?: (Site | undefined)[] }
  holder[SITES] ??= []
  holder[SITES][index] ??= readSite(table, index, thunk)
  return holder[SITES][index]
}

/** A site that is not published. */
export const newSite = (slots: readonly Slot[], isRenamed: boolean): Site => {
  return {
    slots,
    isRenamed,
    code: 0,
    sent: [],
    unfit: undefined,
    refusal: undefined,
    first: { token: 0, next: [], graph: 0 },
  }
}

/** Whether the name of a table is another than the compiler gives it; one that only bundles may add something to it. */
const isRenamed = (table: ModuleTable): boolean => !/^function _goro_m/.test(Function.prototype.toString.call(table))

function readSite(table: ModuleTable, index: number, thunk: Thunk): Site {
  const { commonjs, imports, sites } = table()
  const origins = sites[index] as string | readonly Origin[]
  if (typeof origins === 'string') return { ...newSite([], false), refusal: origins }
  const forms = formsOf(Function.prototype.toString.call(thunk))
  if (forms.length !== origins.length) {
    throw new Error(`goro: ${origins.length} captured variables in ${thunk}; please report this`)
  }
  const slots = origins.map((origin, i): Slot => {
    const from = typeof origin === 'number' ? undefined : importOf(imports, origin, commonjs === true)
    return { index: i, form: forms[i], from, isConstant: origin === 1 }
  })
  return newSite(slots, isRenamed(table))
}

function importOf(
  imports: ReturnType<ModuleTable>['imports'],
  [index, ...path]: readonly [number, ...string[]],
  isRequired: boolean,
): Import {
  const entry = imports[index] as string | readonly [string]
  const isExternal = typeof entry !== 'string'
  return { specifier: isExternal ? entry[0] : entry, path, isExternal, isRequired }
}

// --- the text of a thunk ---------------------------------------------------------------------------------------------------

const SKIPPED = /\s+|\/\*[\s\S]*?\*\/|\/\/.*/y
const STRING = /'(?:[^'\\]|\\[\s\S])*'|"(?:[^"\\]|\\[\s\S])*"|`(?:[^`\\]|\\[\s\S])*`/y
const NAME = /[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*/uy
const NO_NAMES = new Set(['true', 'false', 'null', 'this', 'void', 'new', 'typeof'])

/** The tokens of `text`: names, strings and single characters, without space and comments. */
function tokensOf(text: string): string[] {
  const tokens: string[] = []
  for (let at = 0; at < text.length; ) {
    const match = [SKIPPED, STRING, NAME].map((kind) => matchAt(kind, text, at)).find((found) => found !== '')
    const token = match ?? (text[at] as string)
    if (matchAt(SKIPPED, text, at) === '') tokens.push(token)
    at += token.length
  }
  return tokens
}

function matchAt(kind: RegExp, text: string, at: number): string {
  kind.lastIndex = at
  return kind.exec(text)?.[0] ?? ''
}

/** A character of a name, as esbuild writes it. */
const ESCAPED = /\\u(?:\{([\da-f]+)\}|([\da-f]{4}))/gi

const unescaped = (hex: string): string => String.fromCodePoint(Number.parseInt(hex, 16))

/** The elements of the array that the thunk with this text returns. */
export function formsOf(text: string): (Form | undefined)[] {
  const tokens = tokensOf(text.replace(ESCAPED, (_, braced = '', plain = '') => unescaped(braced + plain)))
  const elements: string[][] = []
  let depth = 0
  let element: string[] = []
  for (const token of tokens.slice(tokens.indexOf('[') + 1)) {
    if (depth === 0 && (token === ',' || token === ']')) {
      if (element.length > 0) elements.push(element)
      if (token === ']') break
      element = []
      continue
    }
    if ('([{'.includes(token)) depth++
    else if (')]}'.includes(token)) depth--
    element.push(token)
  }
  return elements.map(formOf)
}

/** Undefined for what is no reference. */
function formOf(tokens: readonly string[]): Form | undefined {
  const [root = '', ...rest] = tokens
  if (root === 'Object' && rest[0] === '(') return formOf(rest)
  if (root === '(') return formOf(tokens.slice(tokens[1] === '0' ? 3 : 1, -1))
  if (matchAt(NAME, root, 0) !== root || NO_NAMES.has(root)) return undefined
  const steps: Access[] = []
  for (let i = 0; i < rest.length; ) {
    const [first, second = '', third] = rest.slice(i, i + 3)
    if (first === '.') steps.push(second)
    else if (first === '[' && third === ']' && /^["']/.test(second)) steps.push(second.slice(1, -1))
    else if (first === '(' && second === ')') steps.push(CALL)
    else return undefined
    i += first === '[' ? 3 : 2
  }
  return { root, steps }
}

// --- the values of roots ---------------------------------------------------------------------------------------------------

/** What the elements under a root amount to: its value, or what it gives for properties and when it is called. */
interface Tree {
  value?: unknown
  isValue?: boolean
  call?: Tree
  properties?: Map<string, Tree>
}

/** The value that a root needs to have for its elements to have theirs. */
export function rootValue(elements: readonly (readonly [steps: readonly Access[], value: unknown])[]): unknown {
  const tree: Tree = {}
  for (const [steps, value] of elements) {
    let at = tree
    for (const step of steps) at = step === CALL ? callOf(at) : propertyOf(at, step)
    at.value = value
    at.isValue = true
  }
  return grown(tree)
}

function callOf(tree: Tree): Tree {
  tree.call ??= {}
  return tree.call
}

function propertyOf(tree: Tree, name: string): Tree {
  tree.properties ??= new Map()
  let property = tree.properties.get(name)
  if (property === undefined) {
    property = {}
    tree.properties.set(name, property)
  }
  return property
}

function grown({ value, isValue, call, properties }: Tree): unknown {
  if (isValue === true) return value
  const result = call === undefined ? Object.create(membersOf(properties)) : returning(grown(call))
  for (const [name, property] of properties ?? []) {
    Object.defineProperty(result, name, { value: grown(property), enumerable: true, configurable: true })
  }
  return result
}

/** Of CommonJS, Rolldown takes a member of the default export, `stats.mean`, for one of the module: `import_stats.mean`. */
function membersOf(properties: Tree['properties']): object {
  const value = properties?.get('default')?.value
  return (typeof value === 'object' && value !== null) || typeof value === 'function' ? value : Object.prototype
}

const returning = (value: unknown) => () => value
