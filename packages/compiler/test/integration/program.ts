/**
 * Random programs: nests of scopes, declarations, closures, classes, loops and goroutines. A list of numbers is the program: each
 * choice takes the next one, and the first alternative where there are none left, which is always the shortest. So a shorter list
 * is a smaller program, which is all that is needed to find the smallest one that fails.
 *
 * A program means the same plain and as goroutines: it awaits each goroutine where it starts it, changes no data but variables of
 * the function that it is in, and has no variable that it could refer to too early.
 */

export interface Program {
  /** `helpers.mjs`. In both, `GORO` stands for the specifier of goro. */
  readonly helpers: string
  /** The module itself, which exports `main`. */
  readonly main: string
}

interface Variable {
  readonly name: string
  readonly kind: 'number' | 'object' | 'function' | 'async' | 'class'
  /** It is assigned to after it was declared. */
  readonly mutable: boolean
  /** The function that it is in. */
  readonly owner: number
  /** How it is written, if not by its name: a member of a namespace. */
  readonly path?: string
}

interface Scope {
  readonly parent: Scope | undefined
  readonly variables: Map<string, Variable>
  /** Names that were looked up through it: to declare one of them now would change what they meant. */
  readonly used: Set<string>
}

interface Place {
  readonly scope: Scope
  /** The function that it is in. */
  readonly owner: number
  /** It may await, and so start goroutines; how deep in goroutines it is. */
  readonly async: boolean
  readonly depth: number
  readonly goroutines: number
  /** No variables that change, and no code that may use them: what is evaluated here is evaluated again on each thread. */
  readonly constant?: boolean
}

const NAMES = ['a', 'b', 'c', 'd', 'e', 'of', 'get', '$', '_goro', 'async', 'ünï', 'let_']
const MAX_DEPTH = 6
const CODE = ['function', 'async', 'class']
/** No function: of a name that is not to be used. */
const NOBODY = -1
const MAX_GOROUTINES = 3

export function programOf(choices: readonly number[]): Program {
  return new Writer(choices).program()
}

class Writer {
  readonly #choices: readonly number[]
  #at = 0
  #owners = 0
  #counted = 0

  constructor(choices: readonly number[]) {
    this.#choices = choices
  }

  program(): Program {
    const helpers = this.#top()
    const exported: string[] = []
    const helperText = this.#declarations(helpers, 1 + this.#pick(4), 'export ')
    for (const { name } of helpers.scope.variables.values()) exported.push(name)

    const main = this.#top()
    const imports: string[] = []
    for (const name of exported) {
      const of = helpers.scope.variables.get(name) as Variable
      const local = NAMES[this.#pick(NAMES.length)] as string
      if (main.scope.variables.has(local)) continue
      switch (this.#pick(3)) {
        case 0:
          imports.push(`import { ${name} as ${local} } from './helpers.mjs'`)
          main.scope.variables.set(local, { ...of, name: local, owner: main.owner })
          break
        case 1:
          imports.push(`import * as ${local} from './helpers.mjs'`)
          main.scope.variables.set(local, { ...of, name: local, owner: main.owner, path: `${local}.${name}` })
          break
      }
    }
    const declarations = this.#declarations(main, 1 + this.#pick(6), '')
    const body = this.#body({ ...this.#inside(main, true), goroutines: 0 }, [])
    return {
      helpers: `import { go } from 'GORO'\n${helperText}`,
      main: `import { go } from 'GORO'\n${imports.map((each) => `${each}\n`).join('')}${declarations}export async function main() {\n${body}}\n`,
    }
  }

  // --- choices -----------------------------------------------------------------------------------------------------------

  #pick(count: number): number {
    return (this.#choices[this.#at++] ?? 0) % count
  }

  #many(most: number): number {
    return this.#pick(most + 1)
  }

  // --- scopes ------------------------------------------------------------------------------------------------------------

  #top(): Place {
    return { scope: scopeIn(undefined), owner: this.#owners++, async: false, depth: 0, goroutines: MAX_GOROUTINES }
  }

  #inside(place: Place, async: boolean): Place {
    return { ...place, scope: scopeIn(place.scope), owner: this.#owners++, async, depth: place.depth + 1 }
  }

