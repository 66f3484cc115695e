/**
 * The source of the packages as the rules see it: every file of `packages/NAME/src` with what it imports and the global
 * names it uses. Read by a parser, so that a comment or a string is never mistaken for code.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { type Node, parseSync } from 'oxc-parser'

export interface Import {
  /** As written. */
  specifier: string
  /** The file of the tree that it leads to, if it is one. */
  target: string | undefined
  /** Erased by the build: nothing is loaded for it. */
  typeOnly: boolean
  line: number
}

export interface Use {
  /** `Atomics`, `new SharedArrayBuffer`, `process.env`. */
  what: string
  line: number
}

export interface SourceFile {
  /** From the root, with forward slashes: `packages/memory/src/lock.ts`. */
  path: string
  /** `memory` */
  pkg: string
  imports: Import[]
  uses: Use[]
}

/** All files under `packages/NAME/src` of `root`. */
export function readTree(root: string): SourceFile[] {
  return readdirSync(posix.join(root, 'packages')).flatMap((pkg) => {
    const src = `packages/${pkg}/src`
    return readdirSync(posix.join(root, src), { recursive: true, encoding: 'utf8' })
      .map((name) => `${src}/${name.replaceAll('\\', '/')}`)
      .filter((path) => path.endsWith('.ts'))
      .sort()
      .map((path) => readSource(path, pkg, readFileSync(posix.join(root, path), 'utf8')))
  })
}

/** The package that a specifier names: `memory` for `@goro/memory` and whatever is below it. */
export function packageOf(specifier: string): string | undefined {
  return /^(?:@goro\/([^/]+)|(goro))(?:\/|$)/.exec(specifier)?.slice(1).find(Boolean)
}

function readSource(path: string, pkg: string, text: string): SourceFile {
  const file: SourceFile = { path, pkg, imports: [], uses: [] }
  const lineOf = (node: Node) => text.slice(0, node.start).split('\n').length
  const { program, errors } = parseSync(path, text)
  if (errors.length > 0) throw new SyntaxError(`${path}: ${errors[0]?.message}`)
  walk(program, (node) => {
    const specifier = specifierOf(node)
    if (specifier !== undefined) {
      const target = targetOf(specifier, path)
      file.imports.push({ specifier, target, typeOnly: isTypeOnly(node), line: lineOf(node) })
    }
    const what = useOf(node)
    if (what !== undefined) file.uses.push({ what, line: lineOf(node) })
  })
  return file
}

/** What the node imports, types included: who has to read a file to understand another depends on it. */
function specifierOf(node: Node): string | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportAllDeclaration':
    case 'ExportNamedDeclaration':
    case 'TSImportType':
      return node.source?.value
    case 'ImportExpression':
      return node.source.type === 'Literal' && typeof node.source.value === 'string' ? node.source.value : undefined
    default:
      return undefined
  }
}

function isTypeOnly(node: Node): boolean {
  if (node.type === 'ImportDeclaration') return node.importKind === 'type'
  if (node.type === 'ExportAllDeclaration' || node.type === 'ExportNamedDeclaration') return node.exportKind === 'type'
  return node.type === 'TSImportType'
}

function useOf(node: Node): string | undefined {
  if (node.type === 'Identifier' && node.name === 'Atomics') return 'Atomics'
  if (node.type === 'NewExpression' && node.callee.type === 'Identifier' && node.callee.name === 'SharedArrayBuffer') {
    return 'new SharedArrayBuffer'
  }
  if (node.type === 'MemberExpression' && node.object.type === 'Identifier' && node.object.name === 'process') {
    if (node.property.type === 'Identifier' && node.property.name === 'env') return 'process.env'
  }
  return undefined
}

function targetOf(specifier: string, from: string): string | undefined {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(from), specifier)
  if (specifier === '#atomics') return 'packages/memory/src/atomics.ts'
  const pkg = packageOf(specifier)
  return pkg === undefined ? undefined : `packages/${pkg}/src/index.ts`
}

function walk(node: Node, visit: (node: Node) => void): void {
  visit(node)
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child?.type === 'string') walk(child, visit)
    }
  }
}
