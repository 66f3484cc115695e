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
import {
  type AnyFunction,
  type Import,
  type Note,
  noteOf,
  noteOn,
  type Site,
  type Slot,
  type Step,
  siteOf,
} from './compiled.ts'
import { CaptureError } from './errors.ts'
import { callSite, original, show } from './location.ts'

const NOTHING: readonly unknown[] = []

/** The data that goes along with the function for which `codeOf` was called last. */
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
  const note = noteOn(fn) ?? noteOf(fn)
  return note === undefined ? plainCodeOf(fn, api) : ship(note, api)
}

function ship(note: Note, api: string): number {
  const site = siteOf(note)
  if (site.code === 0) return shipFirst(note, site, api)
  if (site.unfit !== undefined) throw new CaptureError(`${api}: ${site.unfit}`)
  if (note.fixed !== 0) return note.fixed
  const { sent } = site
  if (sent.length === 0) {
    note.fixed = site.code
    return site.code
  }
  const values = valuesOf(note, api)
  const data: unknown[] = []
  let step: Step = site.first
  for (const { index, from } of sent) {
    const value = values[index]
    const token = value === note.fn ? NODE : tokenOf(value, from)
    const next = token === UNKNOWN ? undefined : nextOf(step, token)
    if (next === undefined) return new Walk(note, new Reading(api, note, values)).graph()
    if (token === DATA) data.push(value)
    step = next
  }
  if (step.graph === 0) return new Walk(note, new Reading(api, note, values)).graph()
  captured = data
  return step.graph
}

/** What stands for `value` in a walk, if no more has to be looked at. */
function tokenOf(value: unknown, from: Import | undefined): number {
  if (typeof value === 'function') {
    const note = noteOf(value)
    if (note === undefined) return isLoadable(from) ? IMPORT : UNKNOWN
    return note.fixed || UNKNOWN
  }
  return from === undefined || isData(value, from) ? DATA : UNKNOWN
}

const nextOf = ({ next }: Step, token: number): Step | undefined =>
  next[0]?.token === token ? next[0] : next.find((each) => each.token === token)

