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
import { isSent, noteStrictness, recordAt, recordOrGraphAt, takeSourceMap } from './code.ts'
import type { AnyFunction, Import, Site, Slot } from './compiled.ts'
import { noteLinked, rootValue } from './compiled.ts'
import { compile, IMPORT, provide } from './provided.ts'

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
  if (name === '*' || name in namespace) return name === '*' ? namespace : namespace[name]
  return (namespace.default as Namespace | undefined)?.[name]
}

// --- code ------------------------------------------------------------------------------------------------------------------

/** Makes the function, given the values of its roots; or the function and what assigns other values to them. */
interface Maker {
  readonly roots: readonly string[]
  /** Elements by root. */
  readonly elements: readonly (readonly Slot[])[]
  readonly site: Site
  readonly code: Code
  plain(roots: readonly unknown[]): AnyFunction
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
  const { names, script, slots } = code
  const map = takeSourceMap(address, script)
  if (map !== undefined) useSourceMap(script, map)
  noteStrictness(code)
  const roots = [...new Set(slots.map(({ form }) => form?.root as string))]
  const provided = names.map((name) => provide(name, script))
  const build = (before: string, after: string) => {
    const directive = code.strict ? `"use strict";${before}` : before
    return compile(directive + code.expression + after, [...names, ...roots], {
      filename: script,
      lineOffset: code.lineOffset,
      columnOffset: code.columnOffset - directive.length,
    })
  }
  let plain: ReturnType<typeof compile> | undefined
  let open: ReturnType<typeof compile> | undefined
  return {
    roots,
    elements: roots.map((root) => slots.filter(({ form }) => form?.root === root)),
    site: { slots, code: address, sent: slots.filter(isSent) },
    code,
    plain(values) {
      plain ??= build('return ', '')
      return plain(...provided, ...values)
    },
    open(values) {
      open ??= build('return[', `,_goro_set=>{[${roots.join()}]=_goro_set}]`)
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

/** Functions that a thread needs but once, by their code records. */
const unique = new Map<number, AnyFunction>()

function linked(graph: Graph): ShippedFunction {
  const { count } = graph
  if (count === 0) return new Linking(graph, []).first() as unknown as ShippedFunction
  return (...values) => {
    const fn = new Linking(graph, values).first() as unknown as ShippedFunction
    return fn(...values.slice(count))
  }
}

/** The functions of a graph being made. */
class Linking {
  readonly #nodes: readonly GraphNode[]
  readonly #makers: readonly Maker[]
  readonly #data: readonly unknown[]
  readonly #made: (AnyFunction | undefined)[]
  /** By node, what assigns its roots; undefined if there is nothing to assign later. */
  readonly #setters: (((roots: readonly unknown[]) => void) | undefined)[] = []
  /** Classes whose definition is under way. */
  readonly #underWay = new Set<number>()

  constructor({ nodes }: Graph, data: readonly unknown[]) {
    this.#nodes = nodes
    this.#makers = nodes.map(({ code }) => makerOf(code))
    this.#data = data
    this.#made = nodes.map(({ code, isOnly }) => (isOnly ? unique.get(code) : undefined))
  }

  first(): AnyFunction {
    const isMade = this.#made.map((fn) => fn !== undefined)
    for (const i of this.#nodes.keys()) if (!isMade[i] && this.#classOf(i) === undefined) this.#make(i)
    for (const i of this.#nodes.keys()) if (this.#made[i] === undefined) this.#define(i)
    for (const i of this.#nodes.keys()) if (!isMade[i]) this.#tell(i)
    for (const [i, { code, isOnly }] of this.#nodes.entries())
      if (isOnly) unique.set(code, this.#made[i] as AnyFunction)
    return this.#made[0] as AnyFunction
  }

  #make(i: number): void {
    const maker = this.#makers[i] as Maker
    const refersToNodes = (this.#nodes[i] as GraphNode).values.some(refersToNode)
    if (refersToNodes) {
      const [fn, set] = maker.open(this.#roots(i))
      this.#made[i] = fn
      this.#setters[i] = set
    } else {
      this.#made[i] = maker.plain(this.#roots(i))
    }
    noteLinked(this.#made[i] as AnyFunction, () => this.#elements(i), maker.site, this.#nodes[i]?.isOnly === true)
  }

  #tell(i: number): void {
    this.#setters[i]?.(this.#roots(i))
  }

  // --- classes

  #classOf(i: number): Code['definesWith'] {
    return (this.#makers[i] as Maker).code.definesWith
  }

  /** Defines the class at `i`, and before it what it needs or may need for that. */
  #define(i: number): void {
    const { heritage, early } = this.#classOf(i) as NonNullable<Code['definesWith']>
    this.#underWay.add(i)
    const ready = new Set<number>()
    for (const node of this.#nodesUnder(i, heritage)) this.#ensure(node, ready)
    for (const node of this.#nodesUnder(i, early)) this.#ensure(node, ready)
    for (const node of ready) this.#tell(node)
    this.#make(i)
    this.#underWay.delete(i)
  }

  /** Sees to it that `i` can be used, as far as that does not need a class that is under way. */
  #ensure(i: number, ready: Set<number>): void {
    if (ready.has(i)) return
    ready.add(i)
    if (this.#made[i] === undefined) {
      if (this.#waits(i)) return
      this.#define(i)
    }
    for (const node of this.#nodesUnder(i, undefined)) this.#ensure(node, ready)
  }

  /** Whether class `i` is under way, or extends one that is. */
  #waits(i: number): boolean {
    if (this.#made[i] !== undefined) return false
    if (this.#underWay.has(i)) return true
    const { heritage } = this.#classOf(i) as NonNullable<Code['definesWith']>
    return this.#nodesUnder(i, heritage).some((node) => this.#waits(node))
  }

  /** The nodes to which node `i` refers, by any of `roots` or at all. */
  #nodesUnder(i: number, roots: readonly string[] | undefined): number[] {
    const { sent } = (this.#makers[i] as Maker).site
    return sent.flatMap(({ form }, k) =>
      roots === undefined || roots.includes(form?.root as string)
        ? nodesIn((this.#nodes[i] as GraphNode).values[k] as Value)
        : [],
    )
  }

  // --- values

  /** What the roots of node `i` are now. */
  #roots(i: number): unknown[] {
    const values = this.#elements(i)
    return (this.#makers[i] as Maker).elements.map((slots) =>
      rootValue(slots.map((slot) => [slot.form?.steps ?? [], values[slot.index]] as const)),
    )
  }

  /** What the elements of its thunk would be, by their numbers. */
  #elements(i: number): unknown[] {
    const { site, code } = this.#makers[i] as Maker
    const { values } = this.#nodes[i] as GraphNode
    const elements: unknown[] = []
    let k = 0
    for (const slot of site.slots) {
      elements[slot.index] = isSent(slot)
        ? this.#value(values[k++] as Value, code.script)
        : imported(code.script, slot.from as Import)
    }
    return elements
  }

  #value(value: Value, script: string): unknown {
    if ('data' in value) return this.#data[value.data]
    if ('node' in value) return this.#made[value.node]
    if ('code' in value) return functionAt(value.code)
    if ('from' in value) return imported(script, value.from)
    const namespace: object = Object.create(null)
    for (const [name, member] of Object.entries(value.members)) {
      Object.defineProperty(namespace, name, { get: () => this.#value(member, script), enumerable: true })
    }
    return namespace
  }
}

const refersToNode = (value: Value): boolean => nodesIn(value).length > 0

function nodesIn(value: Value): number[] {
  if ('node' in value) return [value.node]
  return 'members' in value ? Object.values(value.members).flatMap(nodesIn) : []
}
