/**
 * Puts the layouts of shared structs into the built code as numbers: `read(sudog + Sudog.status)` becomes `read(sudog + 0)`. V8 does
 * not take the properties of an object for constants, and it inlines a function if its bytecode is short: with numbers a ping-pong of
 * two goroutines takes a sixth less (docs/decisions/0009-waiting-faster.md). The sources, which the tests run, say the names.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

/** The layouts that the modules of the shared structs export, by name, and what finds where one is used. */
async function known(root) {
  const files = ['memory', 'runtime'].flatMap((name) => {
    const dir = join(root, 'packages', name, 'src')
    return readdirSync(dir, { recursive: true }).map((file) => join(dir, file))
  })
  const defined = files.flatMap((file) =>
    file.endsWith('.ts')
      ? [...readFileSync(file, 'utf8').matchAll(/^export const (\w+) = struct\(/gm)].map(([, name]) => ({ file, name }))
      : [],
  )
  const { outputFiles } = await build({
    stdin: {
      contents: defined.map(({ file, name }) => `export { ${name} } from ${JSON.stringify(file)}`).join('\n'),
      resolveDir: root,
    },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    conditions: ['source'],
    logLevel: 'warning',
  })
  const values = await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`)
  const names = defined.map(({ name }) => name).join('|')
  const uses = new RegExp(`(?<![\\w.$])(${names})\\.(\\w+)\\b`, 'g')
  return { values, uses }
}

/** What puts numbers in place of layouts into a source that imports nothing. */
export async function offsets(root) {
  const { values, uses } = await known(root)
  return (source) => source.replace(uses, (_use, name, field) => String(values[name][field]))
}

/** An esbuild plugin. Only layouts that a module exports, in the modules that define or import them. */
export async function layouts(root) {
  const { values, uses } = await known(root)
  return {
    name: 'layouts',
    setup({ onLoad }) {
      onLoad({ filter: /packages\/(memory|runtime)\/src\/.*\.ts$/ }, ({ path }) => {
        const source = readFileSync(path, 'utf8')
        const names = new Set(
          [...source.matchAll(/^import \{([^}]*)\}|^export const (\w+) = struct\(/gm)].flatMap(([, imported, own]) =>
            own === undefined ? imported.split(',').map((each) => each.trim()) : own,
          ),
        )
        const contents = source.replace(uses, (use, name, field) =>
          names.has(name) && field in values[name] ? String(values[name][field]) : use,
        )
        return { contents, loader: 'ts' }
      })
    },
  }
}
