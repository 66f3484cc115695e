/**
 * Builds the packages: types by `tsc -b`, JavaScript by esbuild, one file an entry. A thread of the runtime loads its entry
 * and what that imports before its first goroutine, and each module costs about a millisecond there: bundled, the first
 * result comes 40 ms sooner (docs/decisions/0001-build.md).
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))

/** By package, its entries; they share chunks, so that a thread has each module once. */
const ENTRIES = {
  memory: ['index'],
  runtime: ['index', 'machine'],
  goro: ['index', 'compiled'],
  compiler: ['index'],
  model: ['index', 'seam'],
}

const types = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b'], {
  cwd: root,
  stdio: ['ignore', 2, 2],
})
if (types.status !== 0) process.exit(types.status ?? 1)

for (const [name, entries] of Object.entries(ENTRIES)) {
  const dir = join(root, 'packages', name)
  const { outputFiles } = await build({
    absWorkingDir: dir,
    entryPoints: entries.map((entry) => `src/${entry}.ts`),
    outdir: 'dist',
    bundle: true,
    splitting: true,
    // Other packages stay imports; this one's private `#` imports do not.
    packages: 'external',
    conditions: ['source'],
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: true,
    chunkNames: 'chunk-[hash]',
    logLevel: 'warning',
    write: false,
  })
  replace(join(dir, 'dist'), outputFiles)
}

// What Piscina loads on a thread is CommonJS, and imports the bundled entry beside it.
const runtime = join(root, 'packages/runtime')
const { outputFiles: thread } = await build({
  absWorkingDir: runtime,
  entryPoints: ['src/thread.cts'],
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  logLevel: 'warning',
  write: false,
})
for (const { path, contents } of thread) writeFileSync(path, contents)

/** Makes `files` the JavaScript in `dist`. What is the same already is left alone: another program may be running it. */
function replace(dist, files) {
  mkdirSync(dist, { recursive: true })
  for (const { path, contents } of files) {
    if (!existsSync(path) || !readFileSync(path).equals(contents)) writeFileSync(path, contents)
  }
  for (const name of readdirSync(dist)) {
    const path = join(dist, name)
    if (/\.js(\.map)?$/.test(name) && !files.some((file) => file.path === path)) rmSync(path)
  }
}
