/** The plugin for Rolldown: closures and imports in goroutines, and a bundle that runs without node_modules. */
import { type Plugins, plugins } from '@goro/compiler/plugin'

const plugin: Plugins['rolldown'] = plugins(new URL('./standalone/', import.meta.url)).rolldown

export default plugin
