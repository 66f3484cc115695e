/** The plugin for webpack: closures and imports in goroutines, and a bundle that runs without node_modules. */
import { type Plugins, plugins } from '@goro/compiler/plugin'

const plugin: Plugins['webpack'] = plugins(new URL('./standalone/', import.meta.url)).webpack

export default plugin
