/**
 * The plugins for bundlers, by unplugin. Each compiles the user's modules, and makes the bundle stand alone (bundle.ts). A
 * development server, and so vitest, only compiles: its modules run where `node_modules` is.
 */
import { isBuiltin } from 'node:module'
import { createUnplugin, type UnpluginInstance } from 'unplugin'
import { esbuildBundler } from './bundle-esbuild.ts'
import { rollupBundler } from './bundle-rollup.ts'
import { webpackBundler } from './bundle-webpack.ts'
import { type Compiled, type CompileOptions, compile } from './index.ts'
import { isPackage, isUserCode } from './user-code.ts'

/** What each plugin takes. */
export interface PluginOptions {
  /**
   * Whether goroutines can be interrupted in the loops of async functions, so that one that computes for long, or for ever, does not keep
   * the others on its thread waiting (guide, chapter 8). Default: false.
   */
  readonly preempt?: boolean
}

/** A plugin for each bundler. */
export type Plugins = UnpluginInstance<PluginOptions | undefined, false>

/** Plugins that put the files of the folder `standalone`, which is goro with all that it needs, beside a bundle. */
export function plugins(standalone: URL): Plugins {
  return createUnplugin<PluginOptions | undefined, false>((given, { framework }) => {
    const preempt = given?.preempt === true
    const makeBundler =
      framework === 'esbuild'
        ? esbuildBundler
        : framework === 'webpack' || framework === 'rspack'
          ? webpackBundler
          : rollupBundler
    const bundler = makeBundler(standalone)
    return {
      name: 'goro',
      // Before others change the text: what is said of it is then said of what the user wrote.
      enforce: 'pre',
      transform: {
        filter: { id: /\.[cm]?[jt]sx?$/ },
        async handler(source, id) {
          if (!isUserCode(id, source)) return null
          const options: CompileOptions = {
            filename: id,
            dependency: true,
            preempt,
            isExternal: (name) => isPackage(name, id),
          }
          const inlines = framework === 'webpack' && /tsx?$/.test(id)
          if (!bundler.makesBundle()) return result(compile(source, options), inlines)
          const { compiled, imports } = compileAndList(source, options)
          if (compiled === null || imports.length === 0) return result(compiled, inlines)
          const places = new Map<string, string | undefined>()
          for (const name of imports) {
            if (isPackage(name, id)) places.set(name, await bundler.placeOf(this, name, id))
            // A module of the program is a part of the bundle, and has no place of its own.
            else places.set(name, "''")
          }
          return result(compile(source, { ...options, importExpression: (name) => places.get(name) }), inlines)
        },
      },
      ...bundler.hooks,
    }
  })
}

/** Compiles, and lists what is imported and is none of Node's own. */
function compileAndList(source: string, options: CompileOptions): { compiled: Compiled | null; imports: string[] } {
  const imports: string[] = []
  const importExpression = (name: string): undefined => {
    if (!isBuiltin(name)) imports.push(name)
  }
  return { compiled: compile(source, { ...options, importExpression }), imports }
}

/** With `inlines`, the map is in the text, too: esbuild-loader looks for it nowhere else. */
function result(compiled: Compiled | null, inlines: boolean): { code: string; map: string } | null {
  if (compiled === null) return null
  const { code, map } = compiled
  return { code: inlines ? `${code}\n//# sourceMappingURL=${map.toUrl()}` : code, map: map.toString() }
}
