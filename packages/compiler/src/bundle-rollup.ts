/** Bundles of Rollup, Rolldown and Vite (bundle.ts). */
import { posix } from 'node:path'
import MagicString from 'magic-string'
import type { Plugin, PluginContext } from 'rollup'
import { type Bundler, chunkEntry, chunkName, ENTRIES, FOLDER, placeOfGoro, standaloneFiles } from './bundle.ts'

/** What goro is called until it is known which file imports it. */
const GORO = 'goro:'
/** A chunk's entry: a module that is in no file. */
const CHUNK = '\0goro-chunk:'

export function rollupBundler(standalone: URL): Bundler {
  let isServer = false
  /** Of packages. */
  const chunks = new Set<string>()
  /** Whether a chunk of the output that is being made imports goro. */
  let needsGoro = false
  const hooks = {
    renderStart() {
      needsGoro = false
    },
    resolveId(id) {
      if (isServer) return null
      if (id.startsWith(CHUNK)) return id
      const entry = ENTRIES[id]
      return entry === undefined ? null : { id: GORO + entry, external: true }
    },
    load: (id) => (id.startsWith(CHUNK) ? chunkEntry(id.slice(CHUNK.length)) : null),
    renderChunk(code, { fileName }) {
      const text = new MagicString(code)
      const folder = posix.relative(posix.dirname(fileName), FOLDER)
      for (const { index, 0: name } of code.matchAll(/\bgoro:(?=(?:index|compiled)\.mjs['"`])/g)) {
        text.update(index, index + name.length, `${folder.startsWith('.') ? '' : './'}${folder}/`)
      }
      if (!text.hasChanged()) return null
      needsGoro = true
      return { code: text.toString(), map: text.generateMap({ hires: 'boundary' }) }
    },
    generateBundle() {
      if (!needsGoro) return
      for (const { name, contents } of standaloneFiles(standalone)) {
        // Not as an asset: Vite writes none for a server.
        this.emitFile({ type: 'prebuilt-chunk', fileName: `${FOLDER}/${name}`, code: contents.toString() })
      }
    },
  } satisfies Partial<Plugin>
  return {
    hooks: {
      rollup: hooks,
      rolldown: hooks as object,
      vite: {
        ...(hooks as object),
        // Vite's own answer is a place on a web server.
        resolveFileUrl: ({ referenceId, relativePath }) =>
          chunks.has(referenceId ?? '') ? `new URL(${JSON.stringify(relativePath)}, import.meta.url).href` : null,
        configResolved({ command }) {
          isServer = command === 'serve'
        },
      },
    },
    async placeOf(context, specifier, importer) {
      if (isServer) return undefined
      const own = placeOfGoro(specifier)
      if (own !== undefined) return own
      const build = context as PluginContext
      const resolved = await build.resolve(specifier, importer)
      if (resolved === null || resolved.external) return undefined
      const name = `${FOLDER}-${chunkName(specifier, resolved.id)}`
      const chunk = build.emitFile({ type: 'chunk', id: CHUNK + resolved.id, name, preserveSignature: 'strict' })
      chunks.add(chunk)
      return `import.meta.ROLLUP_FILE_URL_${chunk}`
    },
  }
}
