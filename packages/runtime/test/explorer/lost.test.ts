/**
 * A thread that dies while it takes goroutines out of queues: whatever it had in its hands runs once, and nothing runs twice. The undertaker
 * does what undertaker.ts does.
 */
import {
  GlobalQueue,
  GlobalQueueLayout,
  LINE,
  LocalQueue,
  load,
  RunQueueStealer,
  read,
  runQueueLayout,
  store,
  write,
} from '@goro/memory'
import { describe, expect, test } from 'vitest'
import { explored, failureOf, outlive } from '../../../memory/test/explorer/harness.ts'
import { G, G_LINKS, IDLE, NOBODY, RUNNABLE, RUNNING } from '../../src/g.ts'
import { type Suspect, search, suspects } from '../../src/lost.ts'

const CAPACITY = 4
const layout = runQueueLayout(CAPACITY)
const GLOBAL = 16
const queueAt = (t: number) => GLOBAL + Math.ceil(GlobalQueueLayout.SIZE / LINE) * LINE + t * layout.SIZE
const GS = queueAt(3)
const gAt = (n: number) => GS + n * LINE
const COUNT = 6
/** What thread `t` is making: `M.making`. */
const makingAt = (t: number) => gAt(COUNT) + t * LINE
/** How often each was run: a word that G's struct does not use. */
const RUNS = G.cell0

const at = (address: number) => ({ from: address, to: address + 1 })
const world = {
  words: makingAt(3),
  names: [
    { name: 'global', base: GLOBAL, layout: GlobalQueueLayout },
    ...[0, 1, 2].map((t) => ({ name: `q${t}`, base: queueAt(t), layout })),
    ...Array.from({ length: COUNT }, (_, n) => ({ name: `g${n}`, base: gAt(n), layout: G })),
  ],
  speculative: [0, 1, 2].map((t) => ({
    from: queueAt(t) + layout.slots,
    to: queueAt(t) + layout.slots + CAPACITY,
    by: queueAt(t) + layout.head,
  })),
  // What the undertaker reads of living threads, and of goroutines that may be theirs: old or new, it draws its conclusions from the counts.
  racy: [
    ...[0, 1, 2].flatMap((t) => [at(queueAt(t) + layout.hand), at(queueAt(t) + layout.moves), at(makingAt(t))]),
    ...[0, 1, 2].map((t) => ({ from: queueAt(t) + layout.slots, to: queueAt(t) + layout.slots + CAPACITY })),
    ...Array.from({ length: COUNT }, (_, n) => ({ from: gAt(n), to: gAt(n) + LINE })),
  ],
  maxSteps: 2000,
}

const global = (t: number) => new GlobalQueue(GLOBAL, t + 1, G_LINKS)
const owner = (t: number) => new LocalQueue(queueAt(t), CAPACITY, G.schedlink, global(t))
const stealer = (t: number) => new RunQueueStealer(queueAt(t), CAPACITY)

/** Makes goroutines `from` to `to`, as the owner of queue `t`, in its ring; the last as its next. */
function make(t: number, from: number, to: number): void {
  const queue = owner(t)
  for (let n = from; n <= to; n++) {
    write(gAt(n) + G.m, NOBODY)
    write(gAt(n) + G.status, RUNNABLE)
    if (n === to) queue.putNext(gAt(n))
    else queue.put(gAt(n))
  }
}

/** As schedule.ts: says whose it is, and runs it. */
function run(t: number, g: number): void {
  if (g === 0) return
  write(g + G.m, t)
  write(g + G.status, RUNNING)
  write(g + RUNS, read(g + RUNS) + 1)
}

/** One look for what may be lost, by the undertaker, thread 2. What is open still it returns. */
function look(suspected: readonly Suspect[], made = () => [1, 2].map((t) => load(makingAt(t)))): readonly Suspect[] {
  const { lost, open } = search(suspected, made, global(2), [stealer(1), stealer(2)], [stealer(0)])
  const own = owner(2)
  for (const g of lost) own.put(g)
  return open
}

/** Buries thread 0, whose queue is 0 and which was making `making`; 1 is another's, 2 the undertaker's own. It looks again later (`expectNoneLost`). */
const undertaker =
  (making = 0, made?: () => number[]) =>
  (): readonly Suspect[] => {
    if (!outlive(0)) return []
    global(2).repair(1)
    return look(suspects([...stealer(0).inHand(G.schedlink), ...(making === 0 ? [] : [making])]), made)
  }

/** Each is in one queue, or was run once; or is in the dead one's hands, and said to be. */
function expectNoneLost(results: readonly unknown[]): void {
  // Nobody moves any more: it can be decided.
  expect(look((results[2] ?? []) as readonly Suspect[])).toEqual([])
  const queued = new Map<number, number>()
  const found = (g: number) => queued.set(g, (queued.get(g) ?? 0) + 1)
  for (const t of [0, 1, 2]) {
    const queue = owner(t)
    for (let g = queue.get(); g !== 0; g = queue.get()) found(g)
  }
  const queue = global(2)
  for (let first = queue.take(); first !== 0; first = queue.take()) {
    for (let g = first; g !== 0; g = read(g + G.schedlink)) found(g)
  }
  for (let n = 0; n < COUNT; n++) {
    const g = gAt(n)
    if (load(g + G.status) === IDLE) continue
    const isHeld = load(g + G.status) === RUNNABLE && read(g + G.m) !== NOBODY
    const started = load(g + G.status) === RUNNING
    expect([n, (queued.get(g) ?? 0) + (started || isHeld ? 1 : 0)]).toEqual([n, 1])
    expect(read(g + RUNS)).toBeLessThanOrEqual(1)
  }
}

