/** The structures on real threads. Named after what would break; a failure names the seed, which gives the same load again. */
import { Worker } from 'node:worker_threads'
import { attach, initSlab, reserve, SLAB_SHAPE, slabLayout } from '@goro/memory'
import { describe, expect, test } from 'vitest'

const runs = Number(process.env.GORO_STRESS_RUNS ?? 1)
const BYTES = 1 << 27

interface Role {
  readonly role: string
  readonly count?: number
}

/** Runs a thread a role to its end and returns what each reports. A hang is a failure after a minute. */
async function play(roles: readonly Role[], seed: number, prepare?: () => void): Promise<unknown[]> {
  const buffer = reserve(BYTES)
  attach(buffer)
  prepare?.()
  const workers = roles.map(
    (role, id) =>
      new Worker(new URL('workers/role.mjs', import.meta.url), {
        workerData: {
          buffer,
          id: id + (role.role === 'allocator' ? 0 : 1),
          at,
          capacity: 8,
          seed: seed + id * 2,
          threads: roles.length,
          ...role,
        },
      }),
  )
  try {
    return await Promise.all(
      workers.map(
        (worker, id) =>
          new Promise((resolve, reject) => {
            const timer = setTimeout(() => reject(new Error(`${roles[id]?.role} hangs with seed ${seed}`)), 60_000)
            worker.once('message', (result) => {
              clearTimeout(timer)
              resolve(result)
            })
            worker.once('error', reject)
          }),
      ),
    )
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
}

const at = {
  start: 16,
  over: 32,
  lock: 48,
  word: 64,
  note: 80,
  inbox: 128,
  global: 512,
  queue: 1024,
  cache: 20_000,
  slab: 32_768,
  heap: 65_536,
  items: 100_000,
}

describe.each(Array.from({ length: runs }, (_, i) => i))('run %i', () => {
  const seed = (Math.random() * 2 ** 30) | 1

  test.each([1, 3, 7])('stampede: with %i thieves nothing is lost, and nothing is run twice', async (thieves) => {
    const count = 60_000
    const roles = [{ role: 'owner', count }, ...Array.from({ length: thieves }, () => ({ role: 'thief' }))]
    const got = (await play(roles, seed)).flat() as number[]
    expect(new Set(got).size, `seed ${seed}`).toBe(count)
    expect(got.length, `seed ${seed}`).toBe(count)
  })

  test.each([2, 4, 8])('exclusion: %i threads count under a lock, and no count is lost', async (threads) => {
    const count = 20_000
    let word = 0
    await play(
      Array.from({ length: threads }, () => ({ role: 'counter', count })),
      seed,
    )
    word = (await import('@goro/memory')).read(at.word)
    expect(word).toBe(threads * count)
  })

  test.each([1, 3])(
    'lost wake-up: a consumer that sleeps gets all that %i producers send, in their order',
    async (producers) => {
      const count = 20_000
      const roles = [
        { role: 'consumer', count: producers * count },
        ...Array.from({ length: producers }, () => ({ role: 'producer', count })),
      ]
      const [consumed] = await play(roles, seed)
      expect(consumed, `seed ${seed}`).toEqual({ got: producers * count, ordered: true })
    },
  )

  test.each([2, 4])(
    'double hand-out: %i threads allocate and free each other’s blocks, and no block has two owners',
    async (threads) => {
      const heap = () => initSlab(at.slab, at.heap, BYTES / 4)
      expect(at.slab + slabLayout(SLAB_SHAPE.classes.length).SIZE).toBeLessThan(at.heap)
      const damaged = await play(
        Array.from({ length: threads }, () => ({ role: 'allocator', count: 20_000 })),
        seed,
        heap,
      )
      expect(damaged, `seed ${seed}`).toEqual(Array.from({ length: threads }, () => 0))
    },
  )
})
