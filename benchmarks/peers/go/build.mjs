// Builds the Go programs once for each state of their source, into the cache folder of this package, and runs them.

import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile, rename } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Skip } from '../../contenders.mjs'

const run = promisify(execFile)
const source = fileURLToPath(new URL('.', import.meta.url))
const cache = fileURLToPath(new URL('../../node_modules/.cache/goro-benchmarks/', import.meta.url))

/** The command that starts the Go programs. Skips the contender where no Go is installed. */
export async function goCommand() {
  return [await build(source)]
}

/** The path of a program of docs/examples/go, built. Skips where no Go is installed. */
export async function goExample(name) {
  return build(fileURLToPath(new URL(`../../../docs/examples/go/${name}/`, import.meta.url)))
}

/** Builds the program in `folder`, unless that is done. */
async function build(folder) {
  const version = await goVersion()
  const files = (await readdir(folder)).filter((name) => name.endsWith('.go')).sort()
  const code = await Promise.all(files.map((name) => readFile(folder + name)))
  const hash = createHash('sha256').update(version).update(Buffer.concat(code)).digest('hex')
  const program = `${cache}go-${hash.slice(0, 16)}`
  if (!existsSync(program)) {
    // Built under a name of its own and renamed: a second bench beside this one never runs half a file.
    const unfinished = `${program}.${process.pid}`
    await run('go', ['build', '-o', unfinished, '.'], { cwd: folder })
    await rename(unfinished, program)
  }
  return program
}

/** Runs one Go scenario and gives back what it printed. */
export async function goProgram(...args) {
  const [program] = await goCommand()
  const { stdout } = await run(program, args.map(String))
  return JSON.parse(stdout)
}

async function goVersion() {
  try {
    return (await run('go', ['version'])).stdout
  } catch (error) {
    if (error.code === 'ENOENT') throw new Skip('no go tool is installed here')
    throw error
  }
}
