/** The plugin for esbuild: closures and imports in goroutines, and a bundle that runs without node_modules. */
import { type Plugins, plugins } from '@goro/compiler/plugin'

const plugin: Plugins['esbuild'] = plugins(new URL('./standalone/', import.meta.url)).esbuild

export default plugin
