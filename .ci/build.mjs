/**
 * Builds the packages: WebAssembly (wasm.mjs), types by `tsc -b`, JavaScript by esbuild, one file an entry. A thread of the runtime loads its entry
 * and what that imports before its first goroutine, and each module costs about a millisecond there: bundled, the first
 * result comes 40 ms sooner (docs/decisions/0001-build.md).
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { layouts } from './layouts.mjs'
import { wasm } from './wasm.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

/** By package, its entries; they share chunks, so that a thread has each module once. */
const ENTRIES = {
  memory: ['index'],
  runtime: ['index', 'machine'],
  compiler: ['index', 'register', 'hooks', 'plugin'],
  cli: ['index', 'preload'],
  goro: [
    'index',
    'compiled',
    'register',
    'register-preempt',
    'vite',
    'rollup',
    'rolldown',
    'esbuild',
    'webpack',
    'rspack',
  ],
  model: ['index', 'seam'],
}

/**
 * By package, others that become a part of it: the compiler stands before a program's first line, and they are thirty files
 * (docs/decisions/0003-compiler.md). The runtime stands before the first goroutine, on the main thread and on each other.
 */
const PARTS = { compiler: ['eslint-scope', 'magic-string'], runtime: ['@goro/memory'] }

/**
 * Not the names: classes and functions are known by them; and in lines, of which Node prints the one that throws. What V8 does not have to
 * read is what takes time (docs/decisions/0008-fast-goroutines.md).
 */
const SHORT = { minifyWhitespace: true, minifySyntax: true, lineLimit: 120 }

const runtime = join(root, 'packages/runtime')

/**
 * Node's own modules, had of `process` and not imported: for an import Node reads every property of one, and some of those load others
 * that take milliseconds (`fs` its streams).
 */
const BUILTINS = {
  name: 'builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path, kind }) =>
      kind === 'import-statement' ? { path, namespace: 'builtin' } : undefined,
    )
    onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => {
      const names = Object.keys(process.getBuiltinModule(path)).filter((name) => /^[A-Za-z]\w*$/.test(name))
      // Of this one only functions are used, in rare cases, and it takes two milliseconds to load.
      if (path === 'node:v8') {
        const lazily = (name) =>
          `export const ${name} = (...args) => process.getBuiltinModule('node:v8').${name}(...args)`
        return { contents: names.map(lazily).join('\n') }
      }
      return {
        contents: [
          `const all = process.getBuiltinModule('${path}')`,
          'const get = (name) => all[name]',
          'export default all',
          // What nobody imports is left out.
          ...names.map((name) => `const _${name} = /* @__PURE__ */ get('${name}'); export { _${name} as ${name} }`),
        ].join('\n'),
      }
    })
  },
}

/** What stands for a package that is to be a file of its own. */
const SCRIPTS = {
  name: 'scripts',
  setup({ onResolve, onLoad }) {
    const texts = {
      thread: "module.exports = require('./src/thread.cts')",
      monitor: "export { default } from './src/monitor.ts'",
      porter: "export { default } from './src/porter.ts'",
      piscina: "export { Piscina } from 'piscina'",
      worker: `require(${JSON.stringify(join(dirname(createRequire(join(runtime, 'x')).resolve('piscina')), 'worker.js'))})`,
      acorn: "export * from 'acorn'",
      comlink: "export * from 'comlink'",
    }
    onResolve({ filter: /^script:/ }, ({ path }) => ({ path: path.slice('script:'.length), namespace: 'script' }))
    onLoad({ filter: /./, namespace: 'script' }, ({ path }) => ({ contents: texts[path], resolveDir: runtime }))
  },
}

const PISCINA = {
  'runtime/src/threads.ts': [["(import.meta.url)('piscina')", "(import.meta.url)('./piscina.cjs')"]],
  'piscina/dist/index.js': [["'worker.js'", "'worker.cjs'"]],
}
/** In the package. */
const IN_PLACE = PISCINA
/** In the files that need nothing else. */
const STANDALONE = {
  ...PISCINA,
  'runtime/src/thread.cts': [["import('./machine.js')", "import('./machine.mjs')"]],
  'runtime/src/monitor.ts': [["import('./machine.js')", "import('./machine.mjs')"]],
  'runtime/src/capture.ts': [["(import.meta.url)('acorn')", "(import.meta.url)('./acorn.cjs')"]],
  'runtime/src/control.ts': [["(import.meta.url)('comlink')", "(import.meta.url)('./comlink.cjs')"]],
}
const changed = new Set()

await wasm(root)

const types = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b'], {
  cwd: root,
  stdio: ['ignore', 2, 2],
})
if (types.status !== 0) process.exit(types.status ?? 1)

const folded = await layouts(root)

