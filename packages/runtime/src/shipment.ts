/**
 * A function that is given to `go`, with what it refers to: code is shipped, data is copied at the call, handles are shared.
 *
 * Which of its captured values is what is decided at each call, by the value: a function of which the compiler has told is
 * code, with captured values of its own; another function that was imported is imported there; what is left is data. Walked in
 * this way, depth first, a function gives a list of data, which travels ahead of the arguments, and a *shape*: what stood in
 * each place. The shapes that a definition has had are remembered as a tree of steps, in which a walk that has been before
 * finds its graph record again without looking at more than the values.
 *
 * Most functions refer to data and imports only. They have one shape, which needs no record but that of the code.
 */
import { inspect, types } from 'node:util'
import {
  exactly,
  type GraphNode,
  plainCodeOf,
  plainCodeOfValue,
  publishGraph,
  publishSites,
  type Value,
} from './code.ts'
import { type AnyFunction, type Import, type Note, noteOf, noteOn, type Site, type Slot, siteOf } from './compiled.ts'
import { CaptureError } from './errors.ts'
import { callSite, original, show } from './location.ts'

const NOTHING: readonly unknown[] = []

/** The data that goes along with the function for which `shipmentOf` was called last. */
export let captured: readonly unknown[] = NOTHING

/**
 * The address of the record of `fn` and all that it refers to; `captured` is then the data among it. `api` is what the user called,
 * for messages.
 *
 * @throws TypeError if `fn` is no function.
 * @throws CaptureError if it, or a function that it refers to, can't be shipped.
 * @throws OutOfMemoryError if there is no room for the records.
 */
export function codeOf(fn: AnyFunction, api: string): number {
  captured = NOTHING
  if (typeof fn !== 'function') throw new TypeError(`${api}: takes a function, not ${inspect(fn, { depth: 0 })}`)
  const note = noteOn(fn)
  if (note !== undefined) return ship(note, api)
  return unnoted(fn, api)
}

function unnoted(fn: AnyFunction, api: string): number {
  const note = noteOf(fn)
  return note === undefined ? plainCodeOf(fn, api) : ship(note, api)
}

/** What the data with this number is called that goes along with `fn`. */
export function nameOfCaptured(fn: AnyFunction, number: number, api: string): string {
  return new Drawing(noteOf(fn) as Note, api).names[number] as string
}

function ship(note: Note, api: string): number {
  const site = siteOf(note)
  if (site.code === 0) publishAll(note, api)
  if (site.unfit !== undefined) throw new CaptureError(`${api}: ${site.unfit}`)
  if (note.fixed !== 0) return note.fixed
  const { sent } = site
  if (sent.length === 0) {
    note.fixed = site.code
    return site.code
  }
  const values = valuesOf(note, api)
  const data: unknown[] = []
  for (const { index, from } of sent) {
    const value = values[index]
    if (typeof value === 'function' || (from !== undefined && !isData(value, from))) {
      return new Walk(note, values, api).graph()
    }
    data.push(value)
  }
  captured = data
  return site.code
}

/** What the thunk gives. */
function valuesOf(note: Note, api: string): readonly unknown[] {
  try {
    return note.thunk()
  } catch (error) {
    const name = /^Cannot access '(.+)' before initialization$/.exec((error as Error).message)?.[1]
    if (name === undefined) throw error
    const own = note.fn.name === '' ? 'the function' : `\`${note.fn.name}\``
    throw new CaptureError(
      `${api}: ${own} refers to \`${name}\`, which is not initialised yet; call ${api} at ${show(original(callSite()))} ` +
        'after its declaration has run',
    )
  }
}

/** Whether `value`, which is no function and was imported as `from` says, is data. */
const isData = (value: unknown, from: Import): boolean => !isNamespace(value, from) && !isPart(value, from)

/**
 * Whether it is the namespace of a module of the program, or what stands for it in CommonJS or in a bundle, or an object of
 * functions that a module exports.
 */
function isNamespace(value: unknown, { path, isExternal }: Import): value is object {
  if (typeof value !== 'object' || value === null || isExternal) return false
  return (path.length === 1 && path[0] === '*') || types.isModuleNamespaceObject(value) || isCollection(value)
}

/** Whether it is an object of functions of which the compiler has told, such as `export default { parse, format }`. */
function isCollection(value: object): boolean {
  if (Object.getPrototypeOf(value) !== Object.prototype) return false
  const functions = Object.values(value).filter((each) => typeof each === 'function')
  return functions.length > 0 && functions.every((fn) => noteOf(fn) !== undefined)
}

/** Whether it is a part of a package, such as `fs.promises`: an object with functions. */
function isPart(value: unknown, { isExternal }: Import): boolean {
  if (typeof value !== 'object' || value === null || !isExternal) return false
  return Object.values(value).some((each) => typeof each === 'function')
}

/** What was found of functions that are members of namespaces. */
const refusals = new WeakMap<AnyFunction, string | undefined>()

