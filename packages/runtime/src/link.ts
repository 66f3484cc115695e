/**
 * The other end of code.ts: functions made of records, on the thread that runs them. A code record alone is one function; a
 * graph record says how several refer to each other.
 *
 *   record ── imports are missing ──> promise ── loaded ──> LINKED ── called with data ──> a function of its own for it
 *        └─────────────── nothing to import ───────────────>   └──── no data in it ─────> the same function for ever
 *
 * What has no data anywhere in its graph is made once a thread. Else a goroutine brings the data as its first arguments, and has
 * functions of its own, as a closure is a function of its own each time that it is written.
 *
 * Functions are made first and told of each other afterwards, so that cycles need no care; except classes, which may use others
 * while they are being defined.
 */
import module from 'node:module'
import { types } from 'node:util'
import type { Code, Graph, GraphNode, Value } from './code.ts'
import { EXPORTS, isSent, noteStrictness, recordAt, recordOrGraphAt, takeSourceMap } from './code.ts'
import type { AnyFunction, Import, Site } from './compiled.ts'
import { newSite, noteLinked, rootValue } from './compiled.ts'
import { CaptureError } from './errors.ts'
import { imported } from './native.ts'
import { compile, IMPORT, provide, REQUIRE } from './provided.ts'

export type ShippedFunction = (...args: unknown[]) => unknown

const functions = new Map<number, ShippedFunction | Promise<ShippedFunction>>()
let lastAddress = 0
let lastFunction: ShippedFunction

/**
 * The function of the record at `address`, for this thread; it takes the captured data ahead of its arguments. A promise of
 * it while what it imports is being loaded, rejected if that fails.
 */
export function functionAt(address: number): ShippedFunction | Promise<ShippedFunction> {
  if (address === lastAddress) return lastFunction
  const fn = functions.get(address) ?? link(address)
  if (typeof fn === 'function') {
    lastAddress = address
    lastFunction = fn
  }
  return fn
}

function link(address: number): ShippedFunction | Promise<ShippedFunction> {
  const record = recordOrGraphAt(address)
  const graph = 'nodes' in record ? record : alone(address, record)
  const missing = load(graph)
  if (missing.length === 0) return linkNow(address, graph)
  const promise = Promise.all(missing)
    .then(() => link(address))
    .catch((error) => {
      // The next goroutine tries again.
      functions.delete(address)
      throw error
    })
  functions.set(address, promise)
  return promise
}

/** A class may throw while it is defined. */
function linkNow(address: number, graph: Graph): ShippedFunction | Promise<ShippedFunction> {
  try {
    const fn = linked(graph)
    functions.set(address, fn)
    return fn
  } catch (error) {
    return Promise.reject(error)
  }
}

/** The graph of a function that refers to data only. */
function alone(code: number, { slots }: Code): Graph {
  const values = slots.filter(isSent).map((_, data): Value => ({ data }))
  return { nodes: [{ code, isOnly: false, values }], count: values.length }
}

// --- imports ---------------------------------------------------------------------------------------------------------------

type Namespace = Readonly<Record<string, unknown>>

/** What was loaded, by `keyOf`. */
const modules = new Map<string, unknown>()

const keyOf = (script: string, { specifier, isRequired }: Import): string =>
  `${isRequired ? 'require' : 'import'} ${specifier} from ${script}`

/** Loads what the functions of `graph` import and refer to; returns what is still on its way. */
function load({ nodes }: Graph): Promise<unknown>[] {
  const missing: Promise<unknown>[] = []
  const need = (script: string, from: Import): void => {
    const key = keyOf(script, from)
    if (modules.has(key)) return
    const { specifier, isRequired } = from
    if (isChunk(specifier)) {
      const setTo = ({ [CHUNK_EXPORT]: namespace }: Namespace) =>
        modules.set(key, isRequired ? exportsOf(namespace as Namespace) : namespace)
      missing.push(importing(script, specifier).then(setTo))
    } else if (isRequired) missing.push(...requireInto(key, script, specifier))
    else missing.push(importing(script, specifier).then((namespace) => modules.set(key, namespace)))
  }
  const needValue = (script: string, value: Value): void => {
    for (const each of valuesIn(value)) needValue(script, each)
    if ('from' in value) need(script, value.from)
    else if ('code' in value) {
      const fn = functionAt(value.code)
      if (typeof fn !== 'function') missing.push(fn)
    }
  }
  for (const { code, values } of nodes) {
    const { script, slots } = recordAt(code)
    for (const slot of slots) if (!isSent(slot)) need(script, slot.from as Import)
    for (const value of values) needValue(script, value)
  }
  return missing
}

