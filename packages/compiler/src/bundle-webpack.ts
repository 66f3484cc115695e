/** Bundles of webpack and Rspack, which has the same interface (bundle.ts). */
import { dirname } from 'node:path'
import type { Compilation, Compiler, Configuration, LoaderContext } from 'webpack'
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

const NAME = 'goro'

export function webpackBundler(standalone: URL): Bundler {
  /** By chunk, the module that it is made of. */
  const chunks = new Map<string, string>()

  function apply(compiler: Compiler): void {
    const { webpack } = compiler
    // Once it is known what kind of modules the bundle is to be.
    compiler.hooks.environment.tap(NAME, () => {
      const type = compiler.options.output.module ? 'module-import' : 'commonjs'
      const places = Object.entries(ENTRIES).map(([id, entry]) => [id, `./${FOLDER}/${entry}`])
      new webpack.ExternalsPlugin(type, Object.fromEntries(places)).apply(compiler)
    })
    compiler.hooks.thisCompilation.tap(NAME, (compilation) => {
      const stage = webpack.Compilation.PROCESS_ASSETS_STAGE_SUMMARIZE
      compilation.hooks.processAssets.tapPromise({ name: NAME, stage }, () => addFiles(compiler, compilation))
    })
  }

  async function addFiles(compiler: Compiler, compilation: Compilation): Promise<void> {
    const { RawSource } = compiler.webpack.sources
    // A minifier looks at what comes late, too, and would remove what Node finds the exports of CommonJS by.
    const emit = (name: string, text: string | Buffer) =>
      compilation.emitAsset(name, new RawSource(text), { minimized: true })
    const depths = new Map<string, number>()
    for (const { name, source } of compilation.getAssets()) {
      if (/\.[cm]?js$/.test(name) && source.source().includes(`./${FOLDER}/`)) depths.set(dirname(name), depthOf(name))
    }
    if (depths.size === 0) return
    for (const { name, contents } of standaloneFiles(standalone)) {
      emit(`${FOLDER}/${name}`, contents)
    }
    for (const [below, depth] of depths) {
      if (depth === 0) continue
      for (const entry of Object.values(ENTRIES)) {
        emit(`${below}/${FOLDER}/${entry}`, forwarder(depth, entry))
      }
    }
    if (chunks.size === 0) return
    for (const [name, text] of await buildChunks(compiler, chunks)) emit(name, text)
  }

  return {
    hooks: { webpack: apply, rspack: apply as never },
    makesBundle: () => true,
    async placeOf(context, specifier, importer) {
      const own = placeOfGoro(specifier)
      if (own !== undefined) return own
      const { loaderContext } = (context as BuildContext).getNativeBuildContext()
      const path = await loaderContext.getResolve({ dependencyType: 'esm' })(dirname(importer), specifier)
      // From a cache on disk it would come without its chunk being known.
      loaderContext.cacheable(false)
      const name = chunkName(specifier, path)
      chunks.set(name, path)
      return chunkPlace(name)
    },
  }
}

interface BuildContext {
  getNativeBuildContext(): { loaderContext: LoaderContext<object> }
}

/** The chunks, and what they share, by file name. */
async function buildChunks(parent: Compiler, chunks: Map<string, string>): Promise<Map<string, string | Buffer>> {
  const { mode, resolve, optimization, context } = parent.options
  const options = {
    context,
    mode,
    resolve,
    target: 'node20',
    devtool: false,
    cache: false,
    entry: Object.fromEntries(Array.from(chunks, ([name, module]) => [name, dataUrl(chunkEntry(module))])),
    experiments: { outputModule: true },
    optimization: { minimize: optimization.minimize === true, splitChunks: { chunks: 'all' } },
    output: {
      path: parent.outputPath,
      module: true,
      library: { type: 'module' },
      filename: `${FOLDER}/packages/[name].mjs`,
      chunkFilename: `${FOLDER}/packages/[id].mjs`,
    },
  }
  const child = parent.webpack(options as Configuration)
  if (child === null) throw new Error('goro: webpack made no compiler')
  const files = new Map<string, string | Buffer>()
  // They are the parent's to write.
  child.hooks.shouldEmit.tap(NAME, (compilation) => {
    for (const { name, source } of compilation.getAssets()) files.set(name, source.source())
    return false
  })
  await new Promise<void>((done, fail) => {
    child.run((error, stats) => {
      const problem = error ?? (stats?.hasErrors() ? new Error(stats.toString('errors-only')) : undefined)
      child.close(() => (problem ? fail(problem) : done()))
    })
  })
  return files
}

const dataUrl = (text: string): string => `data:text/javascript,${encodeURIComponent(text)}`
