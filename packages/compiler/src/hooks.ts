/**
 * Node's hooks for ES modules where they run on a thread of their own: Node 20, and 22 before 22.15. They may be registered more than
 * once, each with the next number (node.ts).
 */
import type { LoadHook } from 'node:module'
import { loadModule, usePreemption } from './load.ts'

const own = import.meta.url
if (new URL(own).searchParams.has('preempt')) usePreemption()
const shared = globalThis as { [LAST]?: string }
const LAST: unique symbol = Symbol.for('goro.hooks') as never
shared[LAST] = own

export const load: LoadHook = async (url, context, nextLoad) => {
  const loaded = await nextLoad(url, context)
  return shared[LAST] === own ? loadModule(url, loaded) : loaded
}