const importing = (script: string, specifier: string): Promise<Namespace> =>
  imported(() => (provide(IMPORT, script) as (specifier: string) => Promise<Namespace>)(specifier))

/** Whether it is the place of a chunk that a bundler has made of a package (packages/compiler/src/bundle.ts). */
const isChunk = (specifier: string): boolean => /^(file|goro:packages\/)/.test(specifier)
/** What such a chunk exports: the package's namespace, as the bundler sees it. */
const CHUNK_EXPORT = '__goro_namespace'

/** `module.exports`, of which a bundler makes the default export with all its properties beside it. */
function exportsOf(namespace: Namespace): unknown {
  const value = namespace.default
  const isAll = Object.keys(namespace).every((name) => name === 'default' || name in Object(value))
  return 'default' in namespace && isAll ? value : namespace
}

/** Sets module `key` to what `require` gives; returns a promise that is rejected if it throws. */
function requireInto(key: string, script: string, specifier: string): Promise<never>[] {
  try {
    modules.set(key, (provide(REQUIRE, script) as NodeJS.Require)(specifier))
    return []
  } catch (error) {
    return [Promise.reject(error)]
  }
}

/** Gives what is imported: of a variable that is exported, the value that it has then. */
function giverOfImport(script: string, from: Import): Giver {
  const key = keyOf(script, from)
  const [name = '', ...properties] = from.path
  return () => {
    const loaded = modules.get(key)
    let value = from.isRequired ? required(loaded, name) : exported(loaded as Namespace, name)
    for (const property of properties) value = (value as Namespace)[property]
    return value
  }
}

/** An export of CommonJS may be one that Node has not found: then it is a property of the default export, `module.exports`. */
function exported(namespace: Namespace, name: string): unknown {
  if (name === '*') return namespace
  const value = namespace[name]
  if (value !== undefined || name in namespace) return value
  // An ESM module that was required by a loader of its own is none of CommonJS.
  if (name === EXPORTS) return 'default' in namespace ? namespace.default : namespace
  return (namespace.default as Namespace | undefined)?.[name]
}

/** `default` as compilers to CommonJS understand it. */
function required(value: unknown, name: string): unknown {
  if (name === '*') return value
  const module = value as Namespace
  const isNamespace = types.isModuleNamespaceObject(value) || module.__esModule === true
  return name === 'default' && !isNamespace ? value : module[name]
}

// --- code ------------------------------------------------------------------------------------------------------------------

/** What is made of a code record: functions, given the values of the names that it does not have itself. */
interface Maker {
  readonly code: Code
  readonly site: Site
  /** Names that stand for the same in each such function, and what they stand for. */
  readonly provided: readonly unknown[]
  /** Those of its captured values. */
  readonly roots: readonly string[]
  /** The function, given `provided` and the values of its roots. */
  plain(values: readonly unknown[]): AnyFunction
  /** The function, and what gives its roots other values. */
  open(values: readonly unknown[]): readonly [AnyFunction, (values: readonly unknown[]) => void]
}

const makers = new Map<number, Maker>()

function makerOf(address: number): Maker {
  let maker = makers.get(address)
  if (maker === undefined) {
    maker = newMaker(address)
    makers.set(address, maker)
  }
  return maker
}

