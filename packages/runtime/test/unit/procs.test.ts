/** The count of processors, on trees of files as Linux shows them: `fixtures/cgroup/NAME` stands for `/`. */
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { numCPU, parseProcs } from '../../src/procs.ts'

const FIXTURES = fileURLToPath(new URL('../fixtures/cgroup/', import.meta.url))
/** What a tree that does not say gets. All others have 16 CPUs, if not otherwise limited. */
const FALLBACK = 11

const EXPECTED: Record<string, [cpus: number, why: string]> = {
  v2: [3, 'a quota of 2.5 CPUs, rounded up'],
  'v2-container': [3, 'a container sees its own cgroup as the root'],
  'v2-below-two': [2, 'half a CPU, but never below 2 by a quota'],
  'v2-max': [16, '`max` is no quota'],
  'v2-nested': [4, 'the pod’s quota is tighter than what is around it, and the container itself has none'],
  'v2-deleted': [5, 'its own cgroup has gone, the one above it counts'],
  'v2-outside-namespace': [16, 'a cgroup outside of the namespace can’t be seen'],
  'v2-other-subtree': [16, 'the mount shows somebody else’s cgroup'],
  v1: [6, 'quota and period in files of their own'],
  'v1-container': [3, 'the mount shows the container’s own cgroup; a period of 50 ms'],
  'v1-unlimited': [16, '-1 is no quota'],
  'v1-nested': [5, 'the outer quota is the tighter one'],
  'v1-cpuset-only': [16, 'only the cpu controller has quotas'],
  hybrid: [7, 'v1 has the cpu controller, v2 the processes'],
  'hybrid-v2-has-cpu': [8, 'v2 has the cpu controller, v1 another one'],
  'space-in-mount-point': [5, 'mountinfo writes a space as \\040'],
  garbage: [16, 'lines that make no sense limit nothing'],
  'garbage-numbers': [16, 'numbers that make no sense limit nothing'],
  affinity: [3, 'CPUs 0, 1 and 8'],
  'affinity-below-quota': [4, 'four CPUs, whatever the quota'],
  'affinity-of-one': [1, 'the floor of 2 is for quotas, not for CPUs that are not there'],
  'offline-cpus': [5, 'the mask names 128 CPUs, five of them are online'],
  'garbage-affinity': [3, 'the fallback, and still the quota'],
  'no-online-list': [FALLBACK, 'the fallback'],
}

describe('numCPU', () => {
  for (const [name, [cpus, why]] of Object.entries(EXPECTED)) {
    test(`${name}: ${why}`, () => {
      expect(numCPU(FIXTURES + name, () => FALLBACK)).toBe(cpus)
    })
  }

  test('every tree has its expectation', () => {
    expect(readdirSync(FIXTURES).sort()).toEqual(Object.keys(EXPECTED).sort())
  })

  test('without proc and sys, the answer is the system’s', () => {
    expect(numCPU(`${FIXTURES}nowhere`, () => FALLBACK)).toBe(FALLBACK)
    expect(numCPU(`${FIXTURES}nowhere`)).toBe(availableParallelism())
  })

  test('on this machine it is a number of CPUs', () => {
    expect(numCPU()).toBeGreaterThanOrEqual(1)
    expect(Number.isInteger(numCPU())).toBe(true)
  })
})

describe('parseProcs', () => {
  test.each([
    ['1', 1],
    ['4', 4],
    ['256', 256],
    ['08', 8],
    [' 2 ', 2],
  ])('%j is %i', (text, n) => {
    expect(parseProcs(text, 'GOMAXPROCS')).toBe(n)
  })

  test.each(['0', '-1', '+4', 'abc', '1.5', '257', '1e2', '0x10', '', ' ', '4 4', '99999999999999999999', 'NaN', '٣'])(
    '%j is refused',
    (text) => {
      expect(() => parseProcs(text, 'GOMAXPROCS')).toThrow(RangeError)
    },
  )

  test('the message names the setting, the value and what is allowed', () => {
    expect(() => parseProcs('many', 'GOMAXPROCS')).toThrow(
      'GOMAXPROCS is "many": the number of processors is a whole number from 1 to 256; ' +
        'leave it unset to use every CPU that this process may',
    )
  })
})