describe('a thread dies', () => {
  test('that has made one long ago, in whose struct another makes one now', () => {
    const dies = () => run(0, owner(0).get())
    const makes = () => {
      for (const n of [4, 5]) {
        store(makingAt(1), gAt(n))
        write(gAt(n) + G.m, NOBODY)
        store(gAt(n) + G.status, RUNNABLE)
        owner(1).put(gAt(n))
        store(makingAt(1), 0)
      }
      run(1, owner(1).get())
    }
    const threads = (made?: () => number[]) => [dies, makes, undertaker(gAt(4), made)]
    const deadly = { ...world, mortal: [0], after: expectNoneLost }
    explored({ ...deadly, threads: threads() })
    // Without a look at what is being made it runs twice.
    failureOf({ ...deadly, threads: threads(() => []) })
  })

  test('while it steals from one that takes from its own queue', () => {
    const steals = () => {
      const queue = owner(0)
      run(0, queue.stealFrom(stealer(1), true))
      run(0, queue.get())
    }
    const takes = () => {
      const queue = owner(1)
      run(1, queue.get())
      run(1, queue.get())
    }
    explored({
      ...world,
      setup: () => make(1, 0, 3),
      threads: [steals, takes, undertaker()],
      mortal: [0],
      after: expectNoneLost,
    })
  })

  test('while it takes from its own queue, from which others steal', () => {
    const takes = () => {
      const queue = owner(0)
      write(gAt(4) + G.m, NOBODY)
      write(gAt(4) + G.status, RUNNABLE)
      queue.putNext(gAt(4))
      run(0, queue.get())
      run(0, queue.get())
    }
    const steals = () => {
      const queue = owner(1)
      run(1, queue.stealFrom(stealer(0), true))
      run(1, queue.get())
    }
    explored({
      ...world,
      setup: () => make(0, 0, 2),
      threads: [takes, steals, undertaker(gAt(4))],
      mortal: [0],
      after: expectNoneLost,
    })
  })

  test('while its queue overflows', () => {
    const overflows = () => {
      const queue = owner(0)
      write(gAt(5) + G.m, NOBODY)
      write(gAt(5) + G.status, RUNNABLE)
      queue.put(gAt(5))
    }
    const takes = () => {
      const queue = owner(1)
      run(1, queue.takeOver(global(1)))
      run(1, queue.stealFrom(stealer(0), false))
    }
    const setup = () => {
      make(0, 0, 4)
      // In its ring, all but the one that is next.
      expect(owner(0).get()).toBe(gAt(4))
      write(gAt(4) + G.status, IDLE)
    }
    explored({ ...world, setup, threads: [overflows, takes, undertaker(gAt(5))], mortal: [0], after: expectNoneLost })
  })

  test('while it takes a batch from the global queue', () => {
    const takes = (t: number, one: boolean) => () => {
      const queue = owner(t)
      run(t, one ? queue.takeOneOver(global(t)) : queue.takeOver(global(t)))
      run(t, queue.get())
    }
    const setup = () => {
      make(2, 0, 3)
      for (let batch = 0; batch < 2; batch++) {
        const [g, last] = [owner(2).get(), owner(2).get()]
        write(g + G.schedlink, last)
        write(last + G.schedlink, 0)
        global(2).put(g, 2)
      }
    }
    for (const one of [false, true]) {
      explored({
        ...world,
        setup,
        threads: [takes(0, one), takes(1, !one), undertaker()],
        mortal: [0],
        after: expectNoneLost,
      })
    }
  })

  test('while it moves all there is in the queue of another to the global queue', () => {
    const moves = () => void owner(0).moveAll(stealer(1), global(0))
    const takes = () => {
      const queue = owner(1)
      run(1, queue.get())
      run(1, queue.get())
    }
    explored({
      ...world,
      setup: () => make(1, 0, 2),
      threads: [moves, takes, undertaker()],
      mortal: [0],
      after: expectNoneLost,
    })
  })

  test('while it moves its newest to the global queue, and one that steals may take that', () => {
    const moves = () => void owner(0).moveNext(global(0))
    const steals = () => {
      const queue = owner(1)
      run(1, queue.stealFrom(stealer(0), true))
      run(1, queue.takeOver(global(1)))
    }
    explored({
      ...world,
      setup: () => make(0, 0, 0),
      threads: [moves, steals, undertaker()],
      mortal: [0],
      after: expectNoneLost,
    })
  })

  test('planted: an undertaker that does not look whether others move what it misses runs it twice, and that is found', () => {
    const steals = (t: number, from: number) => () => {
      const queue = owner(t)
      run(t, queue.stealFrom(stealer(from), true))
    }
    const hasty = () => {
      if (!outlive(0)) return
      const queue = owner(2)
      const suspected = suspects(stealer(0).inHand(G.schedlink))
      const missing = new Set(suspected.map(({ g }) => g))
      for (const t of [0, 1, 2]) stealer(t).search(missing)
      for (const g of missing) if (suspects([g]).length > 0) queue.put(g)
    }
    failureOf({
      ...world,
      setup: () => make(2, 0, 3),
      threads: [steals(0, 2), steals(1, 2), hasty],
      mortal: [0],
      after: expectNoneLost,
    })
  })

  test('planted: what it had in its hands is not looked for, and is lost, and that is found', () => {
    const steals = () => run(0, owner(0).stealFrom(stealer(1), true))
    failureOf({ ...world, setup: () => make(1, 0, 3), threads: [steals, () => {}], mortal: [0], after: expectNoneLost })
  })
})