function newMaker(address: number): Maker {
  const code = recordAt(address)
  const { names, script, slots } = code
  const map = takeSourceMap(address, script)
  if (map !== undefined) useSourceMap(script, map)
  noteStrictness(code)
  const roots = [...new Set(slots.map(({ form }) => form?.root as string))]
  const provided = names.map(([, what]) => provide(what, script))
  const parameters = [...names.map(([name]) => name), ...roots]
  const build = (before: string, after: string) => {
    const opening = code.strict ? `"use strict";${before}` : before
    return compile(opening + code.expression + after, parameters, {
      filename: script,
      lineOffset: code.lineOffset,
      columnOffset: code.columnOffset - opening.length,
    })
  }
  let plain: ReturnType<typeof compile> | undefined
  let open: ReturnType<typeof compile> | undefined
  return {
    code,
    site: { ...newSite(slots, false), code: address, sent: slots.filter(isSent), unfit: code.unfit },
    provided,
    roots,
    plain(values) {
      plain ??= build('return ', '')
      return plain(...values)
    },
    open(values) {
      open ??= build('return[', `,function(){[${parameters.join()}]=arguments[0]}]`)
      return open(...values)
    },
  }
}

/** Makes this thread's stack traces use the source map `map` for `script`. */
function useSourceMap(script: string, map: string): void {
  const { setSourceMapsSupport } = module as { setSourceMapsSupport?: (enabled: boolean, options: object) => void }
  if (setSourceMapsSupport === undefined) process.setSourceMapsEnabled(true)
  else setSourceMapsSupport(true, { nodeModules: true, generatedCode: true })
  const url = `data:application/json;base64,${Buffer.from(map).toString('base64')}`
  // Node takes source maps from code that it loads; this is how code says that it stands for another file.
  // biome-ignore lint/security/noGlobalEval: comments only
  globalThis.eval(`//# sourceMappingURL=${url}\n//# sourceURL=${script}`)
}

// --- linking ---------------------------------------------------------------------------------------------------------------

/** The functions of a graph that were made so far, by their nodes. */
type Made = (AnyFunction | undefined)[]

/** A function of a graph, as far as it is the same each time that the graph is made. */
interface Part {
  readonly maker: Maker
  readonly isOnly: boolean
  /** What its maker takes, with the values of those that stay. */
  readonly values: readonly unknown[]
  /** Values that are data: which value, and which data. */
  readonly data: readonly (readonly [value: number, data: number])[]
  /** Values that are what such a function gives: other functions of the graph, and properties of a root. */
  readonly others: readonly (readonly [value: number, give: Giver])[]
  /** What it refers to in the graph, by root. */
  readonly nodes: readonly (readonly [root: string, node: number])[]
  readonly elements: readonly Element[]
  /** Somebody may get hold of it: then it needs a note. */
  readonly isSeen: boolean
}

/** What its thunk gives in one place. */
interface Element {
  readonly element: number
  readonly give: Giver
}

type Giver = (data: readonly unknown[], made: Made) => unknown

function partOf({ code, isOnly, values: kinds }: GraphNode, index: number, { nodes: graph, count }: Graph): Part {
  const maker = makerOf(code)
  const { slots, sent } = maker.site
  const { script, expression } = maker.code
  const givers = slots.map((slot) => {
    const value: Value = isSent(slot) ? (kinds[sent.indexOf(slot)] as Value) : { from: slot.from as Import }
    return { slot, value, give: giverOf(value, script) }
  })
  const values = [...maker.provided]
  const data: (readonly [number, number])[] = []
  const others: (readonly [number, Giver])[] = []
  for (const root of maker.roots) {
    const under = givers.filter(({ slot }) => slot.form?.root === root)
    const give: Giver = (all, made) =>
      rootValue(under.map((each) => [each.slot.form?.steps ?? [], each.give(all, made)] as const))
    const stays = under.every(({ value }) => STAYING.some((kind) => kind in value))
    const [first] = under
    const place = values.push(stays ? give([], []) : undefined) - 1
    if (stays) continue
    if (first !== undefined && 'data' in first.value && first.slot.form?.steps.length === 0) {
      data.push([place, first.value.data])
    } else others.push([place, give])
  }
  return {
    maker,
    isOnly,
    values,
    data,
    others,
    nodes: givers.flatMap(({ slot, value }) =>
      nodesIn(value).map((node) => [slot.form?.root as string, node] as const),
    ),
    elements: givers.map(({ slot, give }) => ({ element: slot.index, give })),
    // A graph without data is made once, and other graphs refer to it.
    isSeen:
      count === 0 ||
      index > 0 ||
      NAMES_ITSELF.test(expression) ||
      graph.some(({ values }) => values.flatMap(nodesIn).includes(0)),
  }
}

