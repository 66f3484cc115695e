/** Source maps lead from every token of the result to where it stood. */
import { originalPositionFor, type SourceMapInput, TraceMap } from '@jridgewell/trace-mapping'
import { expect, test } from 'vitest'
import { type CompileOptions, compile } from '../../src/index.ts'

const SOURCE = `#!/usr/bin/env node
// A comment
import { go } from 'goro'
import * as path from 'node:path'
import { parse, type Options } from './parse.ts'

export default async function (files: string[], options: Options) {
  const helper = (x: string) => path.join(x, options.dir)
  function inner() {
    return helper('a')
  }
  return Promise.all(files.map((file) => go(async () => parse(inner(), file, await go(() => options))))) // π
}
class Base { static run() {} }; const tasks = { a: () => 1, b() {} }
go(() => new Base()); go(tasks.a); label: for (;;) break label
async function* loops(xs) { for (const x of xs) { while (x) do yield x; while (label) } }
`

interface Token {
  text: string
  line: number
  column: number
}

function tokensOf(text: string): Token[] {
  return text.split('\n').flatMap((content, line) =>
    [...content.matchAll(/[\p{ID_Start}$_][\p{ID_Continue}$]*|\d+|'[^']*'|=>|\S/gu)].map((match) => ({
      text: match[0],
      line: line + 1,
      column: match.index,
    })),
  )
}

/** For each token of `code` that has a place in the original: where. */
function traced(code: string, map: unknown): Map<string, string> {
  const trace = new TraceMap(map as SourceMapInput)
  const places = new Map<string, string>()
  for (const { text, line, column } of tokensOf(code)) {
    const { line: originalLine, column: originalColumn } = originalPositionFor(trace, { line, column })
    const place = `${originalLine}:${originalColumn}`
    if (originalLine !== null && !places.has(`${place} ${text}`)) places.set(`${place} ${text}`, text)
  }
  return places
}

test.each([false, true])('every token of the original is found again at its place (preempt: %s)', (preempt) => {
  const { code, map } = compile(SOURCE, { filename: 'app.ts', preempt }) ?? { code: '', map: undefined }
  const places = traced(code, map)
  const lost = tokensOf(SOURCE).filter(({ text, line, column }) => !places.has(`${line}:${column} ${text}`))
  expect(lost.filter(({ text }) => /^[\w$']/.test(text))).toEqual([])
})

test('lines stay', () => {
  const { code } = compile(SOURCE, { filename: 'app.ts' }) ?? { code: '' }
  expect(code.split('\n')).toHaveLength(SOURCE.split('\n').length)
  for (const [i, line] of SOURCE.split('\n').entries()) {
    const words = line.match(/\w+/g) ?? []
    expect(code.split('\n')[i]?.match(/\w+/g) ?? []).toEqual(expect.arrayContaining(words))
  }
})

test('what it says of itself', () => {
  const { map } = compile(SOURCE, { filename: '/app/main.ts' }) ?? {}
  expect(map).toMatchObject({ version: 3, sources: ['/app/main.ts'], sourcesContent: [SOURCE] })
  expect(JSON.parse(String(map))).toMatchObject({ version: 3, sources: ['/app/main.ts'] })
  expect(map?.toUrl()).toMatch(/^data:application\/json;charset=utf-8;base64,/)
})

test('after another compiler it leads to the original', () => {
  const original = `import { go } from 'goro'\n\nlet counter: number = 0\ngo((): void => {\n  counter\n})\n`
  const options: CompileOptions = {
    filename: '/app/main.ts',
    language: 'js',
    inputMap: {
      version: 3,
      sources: ['main.ts'],
      sourcesContent: [original],
      names: [],
      mappings: 'AAAA,OAAS,OAAU,OAEnB,IAAI,QAAkB,EACtB,GAAG,IAAY,CACb,OACF,CAAC',
    },
  }
  const { code, map } = compile('import{go}from"goro";let counter=0;go(()=>{counter});\n', options) ?? { code: '' }
  expect(map).toMatchObject({ sources: ['/app/main.ts'], sourcesContent: [original] })
  expect([...traced(code, map).keys()]).toEqual(expect.arrayContaining(['5:2 counter', '3:4 counter', '4:0 go']))
  expect(JSON.parse(Buffer.from(map?.toUrl().split(',')[1] as string, 'base64').toString())).toMatchObject({
    version: 3,
  })
})
