/**
 * What `goro run` has Node load before the program, on every thread (run.ts): tsx, for TypeScript with all it has and the path
 * aliases of tsconfig.json; then the loader, which compiles what tsx makes of a file. It does so with preemption points if this file is
 * imported as `preload.js?preempt`.
 */
import { preempt, register, type ThreadLoader, whenNeeded } from '@goro/compiler/register'

const install: ThreadLoader = async () => {
  const [commonJs, modules] = await Promise.all([import('tsx/cjs/api'), import('tsx/esm/api')])
  commonJs.register()
  modules.register()
  await register()
}
install.typescript = true

if (new URL(import.meta.url).searchParams.has('preempt')) preempt()
await whenNeeded(install)
