// What a run is a run of: the machine, and the version of everything that takes part.

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, release, totalmem } from 'node:os'
import { dirname } from 'node:path'

const packages = [
  'piscina',
  'tinypool',
  'workerpool',
  'poolifier',
  'multithreading',
  '@thi.ng/csp',
  'medium',
  'autocannon',
]

/** `{ cpu, cores, memory, os, go?, goro, packages }`, as it is stored with the figures. */
export function describeMachine() {
  return {
    cpu: cpus()[0].model.trim(),
    cores: availableParallelism(),
    memory: `${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    os: `${process.platform} ${release()} ${process.arch}`,
    go: goVersion(),
    goro: goroVersion(),
    packages: Object.fromEntries(packages.map((name) => [name, packageVersion(`../node_modules/${name}/`)])),
  }
}

/** The same as lines for a person. */
export function machineLines({ cpu, cores, memory, os, go, goro, packages }, nodes) {
  const others = Object.entries(packages).map(([name, version]) => `${name} ${version}`)
  return [
    `${cpu}, ${cores} cores, ${memory}, ${os}`,
    `Node ${nodes.join(' and ')}, ${go ?? 'no Go'}, goro ${goro}`,
    others.join(', '),
  ]
}

function goVersion() {
  try {
    // go version go1.26.8 linux/amd64
    return `Go ${execFileSync('go', ['version'], { encoding: 'utf8' }).split(' ')[2].slice(2)}`
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}

/** goro's version, and of a clone the commit, with a + if files differ from it. */
function goroVersion() {
  const version = packageVersion('../../packages/goro/')
  try {
    const git = (...args) =>
      execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8', stdio: 'pipe' }).trim()
    return `${version} (${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain', '-uno') ? '+' : ''})`
  } catch {
    // No git here, or a folder that is no clone: the version has to do.
    return version
  }
}

function packageVersion(folder) {
  return JSON.parse(readFileSync(new URL(`${folder}package.json`, import.meta.url), 'utf8')).version
}

/**
 * The Nodes to measure under, each `{ version, path }`: those that `wanted` names (`24`, `22.23.3`), brought by npm from the registry's
 * `node` package, or the one that runs this.
 */
export function findNodes(wanted) {
  if (wanted.length === 0) return [{ version: process.versions.node, path: process.execPath }]
  return wanted.map((name) => {
    const own = process.versions.node
    if (own === name || own.startsWith(`${name}.`)) return { version: own, path: process.execPath }
    const print = 'process.versions.node + " " + process.execPath'
    const output = execFileSync(
      'npm',
      ['exec', '--yes', '--loglevel=error', `--package=node@${name}`, '--', 'node', '-p', print],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
    )
    const [version, path] = output.trimEnd().split('\n').at(-1).split(' ')
    return { version, path }
  })
}

/** The environment of a process under that Node: what is started by name is it, too. */
export function environment(node, env) {
  return { ...process.env, PATH: `${dirname(node.path)}:${process.env.PATH}`, ...env }
}
