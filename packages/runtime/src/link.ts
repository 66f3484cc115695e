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
import type { Code, Graph, GraphNode, Value } from './code.ts'
import { EXPORTS, isSent, noteStrictness, recordAt, recordOrGraphAt, takeSourceMap } from './code.ts'
import type { AnyFunction, Import, Site } from './compiled.ts'
import { noteLinked, rootValue } from './compiled.ts'
import { compile, IMPORT, NAMING, provide } from './provided.ts'

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
  const loading = load(graph)
  if (loading === undefined) {
    const fn = linked(graph)
    functions.set(address, fn)
    return fn
  }
  const promise = loading.then(
    () => link(address),
    (error) => {
      // The next goroutine tries again.
      functions.delete(address)
      throw error
    },
  )
  functions.set(address, promise)
  return promise
}

/** The graph of a function that refers to data only. */
function alone(code: number, { slots }: Code): Graph {
  const values = slots.filter(isSent).map((_, data): Value => ({ data }))
  return { nodes: [{ code, isOnly: false, values }], count: values.length }
}

// --- imports ---------------------------------------------------------------------------------------------------------------

type Namespace = Readonly<Record<string, unknown>>

const namespaces = new Map<string, Namespace>()

const keyOf = (script: string, specifier: string): string => `${specifier} from ${script}`

/** Loads what the functions of `graph` import and refer to; undefined if it is all there. */
function load({ nodes }: Graph): Promise<unknown> | undefined {
  const missing: Promise<unknown>[] = []
  const need = (script: string, { specifier }: Import): void => {
    const key = keyOf(script, specifier)
    if (namespaces.has(key)) return
    const importIt = provide(IMPORT, script) as (specifier: string) => Promise<Namespace>
    missing.push(importIt(specifier).then((namespace) => namespaces.set(key, unwrapped(namespace))))
  }
  const needValue = (script: string, value: Value): void => {
    if ('from' in value) need(script, value.from)
    else if ('members' in value) for (const each of Object.values(value.members)) needValue(script, each)
    else if ('code' in value) {
      const fn = functionAt(value.code)
      if (typeof fn !== 'function') missing.push(fn)
    }
  }
  for (const { code, values } of nodes) {
    const { script, slots } = recordAt(code)
    for (const { from } of slots) if (from?.isExternal === true) need(script, from)
    for (const value of values) needValue(script, value)
  }
  return missing.length === 0 ? undefined : Promise.all(missing)
}

/** Of a chunk that a bundler has made of a package, what it holds (packages/compiler/src/bundle.ts). */
const unwrapped = (namespace: Namespace): Namespace =>
  (namespace.__goro_namespace as Namespace | undefined) ?? namespace

/** What was imported. `module.exports` of CommonJS is its default export, and may have more names than Node has found. */
function imported(script: string, { specifier, name }: Import): unknown {
  const namespace = namespaces.get(keyOf(script, specifier)) as Namespace
  if (name === '*') return namespace
  if (name in namespace) return namespace[name]
  // An ESM module that was required by a loader of its own is none of CommonJS.
  if (name === EXPORTS) return 'default' in namespace ? namespace.default : namespace
  return (namespace.default as Namespace | undefined)?.[name]
}

// --- code ------------------------------------------------------------------------------------------------------------------

