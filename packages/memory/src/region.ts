/**
 * The region: the one fixed piece of shared memory in which everything lives that threads share. Reserved large, since the
 * system commits pages only as they are touched; never grown, since typed arrays over a growable buffer are 6 to 40 times
 * slower.
 *
 *   word 0      nothing (the null address)
 *   …           the root: the runtime's static structs, at addresses that are constants
 *   heap …      the slab's
 */
import { attach, type Region, reserve, words } from '#atomics'
import { OutOfMemoryError } from './out-of-memory.ts'

/** Addresses are 32-bit word indexes, and 2^31 words are 8 GiB. */
export const MAX_REGION_BYTES = 2 ** 33
export const DEFAULT_REGION_BYTES = 2 ** 32
export const MIN_REGION_BYTES = 2 ** 24

/**
 * Reserves a region and attaches this thread to it. A machine that will not reserve `bytes` (strict overcommit, a limit on
 * address space) is asked for half as much, and so on, unless `exact`.
 *
 * `isRoomy` if the system limits no addresses: then WebAssembly can reach it (atomics.ts).
 *
 * @throws OutOfMemoryError if nothing, or not exactly `bytes`, can be reserved.
 */
export function createRegion(bytes: number, exact = false, isRoomy = true): Region {
  for (let size = bytes; size >= MIN_REGION_BYTES; size /= 2) {
    const region = tryReserve(size, isRoomy)
    if (region !== undefined) {
      attach(region)
      return region
    }
    if (exact) break
  }
  throw new OutOfMemoryError(
    `cannot reserve ${bytes} bytes of shared memory: the system refused the address space; ` +
      'lower it with runtime.configure({ memory: BYTES }) or lift the limit (ulimit -v, vm.overcommit_memory)',
  )
}

function tryReserve(bytes: number, isRoomy: boolean): Region | undefined {
  try {
    return reserve(bytes, isRoomy)
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** Bytes of the attached region. */
export function regionBytes(): number {
  return words() * 4
}
