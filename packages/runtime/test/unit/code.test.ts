import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { cacheWords, createRegion, initSlab, regionBytes, SLAB_SHAPE, Slab, slabLayout, useSlab } from '@goro/memory'
import { beforeAll, describe, expect, test } from 'vitest'
import { analyse } from '../../src/capture.ts'
import { describeCode } from '../../src/code.ts'
import { functionAt, type ShippedFunction } from '../../src/link.ts'
import { isGlobal } from '../../src/provided.ts'
import { codeOf } from '../../src/shipment.ts'
import { sibling } from '../fixtures/code/programs/module.ts'

type AnyFunction = (...args: never[]) => unknown

beforeAll(() => {
  const classes = SLAB_SHAPE.classes.length
  const cache = 16 + slabLayout(classes).SIZE
  createRegion(2 ** 24, true)
  initSlab(16, cache + cacheWords(classes), regionBytes() / 4)
  useSlab(new Slab(16, cache, 1))
})

/** What a thread makes of `fn`. */
const shipped = (fn: AnyFunction) => functionAt(codeOf(fn, 'go')) as ShippedFunction

/** A function from source text, as a loader or a coverage tool writes it. */
const written = (parameters: string, body: string) => new Function(parameters, body) as AnyFunction

describe('a definition has one record', () => {
  test('for one object', () => {
    const fn = (x: number) => x + 1
    expect(codeOf(fn, 'go')).toBe(codeOf(fn, 'go'))
  })

  test('for every object of an inline function', () => {
    const codes = new Set(Array.from({ length: 100 }, () => codeOf((x: number) => x + 2, 'go')))
    expect(codes.size).toBe(1)
  })

  test('and is told from another of the same text, however they come mixed', () => {
    const places = [() => (x: number) => x + 3, () => (x: number) => x + 3] as const
    const codes = places.map((make) => codeOf(make(), 'go'))
    expect(new Set(codes).size).toBe(2)
    const columns = codes.map((code) => describeCode(code).column)
    expect(columns[0]).toBeLessThan(columns[1] as number)
    for (let i = 0; i < 300; i++) {
      const which = ((i * i) % 7) & 1
      expect(codeOf((places[which] as () => AnyFunction)(), 'go')).toBe(codes[which])
    }
  })

  test('and is told from another by the way to go, so that each costs one look-up in a while', () => {
    const spawn = (fn: AnyFunction) => codeOf(fn, 'go')
    const first: number[] = []
    const second: number[] = []
    for (let i = 0; i < 300; i++) {
      first.push(spawn((x: number) => x + 4))
      second.push(spawn((x: number) => x + 4))
    }
    expect(new Set(first).size).toBe(1)
    expect(new Set(second).size).toBe(1)
    expect(first[0]).not.toBe(second[0])
  })

  test('and one that comes up only later is found when as many again have been seen', () => {
    const makeEarly = () => (x: number) => x + 5
    const makeLate = () => (x: number) => x + 5
    const early = codeOf(makeEarly(), 'go')
    for (let i = 0; i < 100; i++) expect(codeOf(makeEarly(), 'go')).toBe(early)
    const late = Array.from({ length: 100 }, () => codeOf(makeLate(), 'go'))
    expect(late.at(-1)).not.toBe(early)
  })
})

describe('a record says', () => {
  function namedHere() {}

  test('the name, the place of definition, and who gave it to goro first', () => {
    function giveIt() {
      return codeOf(namedHere, 'go')
    }
    const code = giveIt()
    const { name, file, line, column, createdAt } = describeCode(code)
    expect(name).toBe('namedHere')
    expect(file).toBe(import.meta.url)
    // Not that of the text which vitest has made of this file.
    const text = readFileSync(fileURLToPath(import.meta.url), 'utf8').split('\n')[line]
    expect(text?.slice(column)).toBe('function namedHere() {}')
    expect(createdAt).toMatch(/^giveIt \(file:\/\/.*\/code\.test\.ts:\d+:\d+\)$/)
  })

  test.each(['with "quotes" and \\', '__proto__', '[symbol]', 'été'])(
    'the name %j, which the function keeps',
    (name) => {
      const made = written('', `return () => ${JSON.stringify(name)}`) as () => AnyFunction
      const fn = Object.defineProperty(made(), 'name', { value: name })
      expect(describeCode(codeOf(fn, 'go')).name).toBe(name)
      expect(shipped(fn).name).toBe(name)
      expect(shipped(fn)()).toBe(name)
    },
  )

  test('no name where the property is none', () => {
    const fn = Object.defineProperty((x: number) => x - 1, 'name', { value: 42 })
    expect(describeCode(codeOf(fn, 'go')).name).toBe('')
  })
})

