/** Node's hooks for ES modules where they run on a thread of their own: Node 20, and 22 before 22.15 (register.ts). */
import type { LoadHook } from 'node:module'
import { loadModule } from './load.ts'

export const load: LoadHook = async (url, context, nextLoad) => loadModule(url, await nextLoad(url, context))
