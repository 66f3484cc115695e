/**
 * Threads that die at random moments under a load of everything. `GORO_KILLS` says how many do for each number of processors: 1,000 take one
 * to two minutes, since it takes 50 ms to start a thread. A failure prints its seed: `GORODEBUG=deaths node …/kills.mjs KILLS SEED`.
 */
import { describe, expect, test } from 'vitest'
import { type Outcome, run } from '../integration/run.ts'

const kills = Number(process.env.GORO_KILLS ?? 30)
const processors = ['1', '2', '4', '8']
const ranks = ['waitQueue', 'mapSegment', 'globalQueue', 'slabClass', 'pageHeap', 'processors']

/** As `GORODEBUG=deaths` says it (packages/runtime/src/autopsy.ts). */
interface Death {
  readonly status: string
  readonly asleep: 'futex' | 'poll' | 'no'
  readonly spinning: boolean
  readonly queue: number
  readonly locked: boolean
  readonly last: boolean
  readonly lock: string
}

/** How much more shared memory may be in use in the end than when half of the threads had died. */
const MOST_MORE_BYTES = 2 ** 20

const AUDIT = /^goro: audit: (\d+) steps, and never more threads in one than processors\n/m
const DEATH = /^goro: M\d+ died: (.*)\n/gm

const deathsIn = (stderr: string): Death[] =>
  [...stderr.matchAll(DEATH)].map(([, facts]) => JSON.parse(facts!) as Death)

/** What a thread can be at when it dies. */
const STATES: Readonly<Record<string, (death: Death) => boolean>> = {
  'running goroutines': ({ status, lock }) => status === 'running' && lock === 'none',
  'looking for work': ({ status, spinning }) => status === 'spinning' || spinning,
  'asleep on the futex': ({ asleep }) => asleep === 'futex',
  'asleep in its event loop': ({ asleep }) => asleep === 'poll',
  'in blocking code': ({ status }) => status === 'blocking',
  'a spare': ({ status }) => status === 'spare',
  'one goroutine’s own': ({ locked }) => locked,
  'with a full local queue': ({ queue }) => queue >= 128,
  'the last one': ({ last }) => last,
  ...Object.fromEntries(ranks.map((rank) => [`in the lock ${rank}`, ({ lock }: Death) => lock === rank])),
}

function count(deaths: readonly Death[]): Record<string, number> {
  return Object.fromEntries(Object.entries(STATES).map(([state, is]) => [state, deaths.filter(is).length]))
}

async function kill(
  number: number,
  procs: string,
  debug: string,
  ...rest: string[]
): Promise<{ seed: string; deaths: Death[]; outcome: Outcome }> {
  const seed = String((Math.random() * 2 ** 30) | 1)
  const env = { GOMAXPROCS: procs, GORODEBUG: `deaths,${debug}` }
  const args = [String(number), seed, ...rest]
  const outcome = await run('../../stress/programs/kills.mjs', { args, env, timeout: 60_000 + number * 1000 })
  return { seed, deaths: deathsIn(outcome.stderr), outcome }
}

function expectNothingLeft({ seed, deaths, outcome }: Awaited<ReturnType<typeof kill>>): void {
  const { code, stdout, stderr } = outcome
  expect({ seed, code, rest: stderr.replace(DEATH, '').replace(AUDIT, '') }).toEqual({ seed, code: 0, rest: '' })
  const said = JSON.parse(stdout) as { deaths: number; used: [number, number] }
  // One may die while the program ends.
  expect(said.deaths).toBeLessThanOrEqual(deaths.length)
  // A class of blocks keeps its pages, so what is in use says how many there were at once; what a death leaks adds up.
  if (deaths.length >= 200) expect(said.used[1] - said.used[0]).toBeLessThan(MOST_MORE_BYTES)
}

const all: Death[] = []

describe('threads die at random moments, and nothing is lost or left', () => {
  test.each(processors)('GOMAXPROCS=%s', async (procs) => {
    const result = await kill(kills, procs, 'locks,audit')
    expectNothingLeft(result)
    // No more threads run goroutines than there are processors, at any step.
    expect(Number(AUDIT.exec(result.outcome.stderr)?.[1])).toBeGreaterThan(1000)
    expect(result.deaths.length).toBeGreaterThanOrEqual(kills)
    all.push(...result.deaths)
  })

  // Where few die by chance: in what takes a hundred nanoseconds.
  test.each(ranks)('in a critical section of %s', async (rank) => {
    const result = await kill(Math.ceil(kills / 7), '2', `dieinlock=${rank}:${SELDOM[rank]}`, 'alone')
    expectNothingLeft(result)
    all.push(...result.deaths)
  })

  test('in every state', async () => {
    const missing = () => Object.entries(count(all)).filter(([, number]) => number === 0)
    // Chance may have left one out that lasts for microseconds.
    for (let more = 0; more < 10 && missing().length > 0; more++) {
      const result = await kill(kills, processors[more % processors.length]!, 'locks,audit')
      expectNothingLeft(result)
      all.push(...result.deaths)
    }
    console.log(`${all.length} deaths:`, count(all))
    expect(missing()).toEqual([])
  })
})

/** One in so many critical sections of each lock ends its thread: that is every few milliseconds. */
const SELDOM: Readonly<Record<string, number>> = {
  waitQueue: 100,
  mapSegment: 30,
  globalQueue: 5,
  slabClass: 20,
  pageHeap: 4,
  processors: 10,
}