describe('a thread compiles a record once', () => {
  test('to a function that does the same', () => {
    expect(shipped((a: number, b = 2) => a * b)(21)).toBe(42)
    const fib = function fib(n: number): number {
      return n < 2 ? n : fib(n - 1) + fib(n - 2)
    }
    expect(shipped(fib)(10)).toBe(55)
    expect(shipped({ method: (a: { length: number }) => a.length }.method)('four')).toBe(4)
  })

  test('and keeps it', () => {
    const code = codeOf((x: number) => x * 2, 'go')
    const other = codeOf((x: number) => x * 3, 'go')
    const fn = functionAt(code)
    expect((functionAt(other) as ShippedFunction)(2)).toBe(6)
    expect(functionAt(code)).toBe(fn)
    expect(functionAt(code)).toBe(fn)
  })

  test('for which generated functions do too', () => {
    expect(shipped(written('a, b', 'return a + b'))(1, 2)).toBe(3)
  })
})

describe('what vitest makes of code works on', () => {
  test('import() and import.meta', async () => {
    const load = shipped(async () => (await import('../fixtures/code/programs/module.ts')).sibling())
    expect(await load()).toBe('sibling')
    expect(shipped(() => import.meta.url)()).toBe(import.meta.url)
    expect(await shipped(async () => typeof (await import('acorn')).parse)()).toBe('function')
    expect(await shipped(async () => typeof (await import('node:fs')).readFileSync)()).toBe('function')
  })

  test('imported bindings are refused by the name that the user gave them', () => {
    expect(() => codeOf(() => sibling(), 'go.with')).toThrow(
      /^go\.with: the function \(.*\) refers to `sibling` \(imported\) at .*\. Import it inside the function: await import\('…'\)\. Or let goro compile /,
    )
    expect(() => codeOf(() => analyse('x'), 'go')).toThrow(/`analyse` \(imported\)/)
  })
})

describe('what tools put into functions is there', () => {
  test('names that esbuild keeps', () => {
    expect(shipped(written('', 'const f = __name(() => 1, "kept"); return f.name'))()).toBe('kept')
  })

  test("Istanbul's counters, of all kinds", () => {
    const body = 'cov_1a2b3c().f[0]++; cov_1a2b3c().s[1]++; return (cov_1a2b3c().b[0][1]++, 42)'
    expect(shipped(written('', body))()).toBe(42)
  })
})

describe('globals', () => {
  test('of every thread are allowed, all that this Node has', async () => {
    const worker = new Worker(
      'require("worker_threads").parentPort.postMessage(Object.getOwnPropertyNames(globalThis))',
      {
        eval: true,
      },
    )
    const names = await new Promise<string[]>((resolve) => worker.once('message', resolve))
    // A thread that is made of a string has these besides.
    const ofCommonJs = ['require', 'module', 'exports', '__filename', '__dirname']
    expect(names.filter((name) => !isGlobal(name) && !ofCommonJs.includes(name))).toEqual([])
  })

  test('that this program has made are refused', () => {
    const globals = globalThis as unknown as Record<string, unknown>
    globals.ofThisThread = 1
    expect(() => codeOf(written('', 'return ofThisThread'), 'go')).toThrow(/`ofThisThread` .* globalThis of its own/)
    expect(shipped(written('', 'return typeof globalThis.ofThisThread'))()).toBe('number')
    delete globals.ofThisThread
  })

  test('that this Node does not have are refused', () => {
    expect(() => codeOf(written('', 'return Temporal2'), 'go')).toThrow(/`Temporal2`/)
  })

  test('of other environments may be asked for, with typeof', () => {
    const ask = 'return typeof window !== "undefined" ? window.name : typeof Deno'
    expect(shipped(written('', ask))()).toBe('undefined')
    expect(() => codeOf(written('', 'return window'), 'go')).toThrow(/`window`/)
  })
})

test('a function that can not be shipped is refused each time', () => {
  const local = 1
  const fn = () => local
  for (let i = 0; i < 3; i++) expect(() => codeOf(fn, 'go')).toThrow(/`local`/)
  for (let i = 0; i < 3; i++) expect(() => codeOf(() => local + 1, 'go')).toThrow(/`local`/)
})
