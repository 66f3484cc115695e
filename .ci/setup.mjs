/**
 * Makes a clone ready to run: `npm start` and `npm test` call it first. It needs Node and npm, nothing else, and imports
 * nothing that would have to be installed.
 *
 *   1. checks Node's version;
 *   2. installs the dependencies of pnpm-lock.yaml, unless the stamp in node_modules says that they are there. The stamp
 *      is written last, so that an install that was interrupted is done again;
 *   3. builds (.ci/build.mjs), the types only where something changed.
 *
 * `--check` changes nothing: it exits 1 and says what is missing if there is something to install.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const manifest = JSON.parse(read('package.json'))
const stampFile = 'node_modules/.goro-setup'

checkNode()
const wanted = stamp()
const installed = readIfThere(stampFile) === wanted
if (process.argv.includes('--check')) {
  if (!installed) fail('The dependencies are not installed, or not those of pnpm-lock.yaml: run `npm run setup`.')
} else {
  if (!installed) install()
  build()
}

function checkNode() {
  const needed = manifest.engines.node.match(/\d+/g).map(Number)
  const found = process.versions.node.split('.').map(Number)
  const older = found[0] < needed[0] || (found[0] === needed[0] && found[1] < needed[1])
  if (older) fail(`goro needs Node ${needed.join('.')} or later, and this is Node ${process.versions.node}.`)
}

/** A fingerprint of all that decides what an install would put there. */
function stamp() {
  const packages = readdirSync(join(root, 'packages')).map((name) => `packages/${name}/package.json`)
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}\n`)
  for (const file of [
    'pnpm-lock.yaml',
    'pnpm-workspace.yaml',
    'package.json',
    'benchmarks/package.json',
    ...packages,
  ]) {
    hash.update(`${file}\n`).update(readIfThere(file) ?? '')
  }
  return hash.digest('hex')
}

function install() {
  const pinned = manifest.packageManager.split('@')[1].split('+')[0]
  const pnpm = pnpmOnPath() === pinned ? ['pnpm'] : ['npx', '--yes', '--loglevel=error', `pnpm@${pinned}`]
  console.error('Installing the dependencies …')
  run([...pnpm, 'install', '--frozen-lockfile', '--reporter=append-only', '--loglevel=warn'], {
    whenFailed: 'The dependencies could not be installed. That needs the npm registry once; after it, no network.',
  })
  writeFileSync(join(root, stampFile), wanted)
}

function pnpmOnPath() {
  const probe = spawnSync('pnpm', ['--version'], { cwd: root, encoding: 'utf8', shell: onWindows() })
  return probe.status === 0 ? probe.stdout.trim() : undefined
}

function build() {
  run([process.execPath, join(root, '.ci/build.mjs')], { whenFailed: 'The build failed.' })
}

/** Runs a command to its end. Ctrl-C reaches it and us alike, so an interrupted command ends this program too. */
function run([command, ...args], { whenFailed }) {
  const { status, signal, error } = spawnSync(command, args, {
    cwd: root,
    // The output of a set-up is not that of the program that it was called for.
    stdio: ['ignore', 2, 2],
    // On Windows npx and pnpm are .cmd files, which only a shell starts.
    shell: onWindows() && command !== process.execPath,
  })
  if (signal === 'SIGINT') process.exit(130)
  if (error !== undefined || status !== 0)
    fail(`${whenFailed} (${command}: ${error?.message ?? signal ?? `exit ${status}`})`)
}

function onWindows() {
  return process.platform === 'win32'
}

function read(file) {
  return readFileSync(join(root, file), 'utf8')
}

function readIfThere(file) {
  try {
    return read(file)
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}

function fail(message) {
  console.error(message)
  process.exit(1)
}
