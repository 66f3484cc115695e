/** The plugin for Vite, and so for vitest: closures and imports in goroutines, and a bundle that runs without node_modules. */
import { type Plugins, plugins } from '@goro/compiler/plugin'

const plugin: Plugins['vite'] = plugins(new URL('./standalone/', import.meta.url)).vite

export default plugin
