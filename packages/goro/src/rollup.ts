/** The plugin for Rollup: closures and imports in goroutines, and a bundle that runs without node_modules. */
import { type Plugins, plugins } from '@goro/compiler/plugin'

const plugin: Plugins['rollup'] = plugins(new URL('./standalone/', import.meta.url)).rollup

export default plugin
