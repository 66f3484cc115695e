/** Bundles of Rollup, Rolldown and Vite (bundle.ts). */
import { posix } from 'node:path'
import MagicString from 'magic-string'
import type { Plugin, PluginContext } from 'rollup'
import {
  type Bundler,
  chunkEntry,
  chunkForwarder,
  chunkName,
  chunkPlace,
  ENTRIES,
  FOLDER,
  placeOfGoro,
  standaloneFiles,
} from './bundle.ts'

/** What goro is called until it is known which file imports it. */
const GORO = 'goro:'
/** Required by CommonJS: Rolldown would require it by a helper, which may be in another folder than who calls it. */
const REQUIRED = '\0goro-required:'
/** A chunk's entry: a module that is in no file. */
const CHUNK = '\0goro-chunk:'

export function rollupBundler(standalone: URL): Bundler {
  let isServer = false
  /** By name, what the bundler knows a package's chunk by. */
  const chunks = new Map<string, string>()
  /** Whether a chunk of the output that is being made imports goro. */
  let needsGoro = false
  const hooks = {
    renderStart() {
      needsGoro = false
    },
    resolveId(id, _, options) {
      if (isServer) return null
      if (id.startsWith(CHUNK)) return id
      if (id.startsWith(GORO)) return { id, external: true }
      const entry = ENTRIES[id]
      if (entry === undefined) return null
      const isRequired = (options as { kind?: string }).kind === 'require-call'
      return isRequired ? REQUIRED + entry : { id: GORO + entry, external: true }
    },
    load(id) {
      if (id.startsWith(CHUNK)) return chunkEntry(id.slice(CHUNK.length))
      return id.startsWith(REQUIRED) ? `export * from '${GORO}${id.slice(REQUIRED.length)}'` : null
    },
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
    generateBundle({ format }, bundle) {
      if (!needsGoro) return
      // Not as assets: Vite writes none for a server.
      const emit = (name: string, code: string) =>
        this.emitFile({ type: 'prebuilt-chunk', fileName: `${FOLDER}/${name}`, code })
      for (const { name, contents } of standaloneFiles(standalone)) emit(name, contents.toString())
      const text = Object.values(bundle).flatMap((file) => (file.type === 'chunk' ? [file.code] : []))
      for (const [name, chunk] of chunks) {
        // In watch mode there may be some that nobody needs any more.
        if (!text.some((code) => code.includes(name))) continue
        const place = posix.relative(`${FOLDER}/packages`, this.getFileName(chunk))
        emit(`packages/${name}.mjs`, chunkForwarder(place, format === 'cjs' ? 'commonjs' : 'module'))
      }
    },
  } satisfies Partial<Plugin>
  return {
    hooks: {
      rollup: hooks,
      rolldown: hooks as object,
      vite: {
        ...(hooks as object),
        configResolved({ command }) {
          isServer = command === 'serve'
        },
      },
    },
    makesBundle: () => !isServer,
    async placeOf(context, specifier, importer) {
      const own = placeOfGoro(specifier)
      if (own !== undefined) return own
      const build = context as PluginContext
      const resolved = await build.resolve(specifier, importer)
      if (resolved === null || resolved.external) return undefined
      const name = chunkName(specifier, resolved.id)
      const id = CHUNK + resolved.id
      chunks.set(name, build.emitFile({ type: 'chunk', id, name: `${FOLDER}-${name}`, preserveSignature: 'strict' }))
      return chunkPlace(name)
    },
  }
}