  /** A name that can be declared in this scope. */
  #fresh({ scope }: Place): string {
    const start = this.#pick(NAMES.length)
    for (let i = 0; ; i++) {
      const base = NAMES[(start + i) % NAMES.length] as string
      const name = i < NAMES.length ? base : `${base}${i}`
      if (!scope.variables.has(name) && !scope.used.has(name)) return name
    }
  }

  #declare(place: Place, name: string, kind: Variable['kind'], mutable = false): void {
    place.scope.variables.set(name, { name, kind, mutable, owner: place.owner })
  }

  #reserve({ scope }: Place, name: string): void {
    scope.variables.set(name, { name, kind: 'number', mutable: true, owner: NOBODY })
  }

  /** A variable of one of `kinds` that is seen here. */
  #find(place: Place, kinds: readonly Variable['kind'][], filter: (variable: Variable) => boolean = () => true) {
    const seen = new Map<string, Variable>()
    for (let scope: Scope | undefined = place.scope; scope !== undefined; scope = scope.parent) {
      for (const variable of scope.variables.values()) if (!seen.has(variable.name)) seen.set(variable.name, variable)
    }
    const fitting = [...seen.values()].filter((variable) => {
      if (place.constant === true && (variable.mutable || CODE.includes(variable.kind))) return false
      return kinds.includes(variable.kind) && filter(variable)
    })
    const found = fitting.length === 0 ? undefined : fitting[this.#pick(fitting.length)]
    if (found === undefined) return undefined
    for (let scope: Scope | undefined = place.scope; scope !== undefined; scope = scope.parent) {
      if (scope.variables.get(found.name) === found) break
      scope.used.add(found.name)
    }
    return found
  }

  // --- declarations ------------------------------------------------------------------------------------------------------

  #declarations(place: Place, count: number, prefix: string): string {
    let text = ''
    for (let i = 0; i < count; i++) text += `${prefix}${this.#declaration(place)}\n`
    return text
  }

  #declaration(place: Place): string {
    const name = this.#fresh(place)
    // In its own initialiser it is there already, but not to be used.
    this.#reserve(place, name)
    switch (this.#pick(8)) {
      case 0: {
        const value = this.#number(place)
        this.#declare(place, name, 'number')
        return `const ${name} = ${value};`
      }
      case 1: {
        const value = this.#number(place)
        this.#declare(place, name, 'number', true)
        return `let ${name} = ${value};`
      }
      case 2: {
        const value = this.#object(place)
        this.#declare(place, name, 'object')
        return `const ${name} = ${value};`
      }
      case 3: {
        const text = `const ${name} = ${this.#function(place, '', false)};`
        this.#declare(place, name, 'function')
        return text
      }
      case 4: {
        const text = `${this.#function(place, name, false)}`
        this.#declare(place, name, 'function')
        return text
      }
      case 5: {
        const text = this.#class(place, name)
        this.#declare(place, name, 'class')
        return text
      }
      case 6: {
        const text =
          place.goroutines < MAX_GOROUTINES ? this.#function(place, name, true) : this.#asyncAtTop(place, name)
        this.#declare(place, name, 'async')
        return text
      }
      default: {
        const value = this.#object(place)
        const other = `${name}_${this.#counted++}`
        this.#reserve(place, other)
        const text = `const { p: ${name}, q: [${other} = ${this.#number(place)}] } = ${value};`
        this.#declare(place, name, 'number')
        this.#declare(place, other, 'number')
        return text
      }
    }
  }

  #asyncAtTop(place: Place, name: string): string {
    return this.#function({ ...place, goroutines: MAX_GOROUTINES - 1 }, name, true)
  }

  /** A function of two numbers that gives one. Without a name it is an expression. */
  #function(place: Place, name: string, async: boolean): string {
    const inner = this.#inside(place, async)
    const { text, bound } = this.#parameters(inner)
    const head = async ? 'async ' : ''
    const form = this.#pick(3)
    if (name === '' && form === 0) {
      return `${head}(${text}) => ${this.#number(inner)}`
    }
    const body = this.#body(inner, bound)
    if (name === '' && form === 1) return `${head}(${text}) => {\n${body}}`
    return `${head}function ${name}(${text}) {\n${body}}`
  }

  #parameters(place: Place): { text: string; bound: readonly string[] } {
    const first = this.#fresh(place)
    this.#declare(place, first, 'number')
    const form = this.#pick(4)
    if (form === 0) return { text: `${first} = 1`, bound: [first] }
    const before = this.#number({ ...place, async: false })
    const second = this.#fresh(place)
    this.#declare(place, second, 'number')
    const forms = [`${second} = ${before}`, `${second} = ((x) => x + ${before})(1)`, `...[${second} = ${before}]`]
    return { text: `${first} = 2, ${forms[form - 1]}`, bound: [first, second] }
  }

  #class(place: Place, name: string): string {
    const base = this.#find(place, ['class'], ({ path }) => path === undefined)
    // Within its body the name is its own, and nobody's to use.
    const around: Place = { ...place, scope: scopeIn(place.scope), depth: place.depth + 1, async: false }
    this.#reserve(around, name)
    const field = this.#number(this.#inside(around, false))
    const method = this.#inside(around, false)
    const parameter = this.#fresh(method)
    this.#declare(method, parameter, 'number')
    const result = `this.#p + this.g + ${this.#number(method)}${base === undefined ? '' : ` + super.m(${parameter})`}`
    const isStatic = this.#pick(2) === 1
    const members = [
      `#p = ${field};`,
      ...(isStatic ? [`static s = ${this.#number({ ...around, constant: true })};`] : []),
      `get g() { return ${isStatic ? `${name}.s` : '1'}; }`,
      `m(${parameter}) { return (${result}) | 0; }`,
    ]
    return `class ${name}${base === undefined ? '' : ` extends ${base.name}`} {\n${members.join('\n')}\n}`
  }

  // --- statements --------------------------------------------------------------------------------------------------------

  /** What a function does between its braces: its result is a sum. */
  #body(place: Place, bound: readonly string[]): string {
    const sum = `sum${place.owner}`
    const inner: Place = { ...place, scope: scopeIn(place.scope) }
    // To declare a parameter again with const is a mistake.
    for (const name of bound) inner.scope.used.add(name)
    const statements = this.#statements(inner, sum)
    return `let ${sum} = 0;\n${statements}return ${sum};\n`
  }

  #statements(place: Place, sum: string): string {
    let text = ''
    for (let n = 1 + this.#many(3); n > 0; n--) text += `${this.#statement(place, sum)}\n`
    return text
  }

  #block(place: Place, sum: string, declare: (inner: Place) => void = () => {}): string {
    const head: Place = { ...place, scope: scopeIn(place.scope), depth: place.depth + 1 }
    declare(head)
    const inner = scopeIn(head.scope)
    // `catch (e) { let e }` is a mistake.
    for (const name of head.scope.variables.keys()) inner.used.add(name)
    return `{\n${this.#statements({ ...head, scope: inner }, sum)}}`
  }

  #statement(place: Place, sum: string): string {
    const add = (value: string) => `${sum} = (${sum} + ${value}) | 0;`
    if (place.depth >= MAX_DEPTH) return add(this.#number(place))
    switch (this.#pick(14)) {
      case 0:
        return add(this.#number(place))
      case 1:
      case 2:
        return this.#declaration(place)
      case 3:
        return `if (${this.#number(place)} > ${this.#pick(9)}) ${this.#block(place, sum)} else ${this.#block(place, sum)}`
      case 4: {
        const name = this.#fresh(place)
        const body = this.#block(place, sum, (inner) => this.#declare(inner, name, 'number', true))
        return `for (let ${name} = 0; ${name} < 2; ${name}++) ${body}`
      }
      case 5: {
        const list = `[${this.#number(place)}, ${this.#number(place)}]`
        const name = this.#fresh(place)
        return `for (const ${name} of ${list}) ${this.#block(place, sum, (inner) => this.#declare(inner, name, 'number'))}`
      }
      case 6: {
        const label = `l${this.#counted++}`
        const leave = ['break', 'continue'][this.#pick(2)] as string
        const body = this.#block(place, sum)
        const condition = this.#number(place)
        return `${label}: for (let n = 0; n < 2; n++) { for (const _ of [1, 2]) { ${body}\nif (${condition} % 2) ${leave} ${label}; } }`
      }
      case 7: {
        const thrown = this.#number(place)
        const name = this.#fresh(place)
        const caught = this.#block(place, sum, (inner) => this.#declare(inner, name, 'number'))
        return `try { throw { ${name}: ${thrown} } } catch ({ ${name} }) ${caught} finally { ${add('1')} }`
      }
      case 8: {
        const on = this.#number(place)
        return `switch (${on} & 1) { case 0: ${this.#block(place, sum)} break; default: ${this.#block(place, sum)} }`
      }
      case 9: {
        const variable = this.#find(place, ['number'], (each) => each.mutable && each.owner === place.owner)
        if (variable === undefined || variable.path !== undefined) return add(this.#number(place))
        // A loop's own variable grows, so that the loop ends.
        return `${variable.name} += 1 + (${this.#number(place)} & 3);`
      }
      case 10:
      case 11:
      case 12:
        return place.async ? add(this.#goroutine(place)) : add(this.#number(place))
      default: {
        const error = this.#number(place)
        return `if (${this.#number(place)} === 7) throw new RangeError(String(${error}));`
      }
    }
  }

  // --- expressions -------------------------------------------------------------------------------------------------------

  #object(place: Place): string {
    const known = this.#pick(3) === 0 ? undefined : this.#find(place, ['object'])
    if (known !== undefined) return `{ ...${known.path ?? known.name}, p: ${this.#number(place)} }`
    return `{ p: ${this.#number(place)}, q: [${this.#number(place)}, 2] }`
  }

  #number(outer: Place): string {
    const place = { ...outer, depth: outer.depth + 1 }
    // The deeper, the simpler.
    if (this.#pick(MAX_DEPTH) < place.depth) return this.#leaf(place)
    switch (this.#pick(13)) {
      case 0:
        return this.#leaf(place)
      case 1:
        return `((${this.#number(place)} + ${this.#number(place)}) | 0)`
      case 2:
        return `Math.imul(${this.#number(place)}, ${this.#number(place)})`
      case 3:
        return `(${this.#number(place)} > 3 ? ${this.#number(place)} : ${this.#number(place)})`
      case 4: {
        const fn = this.#find(place, ['function'])
        return fn === undefined ? this.#leaf(place) : `${fn.path ?? fn.name}(${this.#number(place)})`
      }
      case 5: {
        const Class = this.#find(place, ['class'])
        return Class === undefined ? this.#leaf(place) : `new ${Class.path ?? Class.name}().m(${this.#number(place)})`
      }
      case 6: {
        const object = this.#find(place, ['object'])
        const name = object?.path ?? object?.name
        return object === undefined
          ? this.#leaf(place)
          : ([`${name}.p`, `${name}.q[0]`, `(({ p }) => p)(${name})`][this.#pick(3)] as string)
      }
      case 7: {
        const list = `[${this.#number(place)}, 4]`
        const inner = this.#inside(place, false)
        const name = this.#fresh(inner)
        this.#declare(inner, name, 'number')
        return `${list}.map((${name}) => ${this.#number(inner)}).reduce((x, y) => (x + y) | 0)`
      }
      case 8:
        return `(${this.#function(place, '', false)})(${this.#number(place)})`
      case 9:
        return `\`\${${this.#number(place)}}-\${${this.#number(place)}}\`.length`
      case 10: {
        // A function that makes a function.
        const inner = this.#inside(place, false)
        const name = this.#fresh(inner)
        this.#declare(inner, name, 'number')
        return `((${name}) => ${this.#function(inner, '', false)})(${this.#number(place)})(1)`
      }
      case 11: {
        const inner = this.#inside(place, false)
        const name = this.#fresh(inner)
        this.#declare(inner, name, 'number')
        return `[...(function* () { for (const ${name} of [1, 2]) yield ${this.#number(inner)} })()].reduce((x, y) => (x + y) | 0)`
      }
      default: {
        if (!place.async) return this.#leaf(place)
        const fn = this.#find(place, ['async'])
        return fn === undefined ? this.#leaf(place) : `(await ${fn.path ?? fn.name}(${this.#number(place)}))`
      }
    }
  }

  #leaf(place: Place): string {
    const variable = this.#pick(3) === 0 ? undefined : this.#find(place, ['number'], ({ owner }) => owner !== NOBODY)
    return variable === undefined ? String(this.#pick(9)) : (variable.path ?? variable.name)
  }

  #goroutine(outer: Place): string {
    if (outer.goroutines >= MAX_GOROUTINES) return this.#leaf(outer)
    const place = { ...outer, goroutines: outer.goroutines + 1 }
    const argument = this.#number(outer)
    switch (this.#pick(7)) {
      case 0:
        return `(await go(${this.#function(place, '', false)}, ${argument}))`
      case 1:
      case 2:
        return `(await go(${this.#function(place, '', true)}, ${argument}))`
      case 3: {
        const fn = this.#find(place, ['function', 'async'])
        return fn === undefined ? this.#leaf(place) : `(await go(${fn.path ?? fn.name}, ${argument}))`
      }
      case 4:
        return `(await go.with({}, ${this.#function(place, '', true)}, ${argument}))`
      case 5: {
        const condition = this.#number(outer)
        return `(await go(${condition} % 2 ? ${this.#function(place, '', false)} : ${this.#function(place, '', true)}, ${argument}))`
      }
      default:
        return `(await Promise.all([go(${this.#function(place, '', true)}, ${argument}), go(${this.#function(place, '', false)})])).reduce((x, y) => (x + y) | 0)`
    }
  }
}

function scopeIn(parent: Scope | undefined): Scope {
  return { parent, variables: new Map(), used: new Set() }
}