for (const [name, entries] of Object.entries(ENTRIES)) {
  const dir = join(root, 'packages', name)
  const { outputFiles, metafile } = await build({
    absWorkingDir: dir,
    entryPoints: entries.map((entry) => `src/${entry}.ts`),
    outdir: 'dist',
    bundle: true,
    // The entries of goro have nothing in common but a helper of esbuild's, which would be a file of its own to load.
    splitting: name !== 'goro',
    plugins: [...(name === 'runtime' ? [BUILTINS, changes(IN_PLACE)] : []), onlyParts(PARTS[name] ?? []), folded],
    ...SHORT,
    metafile: true,
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
  if (PARTS[name] !== undefined) writeFileSync(join(dir, 'dist/LICENSES.txt'), licensesOf(metafile, dir))
}

// What Piscina loads on a thread is CommonJS, and imports the bundled entry beside it. The monitor's has in it what it needs itself.
// Piscina itself is thirty files, on both sides.
const { outputFiles: scriptsInPlace, metafile: ofScripts } = await build({
  absWorkingDir: runtime,
  entryPoints: [
    { in: 'src/thread.cts', out: 'thread' },
    { in: 'src/monitor.ts', out: 'monitor' },
    { in: 'src/porter.ts', out: 'porter' },
    ...script('piscina', 'worker'),
  ],
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  plugins: [SCRIPTS, changes(IN_PLACE), folded],
  external: ['./machine.js', '@napi-rs/nice'],
  conditions: ['source'],
  ...SHORT,
  metafile: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  logLevel: 'warning',
  write: false,
})
replace(join(runtime, 'dist'), scriptsInPlace, /\.cjs$/)
writeFileSync(join(runtime, 'dist/LICENSES.txt'), licensesOf(ofScripts, runtime))

// What the plugins put beside a bundle: goro, its threads' entry and the packages that both need, in files that need nothing else.
// The packages are CommonJS, and loaded at their first use; so each is a file of its own.
const alone = {
  bundle: true,
  write: false,
  platform: 'node',
  target: 'node20',
  logLevel: 'warning',
  conditions: ['source'],
  outdir: join(root, 'packages/goro/dist/standalone'),
  // TypeScript that a goroutine imports is no part of a bundle. The other is an optional addition to Piscina.
  external: ['tsx', '@napi-rs/nice', './piscina.cjs', './machine.mjs'],
  ...SHORT,
  plugins: [BUILTINS, changes(STANDALONE), folded],
}
const goro = join(root, 'packages/goro')
const modules = await build({
  ...alone,
  absWorkingDir: goro,
  entryPoints: {
    index: 'alone:src/index.ts',
    compiled: 'alone:src/compiled.ts',
    machine: join(runtime, 'src/machine.ts'),
  },
  plugins: [
    {
      name: 'default exports',
      setup({ onResolve, onLoad }) {
        // As Rollup's plugin for CommonJS imports what is required.
        const text = (path) => `export * from './${path}'; import * as all from './${path}'; export default all`
        onResolve({ filter: /^alone:/ }, ({ path }) => ({ path: path.slice('alone:'.length), namespace: 'alone' }))
        onLoad({ filter: /./, namespace: 'alone' }, ({ path }) => ({ contents: text(path), resolveDir: goro }))
      },
    },
    ...alone.plugins,
  ],
  format: 'esm',
  splitting: true,
  outExtension: { '.js': '.mjs' },
  chunkNames: 'chunk-[hash]',
})
const scripts = await build({
  ...alone,
  absWorkingDir: runtime,
  entryPoints: script('thread', 'monitor', 'porter', 'piscina', 'worker', 'acorn', 'comlink'),
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  plugins: [SCRIPTS, ...alone.plugins],
})
for (const file of [...Object.keys(IN_PLACE), ...Object.keys(STANDALONE)])
  if (!changed.has(file)) throw new Error(`build: ${file} is not there any more`)
replace(alone.outdir, [...modules.outputFiles, ...scripts.outputFiles], /./)

/** Replaces text of files, by the ends of their paths: what they load by path or name has another one here. */
function changes(files) {
  return {
    name: 'changes',
    setup({ onLoad }) {
      for (const [file, list] of Object.entries(files)) {
        onLoad({ filter: new RegExp(`${file.replaceAll('.', '\\.')}$`) }, ({ path }) => {
          changed.add(file)
          let contents = readFileSync(path, 'utf8')
          for (const [from, to] of list) {
            if (!contents.includes(from)) throw new Error(`build: ${file} has no ${from} any more`)
            contents = contents.replace(from, to)
          }
          return { contents, loader: file.endsWith('.js') ? 'js' : 'ts' }
        })
      }
    },
  }
}

/** Entries that are files for one package each. */
function script(...names) {
  return names.map((name) => ({ in: `script:${name}`, out: name }))
}

/** Other packages stay imports, except `parts` and what those import; this package's private `#` imports do not. */
function onlyParts(parts) {
  const isPart = (path) => parts.some((part) => path === part || path.startsWith(`${part}/`))
  return {
    name: 'only-parts',
    setup({ onResolve }) {
      onResolve({ filter: /^[^.#/]/ }, ({ path, importer, kind }) => {
        const stays = kind !== 'entry-point' && !importer.includes('node_modules') && !isPart(path)
        return stays ? { external: true } : undefined
      })
    },
  }
}

/** The licences of the packages that went into a build. Who has no file for it has it at the top of the source. */
function licensesOf({ inputs }, dir) {
  const texts = new Map()
  for (const input of Object.keys(inputs)) {
    const [folder, name] = /^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(join(dir, input)) ?? []
    if (folder === undefined || !/\.[cm]?js$/.test(input)) continue
    const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each))
    if (file !== undefined) texts.set(name, readFileSync(join(folder, file), 'utf8'))
    else texts.set(name, readFileSync(join(dir, input), 'utf8').match(/\/\*[\s\S]*?\*\//)[0])
  }
  return [...texts].map(([name, text]) => `${name}\n\n${text.trim()}\n`).join(`\n${'-'.repeat(80)}\n\n`)
}

/**
 * Makes `files` those in `dist` whose names are like `ours`. What is the same already is left alone: another program may be
 * running it.
 */
function replace(dist, files, ours = /\.js(\.map)?$/) {
  mkdirSync(dist, { recursive: true })
  for (const { path, contents } of files) {
    if (!existsSync(path) || !readFileSync(path).equals(contents)) writeFileSync(path, contents)
  }
  for (const name of readdirSync(dist)) {
    const path = join(dist, name)
    if (ours.test(name) && !files.some((file) => file.path === path)) rmSync(path)
  }
}
