/** The plugin for Rspack: closures and imports in goroutines, and a bundle that runs without node_modules. */
import { type Plugins, plugins } from '@goro/compiler/plugin'

const plugin: Plugins['rspack'] = plugins(new URL('./standalone/', import.meta.url)).rspack

export default plugin