/** Kinds of values that are the same each time that the graph is made. */
const STAYING = ['from', 'code', 'refusal']

/** A function that has its own name as a variable, as `expression` is written: it may give itself to `go`. */
const NAMES_ITSELF = /^(?:\(|\{[^:]*:)(?:async\s+)?function\b[\s*]*[\p{ID_Start}$_]/u

function giverOf(value: Value, script: string): Giver {
  if ('data' in value) return (data) => data[value.data]
  if ('node' in value) return (_, made) => made[value.node]
  if ('code' in value) return () => functionAt(value.code)
  if ('from' in value) return giverOfImport(script, value.from)
  if ('refusal' in value) return () => refusing(value.refusal)
  const members = Object.entries(value.members).map(([name, member]) => [name, giverOf(member, script)] as const)
  const { isObject } = value
  return (data, made) => {
    const namespace: object = isObject ? {} : Object.create(null)
    for (const [name, give] of members) {
      // Not all may be made yet.
      const get = () => give(data, made)
      const set = (value: unknown) => Object.defineProperty(namespace, name, { value, writable: true })
      Object.defineProperty(namespace, name, {
        get,
        ...(isObject ? { set } : {}),
        enumerable: true,
        configurable: isObject,
      })
    }
    return namespace
  }
}

/** What stands for a function that can't be shipped. */
const refusing = (message: string) => () => {
  throw new CaptureError(message)
}

/** Values that are parts of a value. */
const valuesIn = (value: Value): Value[] => ('members' in value ? Object.values(value.members) : [])

function nodesIn(value: Value): number[] {
  return 'node' in value ? [value.node] : valuesIn(value).flatMap(nodesIn)
}

/** What the maker takes. */
function valuesOf({ values, data, others }: Part, all: readonly unknown[], made: Made): readonly unknown[] {
  if (data.length === 0 && others.length === 0) return values
  const mine = values.slice()
  for (const [place, index] of data) mine[place] = all[index]
  for (const [place, give] of others) mine[place] = give(all, made)
  return mine
}

/** Functions that a thread needs but once, by their code records. */
const only = new Map<number, AnyFunction>()

function linked(graph: Graph): ShippedFunction {
  const { nodes, count } = graph
  const parts = nodes.map((node, index) => partOf(node, index, graph))
  const isAlone = parts.length === 1 && parts[0]?.nodes.length === 0
  const make = isAlone ? madeAlone(parts[0] as Part) : (data: readonly unknown[]) => new Linking(parts, data).first()
  if (count === 0) return make([]) as ShippedFunction
  const taker: ShippedFunction = (...values) => {
    const fn = make(values) as ShippedFunction
    return values.length === count ? fn() : fn(...values.slice(count))
  }
  takers.add(taker)
  return taker
}

/** The functions that take captured data, and with it make the one to be called. */
const takers = new WeakSet<ShippedFunction>()

const asyncPrototype: unknown = Object.getPrototypeOf(async () => {})

/** Whether a goroutine of `fn` has more than a first step, as far as is known: what it makes for each may be async. */
export const mayGoOn = (fn: ShippedFunction): boolean => Object.getPrototypeOf(fn) === asyncPrototype || takers.has(fn)

/** Makes the only function of a graph. */
const madeAlone = (part: Part) => (data: readonly unknown[]) => {
  const fn = part.maker.plain(valuesOf(part, data, []))
  if (part.isSeen) note(fn, part, data, [])
  return fn
}

/** Lets `fn` be shipped on. */
function note(fn: AnyFunction, { maker, isOnly, elements }: Part, data: readonly unknown[], made: Made): void {
  const thunk = () => {
    const values: unknown[] = []
    for (let i = 0; i < elements.length; i++) {
      const { element, give } = elements[i] as Element
      values[element] = give(data, made)
    }
    return values
  }
  noteLinked(fn, thunk, maker.site, isOnly)
}

/** The functions of a graph, being made. */
class Linking {
  readonly #parts: readonly Part[]
  readonly #data: readonly unknown[]
  readonly #made: Made
  /** By node, what assigns its values; undefined if there is nothing to assign later. */
  readonly #setters: (((values: readonly unknown[]) => void) | undefined)[] = []
  /** Classes whose definition is under way. */
  readonly #underWay = new Set<number>()

  constructor(parts: readonly Part[], data: readonly unknown[]) {
    this.#parts = parts
    this.#data = data
    this.#made = parts.map(({ maker, isOnly }) => (isOnly ? only.get(maker.site.code) : undefined))
  }

  first(): AnyFunction {
    const parts = this.#parts
    // What a function refers to comes behind it, unless there is a cycle.
    for (let i = parts.length - 1; i >= 0; i--) if (this.#isMissing(i) && this.#classOf(i) === undefined) this.#make(i)
    for (let i = parts.length - 1; i >= 0; i--) if (this.#isMissing(i)) this.#define(i)
    for (let i = 0; i < parts.length; i++) this.#tell(i)
    for (const [i, { maker, isOnly }] of parts.entries()) {
      if (isOnly) only.set(maker.site.code, this.#made[i] as AnyFunction)
    }
    return this.#made[0] as AnyFunction
  }

  #part(i: number): Part {
    return this.#parts[i] as Part
  }

  #isMissing(i: number): boolean {
    return this.#made[i] === undefined
  }

  #make(i: number): void {
    const part = this.#part(i)
    const values = valuesOf(part, this.#data, this.#made)
    if (part.nodes.some(([, node]) => this.#isMissing(node))) {
      const [fn, set] = part.maker.open(values)
      this.#made[i] = fn
      this.#setters[i] = set
    } else {
      this.#made[i] = part.maker.plain(values)
    }
    if (part.isSeen) note(this.#made[i] as AnyFunction, part, this.#data, this.#made)
  }

  /** Tells function `i` of those that were made after it. */
  #tell(i: number): void {
    this.#setters[i]?.(valuesOf(this.#part(i), this.#data, this.#made))
  }

  #classOf(i: number): Code['definesWith'] {
    return this.#part(i).maker.code.definesWith
  }

  /** Defines the class at `i`, and before it what it needs or may need for that. */
  #define(i: number): void {
    const { heritage, early } = this.#classOf(i) as NonNullable<Code['definesWith']>
    this.#underWay.add(i)
    const ready = new Set<number>()
    for (const node of this.#nodesOf(i, heritage)) this.#ensure(node, ready)
    for (const node of this.#nodesOf(i, early)) this.#ensure(node, ready)
    for (const node of ready) this.#tell(node)
    this.#make(i)
    this.#underWay.delete(i)
  }

  /** Sees to it that `i` can be used, as far as that does not need a class that is under way. */
  #ensure(i: number, ready: Set<number>): void {
    if (ready.has(i)) return
    ready.add(i)
    if (this.#isMissing(i)) {
      if (this.#waits(i)) return
      this.#define(i)
    }
    for (const [, node] of this.#part(i).nodes) this.#ensure(node, ready)
  }

  /** Whether class `i` is under way, or extends one that is. */
  #waits(i: number): boolean {
    if (!this.#isMissing(i)) return false
    if (this.#underWay.has(i)) return true
    const { heritage } = this.#classOf(i) as NonNullable<Code['definesWith']>
    return this.#nodesOf(i, heritage).some((node) => this.#waits(node))
  }

  /** The nodes to which node `i` refers by `roots`. */
  #nodesOf(i: number, roots: readonly string[]): number[] {
    return this.#part(i).nodes.flatMap(([root, node]) => (roots.includes(root) ? [node] : []))
  }
}
