/**
 * Which files loaders and plugins hand to the compiler, and which of their imports are packages.
 *
 * Everything that the user wrote is compiled. What is in `node_modules` is left alone unless it imports goro, and goro's own
 * files always are.
 */
import { existsSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join } from 'node:path'

/** Whether the module at `path`, whose text is `source`, is to be compiled. */
export function isUserCode(path: string, source: string): boolean {
  if (!/\.[cm]?[jt]sx?$/.test(path)) return false
  if (/[\\/]node_modules[\\/]/.test(path)) return IMPORTS_GORO.test(source) && !isOwn(path)
  return !isOwn(path)
}

const IMPORTS_GORO = /['"`]goro(?:\/[\w-]+)?['"`]/

const ownFolders = new Map<string, boolean>()

/** Whether `path` is a part of goro: in this repository these files are in no `node_modules`. */
function isOwn(path: string): boolean {
  const folder = /^(.*[\\/])(?:dist|src)[\\/]/.exec(path)?.[1]
  if (folder === undefined) return false
  let own = ownFolders.get(folder)
  if (own === undefined) {
    own = /^(goro|@goro\/.+)$/.test(packageName(join(folder, 'package.json')))
    ownFolders.set(folder, own)
  }
  return own
}

function packageName(manifest: string): string {
  if (!existsSync(manifest)) return ''
  const { name } = JSON.parse(readFileSync(manifest, 'utf8')) as { name?: unknown }
  return typeof name === 'string' ? name : ''
}

/**
 * Whether `specifier`, imported by the file at `path`, is Node's or an installed package. Anything else that is no path, such as
 * an alias of tsconfig.json or a name of package.json's `imports`, is the user's own.
 */
export function isPackage(specifier: string, path: string): boolean {
  if (isBuiltin(specifier)) return true
  const name = /^(?:@[^/]+\/)?[^./#@:][^/:]*(?=\/|$)/.exec(specifier)?.[0]
  if (name === undefined) return false
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'node_modules', name))) return true
    if (folder === dirname(folder)) return false
  }
}
