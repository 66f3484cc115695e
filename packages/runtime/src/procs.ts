/**
 * How many processors there should be: the CPUs that this process may really use, and what a person may set instead.
 *
 * Linux limits a process in two ways, and both count. Its affinity mask names the CPUs that it may run on
 * (`Cpus_allowed_list` of /proc/self/status, of which those that are online). Its cgroups have CPU quotas: so many µs of
 * CPU time in every period. A quota of any cgroup above it holds as well, so the smallest on the way up to the root is
 * the one that bites; Go reads the innermost alone, and counts too many CPUs where an outer one is tighter.
 *
 * The rest is Go 1.25's rule (golang/go src/runtime/cgroup_linux.go, adjustCgroupGOMAXPROCS): a fraction of a CPU is
 * rounded up, and a quota lowers the count to 2 at the least: it is an average that allows bursts, and one processor
 * allows no two goroutines at a time.
 *
 * Why not `os.availableParallelism()`: from libuv 1.49 on (Node 22.12) it counts quotas itself, rounded down
 * (libuv/libuv#4740); before that it knows the affinity alone. It answers where there is no /proc: macOS and Windows.
 */
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { MAX_PROCS } from './p.ts'

/** As Go: a quota never lowers the count below this. */
const MIN_BY_QUOTA = 2

/**
 * The CPUs this process may use. `root` is the folder that holds `proc` and `sys`, and `fallback` the answer where it
 * holds neither.
 */
export function numCPU(root = '/', fallback: () => number = availableParallelism): number {
  const cpus = affinity(root) ?? fallback()
  const quota = cgroupQuota(root)
  return quota === undefined ? cpus : Math.min(cpus, Math.max(MIN_BY_QUOTA, Math.ceil(quota)))
}

/**
 * The number of processors that `text` asks for. `where` is the setting's name, for the message.
 *
 * @throws RangeError if it is not a whole number from 1 to 256.
 */
export function parseProcs(text: string, where: string): number {
  const trimmed = text.trim()
  const n = /^\d+$/.test(trimmed) ? Number(trimmed) : 0
  if (n >= 1 && n <= MAX_PROCS) return n
  throw new RangeError(
    `${where} is ${JSON.stringify(text)}: the number of processors is a whole number from 1 to ${MAX_PROCS}; ` +
      'leave it unset to use every CPU that this process may',
  )
}

function affinity(root: string): number | undefined {
  const allowed = cpuList(read(root, 'proc/self/status')?.match(/^Cpus_allowed_list:\s*(\S+)$/m)?.[1])
  if (allowed === undefined) return undefined
  // The mask of a process that nobody has limited may name CPUs that could be plugged in one day.
  const online = cpuList(read(root, 'sys/devices/system/cpu/online')?.trim())
  if (online === undefined) return undefined
  let count = 0
  for (const [from, to] of allowed) {
    for (const [first, last] of online) count += Math.max(0, Math.min(to, last) - Math.max(from, first) + 1)
  }
  return count > 0 ? count : undefined
}

/** The ranges of a list such as `0-3,8,10-11`. */
function cpuList(text: string | undefined): [from: number, to: number][] | undefined {
  if (text === undefined || !/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(text)) return undefined
  return text.split(',').map((range) => {
    const [from, to = from] = range.split('-').map(Number) as [number, number?]
    return [from, to]
  })
}

/** The smallest quota that holds for this process, in CPUs; undefined if there is none. */
function cgroupQuota(root: string): number | undefined {
  const paths = cgroupPaths(read(root, 'proc/self/cgroup') ?? '')
  let smallest: number | undefined
  for (const mount of cgroupMounts(read(root, 'proc/self/mountinfo') ?? '')) {
    const path = below(mount.root, paths[mount.version])
    if (path === undefined) continue
    for (let names = path.split('/').filter(Boolean); ; names = names.slice(0, -1)) {
      const quota = QUOTA[mount.version](root, [mount.point, ...names].join('/'))
      if (quota !== undefined && quota < (smallest ?? Infinity)) smallest = quota
      if (names.length === 0) break
    }
  }
  return smallest
}

type Version = 'v1' | 'v2'

/** Where this process is in each hierarchy. A line is `id:controllers:path`, and v2's is `0::path`. */
function cgroupPaths(text: string): Partial<Record<Version, string>> {
  const paths: Partial<Record<Version, string>> = {}
  for (const line of text.split('\n')) {
    const [, id, controllers, path] = /^(\d+):([^:]*):(\/.*)$/.exec(line) ?? []
    if (id === '0') paths.v2 = path as string
    else if (controllers?.split(',').includes('cpu')) paths.v1 = path as string
  }
  return paths
}

interface Mount {
  version: Version
  /** The cgroup that is to be seen there. */
  root: string
  point: string
}

/**
 * Where the hierarchies that can have CPU quotas are mounted. Where v1 and v2 are there together, the cpu controller is in
 * one of them alone: the other one's folders have no quota files.
 */
function cgroupMounts(text: string): Mount[] {
  const mounts: Mount[] = []
  for (const [, root, point, type, options] of text.matchAll(CGROUP_MOUNT) as Iterable<string[]>) {
    if (type === 'cgroup' && !options.split(',').includes('cpu')) continue
    mounts.push({ version: type === 'cgroup' ? 'v1' : 'v2', root: unescapePath(root), point: unescapePath(point) })
  }
  return mounts
}

/** id, parent, device, root, mount point, options, tags (any number) - type, source, super options */
const CGROUP_MOUNT = /^\S+ \S+ \S+ (\S+) (\S+) .*?- (cgroup2?) \S+ (\S+)$/gm

/** The kernel writes a space in a path as `\040`. */
function unescapePath(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}

/** What of `path` is under `mounted`, the cgroup at a mount point; undefined if the mount shows another part of the tree. */
function below(mounted: string, path: string | undefined): string | undefined {
  // A path that goes up is one from outside of this process' namespace: none of it can be seen here.
  if (path === undefined || path.split('/').includes('..')) return undefined
  if (mounted === '/') return path
  return path === mounted || path.startsWith(`${mounted}/`) ? path.slice(mounted.length) : undefined
}

/** The quota of one cgroup in CPUs; undefined if it has none. */
const QUOTA: Record<Version, (root: string, cgroup: string) => number | undefined> = {
  v1(root, cgroup) {
    const quota = positive(read(root, `${cgroup}/cpu.cfs_quota_us`))
    return quota && divide(quota, positive(read(root, `${cgroup}/cpu.cfs_period_us`)))
  },
  v2(root, cgroup) {
    const [quota, period] = read(root, `${cgroup}/cpu.max`)?.split(' ') ?? []
    return divide(positive(quota), positive(period))
  },
}

function divide(quota: number | undefined, period: number | undefined): number | undefined {
  return quota && period && quota / period
}

/** v1 says `-1` and v2 says `max` for no quota; anything else that is not a positive number limits nothing either. */
function positive(text: string | undefined): number | undefined {
  const n = Number(text)
  return n > 0 ? n : undefined
}

/** Whether the system limits no addresses of this process (`ulimit -v`), as far as it says so. */
export function hasRoom(): boolean {
  const limit = /^Max address space +(\S+)/m.exec(read('/proc/self', 'limits') ?? '')
  return limit === null || limit[1] === 'unlimited'
}

/** A file's text. What can't be read (not Linux, no permission, a cgroup that has just gone) limits nothing. */
function read(root: string, path: string): string | undefined {
  try {
    return readFileSync(`${root}/${path}`, 'utf8')
  } catch {
    return undefined
  }
}