/**
 * Why `member` of a namespace can't be shipped, if it is a function that can't, or that refers to one. Who uses a namespace as a
 * value does not mean all of it: such a function is refused when it is called.
 */
function refusalOf(member: unknown): string | undefined {
  if (typeof member !== 'function') return undefined
  if (!refusals.has(member)) {
    // If it comes back to itself, it is not by this that it is refused.
    refusals.set(member, undefined)
    refusals.set(member, findRefusal(member))
  }
  return refusals.get(member)
}

function findRefusal(fn: AnyFunction): string | undefined {
  const note = noteOf(fn)
  if (note === undefined || note.fixed !== 0) return undefined
  try {
    const values = note.thunk()
    for (const { index } of siteOf(note).slots) {
      const refusal = refusalOf(values[index])
      if (refusal !== undefined) return refusal
    }
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** Whether a thread can load the module. In a bundle those of the program have no place of their own (packages/compiler/src/plugin.ts). */
const isLoadable = (from: Import | undefined): from is Import => from !== undefined && from.specifier !== ''

/** The member `name` of the namespace `from`. */
const memberOf = (from: Import, name: string): Import => ({
  ...from,
  path: from.path[0] === '*' ? [name] : [...from.path, name],
})

// --- walking ---------------------------------------------------------------------------------------------------------------

/** One step of a walk: what stood in a place. The steps that have followed it are a list, of which the first is the usual. */
interface Step {
  readonly token: number
  /** The steps that have come after this one. */
  readonly next: Step[]
  /** The graph record of the walk that ends here. */
  graph: number
}

// What stands in a place, as a number: the address of a code or graph record, or one of these; a node that has come before is
// the number NODE - i, a namespace with certain members the number NODE - i of a list of its own.
const DATA = -1
const IMPORT = -2
const REFUSED = -3
const NODE = -4
const NAMESPACE = -5

/** By definition, the steps that have come first. */
const firstSteps = new WeakMap<Site, Step>()
/** Lists of members, as numbers. */
const memberLists = new Map<string, number>()

function numberOf(members: readonly string[]): number {
  const key = members.join()
  let number = memberLists.get(key)
  if (number === undefined) {
    number = memberLists.size
    memberLists.set(key, number)
  }
  return number
}

/** One walk through what a function refers to. */
class Walk {
  readonly #root: Note
  readonly #api: string
  readonly #notes: Note[]
  readonly #data: unknown[] = []
  #step: Step

  constructor(root: Note, values: readonly unknown[], api: string) {
    this.#root = root
    this.#api = api
    this.#notes = [root]
    const site = siteOf(root)
    let first = firstSteps.get(site)
    if (first === undefined) {
      first = { token: site.code, next: [], graph: 0 }
      firstSteps.set(site, first)
    }
    this.#step = first
    this.#walk(site, values)
  }

  /** The record of the whole graph. */
  graph(): number {
    captured = this.#data
    const step = this.#step
    if (step.graph !== 0) return step.graph
    const drawing = new Drawing(this.#root, this.#api)
    if (drawing.settle()) return ship(this.#root, this.#api)
    step.graph = drawing.publish()
    return step.graph
  }

  #walk({ sent }: Site, values: readonly unknown[]): void {
    for (const { index, from } of sent) this.#visit(values[index], from)
  }

  #visit(value: unknown, from: Import | undefined): void {
    if (typeof value === 'function') return this.#visitFunction(value, from)
    if (from !== undefined && isNamespace(value, from)) return this.#visitNamespace(value, from)
    if (from !== undefined && isPart(value, from)) return this.#go(IMPORT)
    this.#data.push(value)
    this.#go(DATA)
  }

  #visitFunction(fn: AnyFunction, from: Import | undefined): void {
    const i = this.#notes.findIndex((note) => note.fn === fn)
    if (i >= 0) return this.#go(NODE - 2 * i)
    const note = noteOf(fn)
    if (note === undefined) return this.#go(isLoadable(from) ? IMPORT : plainCodeOfValue(fn, this.#api))
    if (note.fixed !== 0) return this.#go(note.fixed)
    const site = siteOf(note)
    if (site.code === 0) publishAll(this.#root, this.#api)
    this.#notes.push(note)
    this.#go(site.code)
    if (site.sent.length > 0) this.#walk(site, valuesOf(note, this.#api))
  }

  #visitNamespace(namespace: object, from: Import): void {
    const names = Object.keys(namespace)
    this.#go(NAMESPACE - 2 * numberOf(names))
    for (const name of names) {
      const member = (namespace as Record<string, unknown>)[name]
      if (refusalOf(member) === undefined) this.#visit(member, memberOf(from, name))
      else this.#go(REFUSED)
    }
  }

  #go(token: number): void {
    const { next } = this.#step
    let step =
      next.length > 0 && (next[0] as Step).token === token ? next[0] : next.find((each) => each.token === token)
    if (step === undefined) {
      step = { token, next: [], graph: 0 }
      next.push(step)
    }
    this.#step = step
  }
}

// --- what has not been before ----------------------------------------------------------------------------------------------

