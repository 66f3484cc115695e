/**
 * A bundle with goroutines, on its own. What the threads load can't be a part of the program's own modules, since to load those is
 * to run the program. So beside the bundle there is a folder `goro`:
 *
 * - goro itself, with all that its threads need, as it was built for that. The bundle imports it from there;
 * - a chunk for each package that goroutines import. In a compiled module the place of the chunk stands instead of the name.
 *   A chunk exports the package's namespace object under the one name NAMESPACE: what a CommonJS package exports by name,
 *   only the bundler that made the chunk can tell.
 *
 * Rollup and its kin can add a chunk to a build that is under way, which shares modules with the others. Where it is is known only
 * at the end, so a file in the folder leads there. esbuild and webpack build the chunks in a build of their own.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import type { UnpluginOptions } from 'unplugin'

/** What differs from one kind of bundler to another. */
export interface Bundler {
  readonly hooks: Partial<UnpluginOptions>
  /** Whether it makes a bundle; else its modules run where they are. */
  makesBundle(): boolean
  /**
   * Source text that is the place of the chunk of a package, as the module `importer` names it; undefined if the package is
   * not to be bundled. `context` is that of the transform hook.
   */
  placeOf(context: unknown, specifier: string, importer: string): Promise<string | undefined>
}

/** The folder beside the bundle. */
export const FOLDER = 'goro'

/** By what the user's modules and the compiler's text import, the file in that folder. */
export const ENTRIES: Readonly<Record<string, string>> = { goro: 'index.mjs', 'goro/compiled': 'compiled.mjs' }

/** packages/runtime/src/link.ts takes it from there. */
const NAMESPACE = '__goro_namespace'

/** The text of the entry of a package's chunk. */
export const chunkEntry = (module: string): string =>
  `import * as namespace from ${JSON.stringify(module)}\nexport { namespace as ${NAMESPACE} }\n`

/** The text of a file that leads on to a package's chunk at `place`. */
export const chunkForwarder = (place: string, format: 'module' | 'commonjs'): string =>
  format === 'module'
    ? `export { ${NAMESPACE} } from ${JSON.stringify(place)}\n`
    : `import chunk from ${JSON.stringify(place)}\nexport const { ${NAMESPACE} } = chunk\n`

/** A name for the chunk of the package that is at `path`. */
export function chunkName(specifier: string, path: string): string {
  const hash = createHash('sha256').update(path).digest('hex').slice(0, 8)
  return `${specifier.replace(/\W+/g, '-').replace(/^-/, '')}-${hash}`
}

/** The place of a file of the folder, as the runtime in that folder understands it (packages/runtime/src/provided.ts). */
const placeIn = (file: string): string => JSON.stringify(`goro:${file}`)

export const chunkPlace = (name: string): string => placeIn(`packages/${name}.mjs`)

/** The place of what is imported of goro itself. */
export const placeOfGoro = (specifier: string): string | undefined =>
  Object.hasOwn(ENTRIES, specifier) ? placeIn(ENTRIES[specifier] as string) : undefined

/** The files of goro, by their names in the folder. */
export function standaloneFiles(standalone: URL): { name: string; contents: Buffer }[] {
  return readdirSync(standalone).map((name) => ({ name, contents: readFileSync(new URL(name, standalone)) }))
}

/** For a part of the bundle in a folder further down, which imports `./goro/…` as all others do: the text of such a file. */
export function forwarder(depth: number, entry: string): string {
  const place = `'${'../'.repeat(depth + 1)}${FOLDER}/${entry}'`
  return `export * from ${place}\nexport { default } from ${place}\n`
}

/** How far below the bundle's own folder a file is. */
export const depthOf = (file: string): number => file.split('/').length - 1