/** As `ship`, of a definition that was not published yet. What is read, is read once. */
function shipFirst(note: Note, site: Site, api: string): number {
  const reading = new Reading(api, note, site.refusal === undefined ? valuesOf(note, api) : NOTHING)
  if (site.refusal === undefined) publishAll(note, reading)
  if (site.refusal !== undefined) throw new CaptureError(site.refusal)
  if (site.unfit !== undefined) throw new CaptureError(`${api}: ${site.unfit}`)
  return new Walk(note, reading).graph()
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

/** The values of thunks in one call of `go`: a getter among them is to be called once. */
class Reading {
  readonly api: string
  readonly #root: Note
  readonly #values: readonly unknown[]
  #others: Map<Note, readonly unknown[]> | undefined

  constructor(api: string, root: Note, values: readonly unknown[]) {
    this.api = api
    this.#root = root
    this.#values = values
  }

  of(note: Note): readonly unknown[] {
    if (note === this.#root) return this.#values
    this.#others ??= new Map()
    let values = this.#others.get(note)
    if (values === undefined) {
      values = valuesOf(note, this.api)
      this.#others.set(note, values)
    }
    return values
  }

  /** Why the function can't be shipped, if it can't. */
  refusalOf(note: Note): string | undefined {
    const { refusal } = siteOf(note)
    if (refusal !== undefined) return refusal
    try {
      this.of(note)
      return undefined
    } catch (error) {
      if (!(error instanceof CaptureError)) throw error
      return error.message
    }
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

/** Whether a thread can load the module. In a bundle those of the program have no place of their own (packages/compiler/src/plugin.ts). */
const isLoadable = (from: Import | undefined): from is Import => from !== undefined && from.specifier !== ''

/** The record of a function of which the compiler has said nothing; or, if nobody may need it, why there is none. */
function plainOf(fn: AnyFunction, api: string, isLenient: boolean): number | string {
  try {
    return plainCodeOfValue(fn, api)
  } catch (error) {
    if (isLenient && error instanceof CaptureError) return error.message
    throw error
  }
}

/** The member `name` of the namespace `from`. */
const memberOf = (from: Import, name: string): Import => ({
  ...from,
  path: from.path[0] === '*' ? [name] : [...from.path, name],
})

// --- walking ---------------------------------------------------------------------------------------------------------------

// What stands in a place, as a number: the address of a code or graph record, or one of these; a node that has come before, or a
// text in a list of texts, is one of these less three for each before it.
const UNKNOWN = 0
const DATA = -1
const IMPORT = -2
const NODE = -5
/** A namespace with these members. */
const NAMESPACE = -6
/** Why a function can't be shipped. */
const TEXT = -7
const APART = 3

const texts = new Map<string, number>()

function numberOf(text: string): number {
  let number = texts.get(text)
  if (number === undefined) {
    number = texts.size
    texts.set(text, number)
  }
  return number
}

/** One walk through what a function refers to. */
class Walk {
  readonly #root: Note
  readonly #reading: Reading
  readonly #nodes = new Map<AnyFunction, number>()
  readonly #data: unknown[] = []
  #step: Step

  constructor(root: Note, reading: Reading) {
    this.#root = root
    this.#reading = reading
    this.#nodes.set(root.fn, 0)
    this.#step = siteOf(root).first
    this.#walk(root, false)
  }

  /** The record of the whole graph. */
  graph(): number {
    const step = this.#step
    if (step.graph === 0) {
      const drawing = new Drawing(this.#root, this.#reading)
      if (drawing.settle()) return new Walk(this.#root, this.#reading).graph()
      step.graph = drawing.publish()
    }
    captured = this.#data
    return step.graph
  }

  /** `isLenient`: what can't be shipped is not missed before it is called. */
  #walk(note: Note, isLenient: boolean): void {
    const { sent } = siteOf(note)
    if (sent.length === 0) return
    const values = this.#reading.of(note)
    for (const { index, from } of sent) this.#visit(values[index], from, isLenient)
  }

  #visit(value: unknown, from: Import | undefined, isLenient: boolean): void {
    if (typeof value === 'function') return this.#visitFunction(value, from, isLenient)
    if (from !== undefined && isNamespace(value, from)) return this.#visitNamespace(value, from)
    if (from !== undefined && isPart(value, from)) return this.#go(IMPORT)
    this.#data.push(value)
    this.#go(DATA)
  }

  #visitFunction(fn: AnyFunction, from: Import | undefined, isLenient: boolean): void {
    const i = this.#nodes.get(fn)
    if (i !== undefined) return this.#go(NODE - APART * i)
    const note = noteOf(fn)
    if (note === undefined) {
      const plain = isLoadable(from) ? IMPORT : plainOf(fn, this.#reading.api, isLenient)
      return this.#go(typeof plain === 'number' ? plain : TEXT - APART * numberOf(plain))
    }
    const site = siteOf(note)
    if (site.code === 0 && site.refusal === undefined) publishAll(this.#root, this.#reading)
    const refusal = this.#reading.refusalOf(note)
    if (refusal !== undefined) {
      if (isLenient) return this.#go(TEXT - APART * numberOf(refusal))
      throw new CaptureError(refusal)
    }
    if (note.fixed !== 0) return this.#go(note.fixed)
    this.#nodes.set(fn, this.#nodes.size)
    this.#go(site.code)
    this.#walk(note, isLenient)
  }

  #visitNamespace(namespace: object, from: Import): void {
    const names = Object.keys(namespace)
    this.#go(NAMESPACE - APART * numberOf(names.join()))
    for (const name of names) {
      this.#visit((namespace as Record<string, unknown>)[name], memberOf(from, name), true)
    }
  }

  #go(token: number): void {
    let step = nextOf(this.#step, token)
    if (step === undefined) {
      step = { token, next: [], graph: 0 }
      this.#step.next.push(step)
    }
    this.#step = step
  }
}

// --- what has not been before ----------------------------------------------------------------------------------------------

/** Publishes the code of all functions that are reached from `root` and were not published yet; V8 is asked once for all. */
function publishAll(root: Note, reading: Reading): void {
  const unpublished: Note[] = []
  const sites = new Set<Site>()
  const seen = new Set<object>()
  const visit = (value: unknown, from: Import | undefined): void => {
    if (typeof value === 'function') {
      const note = seen.has(value) ? undefined : noteOf(value)
      seen.add(value)
      if (note !== undefined && reading.refusalOf(note) === undefined) visitNote(note)
    } else if (from !== undefined && isNamespace(value, from)) {
      for (const [name, member] of Object.entries(value)) visit(member, memberOf(from, name))
    }
  }
  const visitNote = (note: Note): void => {
    const site = siteOf(note)
    if (site.code === 0 && !sites.has(site)) {
      sites.add(site)
      unpublished.push(note)
    }
    const values = reading.of(note)
    for (const { index, from, form } of site.slots) if (form !== undefined) visit(values[index], from)
  }
  seen.add(root.fn)
  visitNote(root)
  publishSites(unpublished, (note) => reading.of(note), reading.api)
}

/** A function and what it refers to, as it is now. */
class Drawing {
  readonly #reading: Reading
  readonly #notes: Note[] = []
  readonly #nodes = new Map<AnyFunction, number>()
  readonly #values: Value[][] = []
  /** Of the data, for messages. */
  readonly names: string[] = []

  constructor(root: Note, reading: Reading) {
    this.#reading = reading
    this.#add(root, false)
  }

  /** Publishes the graph record and returns its address. */
  publish(): number {
    const fixed = this.#fixed()
    const nodes = this.#notes.map((note, i): GraphNode => {
      return { code: siteOf(note).code, isOnly: note.isOnly && fixed.has(i), values: this.#values[i] as Value[] }
    })
    // Data alone is what a code record is for.
    const isPlain = nodes.length === 1 && nodes[0]?.values.every((value) => 'data' in value)
    const graph = isPlain === true ? (nodes[0] as GraphNode).code : publishGraph({ nodes, count: this.names.length })
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
    for (const note of border) new Drawing(note, this.#reading).publish()
    return border.length > 0
  }

  #add(note: Note, isLenient: boolean): number {
    const i = this.#notes.push(note) - 1
    this.#nodes.set(note.fn, i)
    const values: Value[] = []
    this.#values.push(values)
    const { sent } = siteOf(note)
    if (sent.length === 0) return i
    const found = this.#reading.of(note)
    const owner = i === 0 || note.fn.name === '' ? '' : ` of \`${note.fn.name}\``
    for (const slot of sent) values.push(this.#value(found[slot.index], slot.from, nameOf(slot), owner, isLenient))
    return i
  }

  #value(value: unknown, from: Import | undefined, name: string, owner: string, isLenient: boolean): Value {
    if (typeof value === 'function') return this.#functionValue(value, from, isLenient)
    if (from !== undefined && isNamespace(value, from)) {
      const members = Object.entries(value).map(([key, member]) => {
        return [key, this.#value(member, memberOf(from, key), `${name}.${key}`, owner, true)] as const
      })
      return { members: Object.fromEntries(members), isObject: !types.isModuleNamespaceObject(value) }
    }
    if (from !== undefined && isPart(value, from)) return { from }
    return { data: this.names.push(`captured variable \`${name}\`${owner}`) - 1 }
  }

  #functionValue(fn: AnyFunction, from: Import | undefined, isLenient: boolean): Value {
    const i = this.#nodes.get(fn)
    if (i !== undefined) return { node: i }
    const note = noteOf(fn)
    if (note === undefined) {
      if (isLoadable(from)) return { from: exactly(from, fn) }
      const plain = plainOf(fn, this.#reading.api, isLenient)
      return typeof plain === 'number' ? { code: plain } : { refusal: plain }
    }
    const refusal = this.#reading.refusalOf(note)
    if (refusal !== undefined) return { refusal }
    return note.fixed !== 0 ? { code: note.fixed } : { node: this.#add(note, isLenient) }
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

/** What the data with this number is called that goes along with `fn`. */
export function nameOfCaptured(fn: AnyFunction, number: number, api: string): string {
  const note = noteOf(fn) as Note
  return new Drawing(note, new Reading(api, note, valuesOf(note, api))).names[number] as string
}

const isNode = (i: number) => (value: Value) => 'node' in value && value.node === i