/** Publishes the code of all functions that are reached from `root` and were not published yet; V8 is asked once for all. */
function publishAll(root: Note, api: string): void {
  const unpublished: Note[] = []
  const sites = new Set<Site>()
  const seen = new Set<AnyFunction>()
  const visit = (value: unknown, from: Import | undefined): void => {
    if (typeof value === 'function') {
      if (seen.has(value)) return
      seen.add(value)
      const note = noteOf(value)
      if (note !== undefined) visitNote(note)
    } else if (from !== undefined && isNamespace(value, from)) {
      for (const [name, member] of Object.entries(value)) {
        if (refusalOf(member) === undefined) visit(member, memberOf(from, name))
      }
    }
  }
  const visitNote = (note: Note): void => {
    const site = siteOf(note)
    if (site.code === 0 && !sites.has(site)) {
      sites.add(site)
      unpublished.push(note)
    }
    const values = valuesOf(note, api)
    for (const { index, from } of site.slots) visit(values[index], from)
  }
  seen.add(root.fn)
  visitNote(root)
  publishSites(unpublished, api)
}

/** A function and what it refers to, as it is now. */
class Drawing {
  readonly #api: string
  readonly #notes: Note[] = []
  readonly #values: Value[][] = []
  /** Of the data, for messages. */
  readonly names: string[] = []

  constructor(root: Note, api: string) {
    this.#api = api
    this.#add(root)
  }

  /** Publishes the graph record and returns its address. */
  publish(): number {
    const fixed = this.#fixed()
    const nodes = this.#notes.map((note, i): GraphNode => {
      return { code: siteOf(note).code, isOnly: note.isOnly && fixed.has(i), values: this.#values[i] as Value[] }
    })
    const graph = publishGraph({ nodes, count: this.names.length })
    if (fixed.has(0)) (this.#notes[0] as Note).fixed = graph
    return graph
  }

  /**
   * Publishes each part that is code and stays the same by itself, so that no walk goes through it again. False if there is none.
   */
  settle(): boolean {
    const fixed = this.#fixed()
    const border = this.#notes.filter((_, i) => {
      return i > 0 && fixed.has(i) && this.#values.some((values, k) => !fixed.has(k) && values.some(isNode(i)))
    })
    for (const note of border) new Drawing(note, this.#api).publish()
    return border.length > 0
  }

  #add(note: Note): number {
    const i = this.#notes.push(note) - 1
    const values: Value[] = []
    this.#values.push(values)
    const { sent } = siteOf(note)
    if (sent.length === 0) return i
    const found = valuesOf(note, this.#api)
    const owner = i === 0 || note.fn.name === '' ? '' : ` of \`${note.fn.name}\``
    for (const slot of sent) values.push(this.#value(found[slot.index], slot.from, nameOf(slot), owner))
    return i
  }

  #value(value: unknown, from: Import | undefined, name: string, owner: string): Value {
    if (typeof value === 'function') return this.#functionValue(value, from)
    if (from !== undefined && isNamespace(value, from)) {
      const members = Object.entries(value).map(([key, member]) => {
        const refused = refusalOf(member)
        return [
          key,
          refused === undefined ? this.#value(member, memberOf(from, key), `${name}.${key}`, owner) : { refused },
        ] as const
      })
      return { members: Object.fromEntries(members), isObject: !types.isModuleNamespaceObject(value) }
    }
    if (from !== undefined && isPart(value, from)) return { from }
    return { data: this.names.push(`captured variable \`${name}\`${owner}`) - 1 }
  }

  #functionValue(fn: AnyFunction, from: Import | undefined): Value {
    const i = this.#notes.findIndex((note) => note.fn === fn)
    if (i >= 0) return { node: i }
    const note = noteOf(fn)
    if (note === undefined)
      return isLoadable(from) ? { from: exactly(from, fn) } : { code: plainCodeOfValue(fn, this.#api) }
    return note.fixed !== 0 ? { code: note.fixed } : { node: this.#add(note) }
  }

  /** The nodes that are code, and refer to the same code for ever. */
  #fixed(): Set<number> {
    const fixed = new Set(this.#notes.keys())
    for (let before = -1; before !== fixed.size; ) {
      before = fixed.size
      for (const i of fixed) {
        const { sent } = siteOf(this.#notes[i] as Note)
        const values = this.#values[i] as Value[]
        const stays = (value: Value): boolean => 'code' in value || ('node' in value && fixed.has(value.node))
        if (!values.every((value, k) => sent[k]?.isConstant === true && stays(value))) fixed.delete(i)
      }
    }
    return fixed
  }
}

/** What the user has called it: an import may stand as a property of its module by now. */
function nameOf({ form, from }: Slot): string {
  if (form === undefined) return ''
  const { root, steps } = form
  if (from === undefined) return [root, ...steps.filter((step) => typeof step === 'string')].join('.')
  const last = from.path.at(-1) as string
  return steps.length > 0 && last !== 'default' ? last : root
}

const isNode = (i: number) => (value: Value) => 'node' in value && value.node === i
