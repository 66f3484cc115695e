/**
 * What the Node loaders have compiled, on disk: a program that is started again does not load the compiler at all. tsx does the
 * same with what it transforms.
 *
 * A file of the cache is named after a period of thirty days and a hash of all that the result depends on, but for what is installed
 * (`packages`), which is asked again. It lies in the folder for temporary files, in one that is this user's alone. Files of periods
 * before the last one are removed by whoever writes the next. Without such a folder nothing is kept.
 */
import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Entry {
  /** The compiled text; null if the file is to be left as it is. */
  readonly code: string | null
  /** By specifier, whether it was a package. */
  readonly packages: Readonly<Record<string, boolean>>
}

const PERIOD_MS = 30 * 24 * 3600 * 1000

/** The key of a result that depends on `parts` and on the compiler, which is the file at `compiler` or what that imports. */
export function keyOf(compiler: URL, parts: readonly string[]): string {
  // The build names chunks after their contents.
  version ??= readFileSync(compiler, 'utf8')
  const hash = createHash('sha256')
  for (const part of [version, ...parts]) hash.update(`${part.length} ${part}`)
  return hash.digest('hex')
}

let version: string | undefined

/** The entry of `key`, if there is one. */
export function read(key: string): Entry | undefined {
  const folder = cacheFolder()
  if (folder === undefined) return undefined
  const now = period()
  for (const name of [`${now}-${key}`, `${now - 1}-${key}`]) {
    try {
      return JSON.parse(readFileSync(join(folder, name), 'utf8')) as Entry
    } catch (error) {
      // A file that is no JSON is one that a full disk has cut off.
      if (!(error instanceof SyntaxError) && (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  return undefined
}

/** Keeps an entry. */
export function write(key: string, entry: Entry): void {
  const folder = cacheFolder()
  if (folder === undefined) return
  const name = join(folder, `${period()}-${key}`)
  const temporary = `${name}.${process.pid}`
  try {
    if (!isSwept) sweep(folder)
    writeFileSync(temporary, JSON.stringify(entry), { mode: 0o600 })
    // Whoever reads it finds all of it or nothing.
    renameSync(temporary, name)
  } catch (error) {
    // A disk that is full or not to be written on only makes the next start slower.
    if (!/^(ENOSPC|EDQUOT|EROFS|EACCES|ENOENT)$/.test((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

const period = (): number => Math.floor(Date.now() / PERIOD_MS)

let isSwept = false

function sweep(folder: string): void {
  isSwept = true
  for (const name of readdirSync(folder)) {
    if (Number.parseInt(name, 10) < period() - 1) rmSync(join(folder, name), { force: true })
  }
}

let isFolderKnown = false
let known: string | undefined

function cacheFolder(): string | undefined {
  if (!isFolderKnown) {
    isFolderKnown = true
    known = makeFolder()
  }
  return known
}

/** The folder; undefined if it can't be made, or is not this user's alone: what lies there is run as a program. */
function makeFolder(): string | undefined {
  const user = process.getuid?.() ?? ''
  const folder = join(tmpdir(), `goro-${user}`)
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const { uid, mode } = lstatSync(folder)
    return user === '' || (uid === user && (mode & 0o077) === 0) ? folder : undefined
  } catch (error) {
    if (/^E[A-Z]+$/.test((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}
