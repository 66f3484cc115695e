/**
 * The Node loader. It compiles what the program loads, ES modules and CommonJS, JavaScript and TypeScript. It works with other loaders
 * in any order: it comes after them, and finds JavaScript with a source map; only Node's own type stripping is later, and is given the
 * text that the user wrote, with more of it.
 *
 * ES modules come by Node's hooks: in this thread where Node can (22.15), else on a thread that Node has for hooks. CommonJS
 * comes by `Module.prototype._compile`, to which every loader of CommonJS gives what it has made of a file; or by the hooks, if
 * those of ES modules load it; or by both.
 */
import module from 'node:module'
import { type Loaded, load, loadModule, preempts, usePreemption } from './load.ts'

let isInstalled = false
/** Registers the hooks once more, if they run on another thread. */
let renew = (): void => {}

/** Installs the loader on this thread, once. With `preempt`, files are compiled with preemption points from here on. */
export function install(preempt: boolean): void {
  if (preempt && !preempts) {
    usePreemption()
    renew()
  }
  if (isInstalled) return
  isInstalled = true
  process.setSourceMapsEnabled(true)
  registerRequire()
  registerImport()
}

/** The part of Node's `Module` that loaders of CommonJS share. */
interface ModulePrototype {
  _compile(this: NodeJS.Module, content: string, filename: string, format?: string): unknown
}

function registerRequire(): void {
  const prototype = (module as unknown as { Module: { prototype: ModulePrototype } }).Module.prototype
  const { _compile } = prototype
  prototype._compile = function (content, filename, format) {
    // An ES module that is required comes by the hooks.
    const compiled = format === 'module' ? undefined : load(filename, content, 'commonjs')
    return Reflect.apply(_compile, this, [compiled ?? content, filename, format])
  }
}

interface Hooks {
  load(url: string, context: object, nextLoad: (url: string, context: object) => Loaded): Loaded
}

/** Node 22.15 and later have it. */
interface SyncHooks {
  registerHooks(hooks: Hooks): { deregister(): void }
}

/**
 * The last hooks that are registered are the first to be asked, and see what all others have made of a file. So whenever there are
 * others after ours, ours are registered once more.
 */
function registerImport(): void {
  if ('registerHooks' in module) registerSync(module as unknown as SyncHooks)
  else registerAsync()
  module.syncBuiltinESMExports()
}

function registerSync(module: SyncHooks): void {
  const { registerHooks } = module
  const ours: Hooks = { load: (url, context, nextLoad) => loadModule(url, nextLoad(url, context)) }
  let registered = registerHooks(ours)
  module.registerHooks = (hooks) => {
    const theirs = registerHooks(hooks)
    registered.deregister()
    registered = registerHooks(ours)
    return theirs
  }
}

function registerAsync(): void {
  const { register } = module
  let count = 0
  // Of several, the last is in force (hooks.ts): these can't be taken back.
  const registerOurs = () => register(`./hooks.js?${count++}${preempts ? '&preempt' : ''}`, import.meta.url)
  renew = registerOurs
  registerOurs()
  module.register = ((...given: Parameters<typeof register>) => {
    register(...given)
    registerOurs()
  }) as typeof register
}
