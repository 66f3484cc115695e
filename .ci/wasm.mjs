/**
 * Compiles packages/runtime/src/quick.as, which is AssemblyScript, into quick-code.ts beside it, if that is not of the same source, layouts
 * and compiler already: so a set-up needs no compiler, and what is in the repository is never stale.
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { offsets } from './layouts.mjs'

export async function wasm(root) {
  const target = join(root, TARGET)
  // The modules that the layouts stand in import it.
  if (!existsSync(target)) writeFileSync(target, "export const CODE = ''\n")
  const { hash } = await sourceOf(root)
  if (!readFileSync(target, 'utf8').includes(hash)) writeFileSync(target, await codeFile(root))
}

/** Where it stands. */
export const TARGET = 'packages/runtime/src/quick-code.ts'

/** What is to stand there. */
export async function codeFile(root) {
  const { source, hash } = await sourceOf(root)
  const code = Buffer.from(await compile(source)).toString('base64')
  return `/** What .ci/wasm.mjs has made of quick.as. ${hash} */\nexport const CODE =\n  '${code}'\n`
}

const FLAGS = [
  ...['--outFile', 'quick.wasm', '-O3', '--runtime', 'stub', '--noAssert', '--enable', 'threads'],
  // At most 4 GiB, as much as a module can reach; any region that is no larger will do.
  ...['--importMemory', '--sharedMemory', '--initialMemory', '1', '--maximumMemory', '65536', '--zeroFilledMemory'],
]

/** With the layouts filled in; and a hash of all that decides what it is compiled to. */
async function sourceOf(root) {
  const source = (await offsets(root))(readFileSync(join(root, 'packages/runtime/src/quick.as'), 'utf8'))
  const { version } = JSON.parse(readFileSync(join(root, 'node_modules/assemblyscript/package.json'), 'utf8'))
  const hash = createHash('sha256').update(version).update(FLAGS.join(' ')).update(source).digest('hex')
  return { source, hash }
}

async function compile(source) {
  const { default: asc } = await import('assemblyscript/asc')
  let code
  const { error, stderr } = await asc.main(['quick.ts', ...FLAGS], {
    readFile: (name) => (name === 'quick.ts' ? source : null),
    writeFile: (_name, contents) => {
      code = contents
    },
    listFiles: () => [],
  })
  if (error) throw new Error(`quick.as: ${error.message}\n${stderr}`)
  return code
}
