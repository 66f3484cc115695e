/** Where captured variables come from: this module, or another. */
import { describe, expect, test } from 'vitest'
import type { CompileOptions } from '../../src/index.ts'
import { look } from './look.ts'

/** The origins of what `fn` captures, with specifiers in the place of their numbers. */
function origins(fn: string, around: string, options: Partial<CompileOptions> = {}): unknown[] {
  const isCjs = options.filename?.endsWith('.cjs')
  const go = isCjs ? "const { go } = require('goro')" : "import { go } from 'goro'"
  const { imports, sites } = look(`${go}\n${around}\ngo(${fn})`, options)
  const site = sites[0] as (number | [number, ...string[]])[]
  return site.map((origin) => (typeof origin === 'number' ? origin : [imports[origin[0]], ...origin.slice(1)]))
}

describe('ES modules', () => {
  test.each<[fn: string, around: string, origins: unknown[]]>([
    ['() => a', "import a from './a.ts'", [['./a.ts', 'default']]],
    ['() => a', "import { a } from './a.ts'", [['./a.ts', 'a']]],
    ['() => a', "import { b as a } from './a.ts'", [['./a.ts', 'b']]],
    ['() => a', "import { default as a } from './a.ts'", [['./a.ts', 'default']]],
    ['() => a', "import { 'b c' as a } from './a.ts'", [['./a.ts', 'b c']]],
    ['() => a', "import * as a from './a.ts'", [['./a.ts', '*']]],
    [
      '() => a.b + a.c',
      "import * as a from './a.ts'",
      [
        ['./a.ts', 'b'],
        ['./a.ts', 'c'],
      ],
    ],
    ['() => a.b(a)', "import * as a from './a.ts'", [['./a.ts', '*']]],
    ['() => a[b]', "import * as a from './a.ts'; const b = 1", [['./a.ts', '*'], 1]],
    ['() => a.b.c', "import * as a from './a.ts'", [['./a.ts', 'b']]],
    [
      '() => [a, b]',
      "import a, { b } from './a.ts'",
      [
        ['./a.ts', 'default'],
        ['./a.ts', 'b'],
      ],
    ],
    ['() => join()', "import { join } from 'node:path'", [[['node:path'], 'join']]],
    ['() => fs', "import fs from 'fs'", [[['fs'], 'default']]],
    ['() => go', '', [[['goro'], 'go']]],
    ['() => a', "import a from '@x/y/z.js'", [[['@x/y/z.js'], 'default']]],
    ['() => a', "import a from '#internal'", [['#internal', 'default']]],
    ['() => a', "import a from '/abs.js'", [['/abs.js', 'default']]],
    ['() => a', "import a from '..'", [['..', 'default']]],
    ['() => a', "import a from 'file:///a.js'", [['file:///a.js', 'default']]],
    // There is no code in these.
    ['() => a', "import a from './a.json' with { type: 'json' }", [['./a.json', 'default']]],
    ['() => a', "import a from 'pkg/a.json' with { type: 'json' }", [['pkg/a.json', 'default']]],
    // Constants that are something imported.
    ['() => join()', "import path from 'node:path'; const { join } = path", [[['node:path'], 'default', 'join']]],
    [
      '() => j()',
      "import * as path from 'node:path'; const { posix: { join: j } } = path",
      [[['node:path'], 'posix', 'join']],
    ],
    ['() => j()', "import * as path from 'node:path'; const j = path.posix.join", [[['node:path'], 'posix', 'join']]],
    ['() => a', "const { a } = await import('./a.ts')", [['./a.ts', 'a']]],
    ['() => a.b', "const a = await import('./a.ts')", [['./a.ts', 'b']]],
    ['() => a', "import b from './b.ts'; const a = b", [['./b.ts', 'default']]],
    // Those that are not.
    ['() => join()', "import path from 'node:path'; let { join } = path; join = 1", [0]],
    ['() => join()', "import path from 'node:path'; const { join = 1 } = path", [1]],
    ['() => rest', "import path from 'node:path'; const { join, ...rest } = path", [1]],
    ['() => a', "import path from 'node:path'; const [a] = path", [1]],
    ['() => a', "import path from 'node:path'; const a = path()", [1]],
    ['() => a', 'const a = a.b', [1]],
    ['() => a', 'const a = import.meta.url', [1]],
    ['() => fs', "const fs = require('fs')", [1]],
    // Variables: those that are assigned once and for all, and others.
    [
      '() => [a, b, c, d, f, A]',
      'const a = 1; let b = 2; let c; var d = 1; function f() {} class A {}',
      [1, 1, 1, 0, 1, 1],
    ],
    ['() => [a, f]', 'let a = 1; a++; function f() {} f = 1', [0, 0]],
    ['() => a', 'let a; for (a of b);', [0]],
    ['() => a', 'let a; [a] = b', [0]],
    ['() => E', 'enum E { A }', [1]],
  ])('%s with %s', (fn, around, expected) => expect(origins(fn, around)).toEqual(expected))

  test('the parameters and variables of functions around it', () => {
    const source =
      "import { go } from 'goro'; function f(a, b = 1, { c }) { for (const d of a) try {} catch (e) { b = 2; go(() => [a, b, c, d, e]) } }"
    expect(look(source).sites[0]).toEqual([1, 0, 1, 1, 1])
  })
})

describe('CommonJS', () => {
  const filename = 'a.cjs'

  test.each<[fn: string, around: string, origins: unknown[]]>([
    ['() => fs', "const fs = require('fs')", [[['fs'], '*']]],
    ['() => fs.readFileSync', "const fs = require('fs')", [[['fs'], 'readFileSync']]],
    ['() => a', "const { a } = require('./a')", [['./a', 'a']]],
    ['() => a', "const { b: a } = require('./a')", [['./a', 'b']]],
    ['() => a', "const a = require('./a').b.c", [['./a', 'b', 'c']]],
    ['() => (0, a.b)()', 'var a = require("./a")', [['./a', 'b']]],
    ['() => a.default', 'var a = __toESM(require("./a"))', [['./a', 'default']]],
    ['() => a.default', 'const a = __importDefault(require("./a"))', [['./a', 'default']]],
    ['() => a', "let a = require('./a'); a = 1", [0]],
    ['() => [exports.a, exports.b]', '', [0, 0]],
    ['() => exports', '', [0]],
    ['() => [module, require, __filename]', '', []],
  ])('%s with %s', (fn, around, expected) => expect(origins(fn, around, { filename })).toEqual(expected))
})

describe('who decides', () => {
  test('isExternal', () => {
    const around = "import a from '@/a'; import b from 'b'"
    const isExternal = (specifier: string) => specifier !== '@/a'
    expect(origins('() => [a, b]', around, { isExternal })).toEqual([
      ['@/a', 'default'],
      [['b'], 'default'],
    ])
  })

  test('importExpression: source text in the place of a specifier', () => {
    const asked: string[] = []
    const importExpression = (specifier: string) => {
      asked.push(specifier)
      return specifier === 'b' ? "['u', 'r', 'l'].join('')" : undefined
    }
    const around = "import a from './a'; import b, { c } from 'b'"
    expect(origins('() => [a, b, c]', around, { importExpression })).toEqual([
      ['./a', 'default'],
      [['url'], 'default'],
      [['url'], 'c'],
    ])
    expect(asked).toEqual(['./a', 'b'])
  })
})
