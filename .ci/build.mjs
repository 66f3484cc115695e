/**
 * Builds the packages: types by `tsc -b`, JavaScript by esbuild, one file an entry. A thread of the runtime loads its entry
 * and what that imports before its first goroutine, and each module costs about a millisecond there: bundled, the first
 * result comes 40 ms sooner (docs/decisions/0001-build.md).
 */
import { spawnSync } from 'node:child_process'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** By package, its entries; they share chunks, so that a thread has each module once. */
const ENTRIES = {
  memory: ['index'],
  runtime: ['index', 'machine'],
  goro: ['index'],
  model: ['index', 'seam'],
}

const types = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b'], {
  cwd: root,
  stdio: ['ignore', 2, 2],
})
if (types.status !== 0) process.exit(types.status ?? 1)

const { build } = await import('esbuild')
for (const [name, entries] of Object.entries(ENTRIES)) {
  const dir = join(root, 'packages', name)
  for (const file of readdirSync(join(dir, 'dist'))) {
    if (/^chunk-.*\.js(\.map)?$/.test(file)) rmSync(join(dir, 'dist', file))
  }
  await build({
    entryPoints: entries.map((entry) => join(dir, 'src', `${entry}.ts`)),
    outdir: join(dir, 'dist'),
    bundle: true,
    splitting: true,
    // Other packages stay imports, this one's private `#` imports do not.
    plugins: [{ name: 'externals', setup: (b) => b.onResolve({ filter: /^[^.#/]/ }, (args) => externalUnlessEntry(args)) }],
    format: 'esm',
    platform: 'node',
    target: 'node20',
    conditions: ['source'],
    sourcemap: true,
    chunkNames: 'chunk-[hash]',
    logLevel: 'warning',
  })
}

function externalUnlessEntry(args) {
  return args.kind === 'entry-point' ? undefined : { external: true }
}