/** What is made of a code record: functions, given the values of their roots. */
interface Maker {
  readonly code: Code
  readonly site: Site
  readonly roots: readonly string[]
  /** The function. */
  plain(roots: readonly unknown[]): AnyFunction
  /** The function, and what gives its roots other values. */
  open(roots: readonly unknown[]): readonly [AnyFunction, (roots: readonly unknown[]) => void]
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
  const { names, naming, script, slots } = code
  const map = takeSourceMap(address, script)
  if (map !== undefined) useSourceMap(script, map)
  noteStrictness(code)
  const roots = [...new Set(slots.map(({ form }) => form?.root as string))]
  const provided = [...names.map((name) => provide(name, script)), ...naming.map(() => provide(NAMING, script))]
  const build = (before: string, after: string) => {
    const opening = code.strict ? `"use strict";${before}` : before
    return compile(opening + code.expression + after, [...names, ...naming, ...roots], {
      filename: script,
      lineOffset: code.lineOffset,
      columnOffset: code.columnOffset - opening.length,
    })
  }
  let plain: ReturnType<typeof compile> | undefined
  let open: ReturnType<typeof compile> | undefined
  return {
    code,
    site: { slots, isRenamed: false, code: address, sent: slots.filter(isSent), unfit: code.unfit },
    roots,
    plain(values) {
      plain ??= build('return ', '')
      return plain(...provided, ...values)
    },
    open(values) {
      open ??= build('return[', `,_goro_=>{[${roots.join()}]=_goro_}]`)
      return open(...provided, ...values)
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
  /** Its roots, with the values of those that stay. */
  readonly roots: readonly unknown[]
  /** Roots that are data: which root, and which data. */
  readonly data: readonly (readonly [root: number, data: number])[]
  /** Roots that are what such a function gives: other functions of the graph, and properties of a root. */
  readonly others: readonly (readonly [root: number, give: Giver])[]
  /** What it refers to in the graph, by root. */
  readonly nodes: readonly (readonly [root: string, node: number])[]
  readonly elements: readonly (readonly [element: number, give: Giver])[]
}

type Giver = (data: readonly unknown[], made: Made) => unknown

function partOf({ code, isOnly, values }: GraphNode): Part {
  const maker = makerOf(code)
  const { slots, sent } = maker.site
  const { script } = maker.code
  const givers = slots.map((slot) => {
    const value: Value = isSent(slot) ? (values[sent.indexOf(slot)] as Value) : { from: slot.from as Import }
    return { slot, value, give: giverOf(value, script) }
  })
  const roots: unknown[] = []
  const data: (readonly [number, number])[] = []
  const others: (readonly [number, Giver])[] = []
  for (const [i, root] of maker.roots.entries()) {
    const under = givers.filter(({ slot }) => slot.form?.root === root)
    const give: Giver = (all, made) =>
      rootValue(under.map((each) => [each.slot.form?.steps ?? [], each.give(all, made)] as const))
    const [first] = under
    roots[i] = undefined
    if (under.every(({ value }) => 'from' in value || 'code' in value)) roots[i] = give([], [])
    else if (first !== undefined && 'data' in first.value && first.slot.form?.steps.length === 0) {
      data.push([i, first.value.data])
    } else others.push([i, give])
  }
  return {
    maker,
    isOnly,
    roots,
    data,
    others,
    nodes: givers.flatMap(({ slot, value }) =>
      nodesIn(value).map((node) => [slot.form?.root as string, node] as const),
    ),
    elements: givers.map(({ slot, give }) => [slot.index, give] as const),
  }
}

function giverOf(value: Value, script: string): Giver {
  if ('data' in value) return (data) => data[value.data]
  if ('node' in value) return (_, made) => made[value.node]
  if ('code' in value) return () => functionAt(value.code)
  if ('from' in value) return () => imported(script, value.from)
  const members = Object.entries(value.members).map(([name, member]) => [name, giverOf(member, script)] as const)
  return (data, made) => {
    const namespace: object = Object.create(null)
    for (const [name, give] of members) {
      Object.defineProperty(namespace, name, { get: () => give(data, made), enumerable: true })
    }
    return namespace
  }
}

function nodesIn(value: Value): number[] {
  if ('node' in value) return [value.node]
  return 'members' in value ? Object.values(value.members).flatMap(nodesIn) : []
}

function rootsOf({ roots, data, others }: Part, all: readonly unknown[], made: Made): readonly unknown[] {
  if (data.length === 0 && others.length === 0) return roots
  const mine = roots.slice()
  for (const [root, index] of data) mine[root] = all[index]
  for (const [root, give] of others) mine[root] = give(all, made)
  return mine
}

/** Functions that a thread needs but once, by their code records. */
const only = new Map<number, AnyFunction>()

function linked({ nodes, count }: Graph): ShippedFunction {
  const parts = nodes.map(partOf)
  const isPlain = parts.length === 1 && parts[0]?.nodes.length === 0
  const make = isPlain ? madeAlone(parts[0] as Part) : (data: readonly unknown[]) => new Linking(parts, data).first()
  if (count === 0) return make([]) as ShippedFunction
  return (...values) => (make(values) as ShippedFunction)(...values.slice(count))
}

/** Makes the only function of a graph. */
const madeAlone = (part: Part) => (data: readonly unknown[]) => {
  const fn = part.maker.plain(rootsOf(part, data, []))
  note(fn, part, data, [])
  return fn
}

/** Lets `fn` be shipped on. */
function note(fn: AnyFunction, { maker, isOnly, elements }: Part, data: readonly unknown[], made: Made): void {
  const thunk = () => {
    const values: unknown[] = []
    for (const [element, give] of elements) values[element] = give(data, made)
    return values
  }
  noteLinked(fn, thunk, maker.site, isOnly)
}

/** The functions of a graph, being made. */
class Linking {
  readonly #parts: readonly Part[]
  readonly #data: readonly unknown[]
  readonly #made: Made
  /** By node, what assigns its roots; undefined if there is nothing to assign later. */
  readonly #setters: (((roots: readonly unknown[]) => void) | undefined)[] = []
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
    const roots = rootsOf(part, this.#data, this.#made)
    if (part.nodes.some(([, node]) => this.#isMissing(node))) {
      const [fn, set] = part.maker.open(roots)
      this.#made[i] = fn
      this.#setters[i] = set
    } else {
      this.#made[i] = part.maker.plain(roots)
    }
    note(this.#made[i] as AnyFunction, part, this.#data, this.#made)
  }

  /** Tells function `i` of those that were made after it. */
  #tell(i: number): void {
    this.#setters[i]?.(rootsOf(this.#part(i), this.#data, this.#made))
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
