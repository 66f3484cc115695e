/** Bundles of esbuild (bundle.ts). */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import type { BuildOptions, BuildResult, PluginBuild } from 'esbuild'
import {
  type Bundler,
  chunkEntry,
  chunkName,
  chunkPlace,
  depthOf,
  ENTRIES,
  FOLDER,
  forwarder,
  placeOfGoro,
  standaloneFiles,
} from './bundle.ts'

/** A file to be put beside the bundle. */
interface File {
  readonly path: string
  readonly contents: Uint8Array
}

export function esbuildBundler(standalone: URL): Bundler {
  /** By chunk, the module that it is made of. */
  const chunks = new Map<string, string>()
  let build: PluginBuild
  return {
    hooks: {
      esbuild: {
        setup(given) {
          build = given
          const options = build.initialOptions
          if (!options.bundle) return
          // Says which output files import goro.
          options.metafile = true
          build.onResolve({ filter: /^goro(\/compiled)?$/ }, ({ path }) =>
            options.external?.includes(path) ? undefined : { path: `./${FOLDER}/${ENTRIES[path]}`, external: true },
          )
          build.onEnd(async (result) => {
            if (result.errors.length > 0) return
            const files = await filesFor(build, result, standalone, chunks)
            if (options.write === false) result.outputFiles?.push(...files.map(asOutputFile))
            else await Promise.all(files.map(write))
          })
        },
      },
    },
    makesBundle: () => build.initialOptions.bundle === true,
    async placeOf(_, specifier, importer) {
      const own = placeOfGoro(specifier)
      if (own !== undefined) return own
      const { path, external, errors } = await build.resolve(specifier, {
        importer,
        resolveDir: dirname(importer),
        kind: 'import-statement',
      })
      if (external || errors.length > 0) return undefined
      const name = chunkName(specifier, path)
      chunks.set(name, path)
      return chunkPlace(name)
    },
  }
}

async function filesFor(
  build: PluginBuild,
  { metafile }: BuildResult,
  standalone: URL,
  chunks: Map<string, string>,
): Promise<File[]> {
  const options = build.initialOptions
  const cwd = options.absWorkingDir ?? process.cwd()
  const folder = resolve(cwd, options.outdir ?? dirname(options.outfile ?? '.'))
  const files: File[] = []
  const depths = new Map<string, number>()
  for (const [output, { imports }] of Object.entries(metafile?.outputs ?? {})) {
    if (!imports.some(({ path }) => path.startsWith(`./${FOLDER}/`))) continue
    const name = relative(folder, resolve(cwd, output)).replaceAll('\\', '/')
    depths.set(dirname(name), depthOf(name))
  }
  if (depths.size === 0) return files
  for (const { name, contents } of standaloneFiles(standalone)) {
    files.push({ path: join(folder, FOLDER, name), contents })
  }
  for (const [below, depth] of depths) {
    if (depth === 0) continue
    for (const entry of Object.values(ENTRIES)) {
      files.push({ path: join(folder, below, FOLDER, entry), contents: Buffer.from(forwarder(depth, entry)) })
    }
  }
  if (chunks.size > 0) files.push(...(await buildChunks(build, join(folder, FOLDER, 'packages'), chunks)))
  return files
}

/** In ES modules esbuild has CommonJS packages call a `require` for what is Node's. */
const REQUIRE = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"

async function buildChunks(build: PluginBuild, outdir: string, chunks: Map<string, string>): Promise<File[]> {
  const { entryNames, chunkNames, outfile, outbase, inject, footer, plugins, stdin, ...same } = build.initialOptions
  const options: BuildOptions = {
    ...same,
    entryPoints: Array.from(chunks.keys(), (name) => ({ in: `goro-chunk:${name}`, out: name })),
    outdir,
    outExtension: { '.js': '.mjs' },
    format: 'esm',
    splitting: true,
    banner: { js: REQUIRE },
    metafile: false,
    write: false,
    plugins: [
      {
        name: 'goro-chunks',
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^goro-chunk:/ }, ({ path }) => ({ path, namespace: 'goro-chunk' }))
          onLoad({ filter: /./, namespace: 'goro-chunk' }, ({ path }) => {
            const module = chunks.get(path.slice('goro-chunk:'.length)) as string
            return { contents: chunkEntry(module), resolveDir: dirname(module) }
          })
        },
      },
    ],
  }
  const { outputFiles } = await build.esbuild.build(options)
  return outputFiles ?? []
}

async function write({ path, contents }: File): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, contents)
}

function asOutputFile({ path, contents }: File): import('esbuild').OutputFile {
  return { path, contents, hash: '', text: Buffer.from(contents).toString() }
}
