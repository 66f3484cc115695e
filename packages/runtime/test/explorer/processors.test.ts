/**
 * Every interleaving of who has a processor, up to the bound: threads that run something of their own, block, sleep and give way; a
 * monitor that takes processors from them; GOMAXPROCS that changes; a thread that dies. An audit counts who runs goroutine code:
 * never more threads than there are processors.
 */
import {
  add,
  BUSY,
  FUTEX,
  IdleSet,
  IDLE as IS_IDLE,
  idleSetLayout,
  LINE,
  load,
  NONE,
  Note,
  read,
  store,
  wait,
  wake,
  write,
} from '@goro/memory'
import { describe, expect, test } from 'vitest'
import { explored, failureOf, outlive } from '../../../memory/test/explorer/harness.ts'
import { fallAsleep, getUp } from '../../src/deadlock.ts'
import { M, M_DEAD, M_FREE, M_RUNNING, M_SLEEPING, M_SPARE, M_STARTING } from '../../src/m.ts'
import { Processors, Procs } from '../../src/processors.ts'

/** Threads 1 to 3; the main thread, 0, has none of this. */
const THREADS = 4
const AUDIT = 8
const PROCS = 16
const idleLayout = idleSetLayout(THREADS)
const IDLE = PROCS + Math.ceil(Procs.SIZE / LINE) * LINE
const MS = IDLE + idleLayout.SIZE
const mAt = (id: number) => MS + id * M.SIZE
const stateAt = (id: number) => IDLE + idleLayout.state + id * LINE

const world = {
  words: mAt(THREADS),
  names: [
    { name: 'audit', base: AUDIT, layout: { of: 0, SIZE: THREADS } },
    { name: 'procs', base: PROCS, layout: Procs },
    { name: 'idle', base: IDLE, layout: idleLayout },
    ...[1, 2, 3].map((id) => ({ name: `m${id}`, base: mAt(id), layout: M })),
  ],
  // Whether it has a processor, and whether it spins, a thread asks without an atomic: see idle-set.ts.
  racy: [1, 2, 3].map((id) => ({ from: stateAt(id), to: stateAt(id) + 1 })),
  maxSteps: 2000,
}

const idle = (self = 0) => new IdleSet(IDLE, THREADS, self)
const processors = (id: number) =>
  new Processors(PROCS, id, id + 1, {
    idle: idle(id),
    mAt,
    wake: (woken) => void wake(mAt(woken) + M.note),
    isStopping: () => false,
  })

/** `count` processors, which the first threads have; `free` more, which nobody has. */
function setup(count: number, free = 0, threads = THREADS): () => void {
  return () => {
    write(PROCS + Procs.gomaxprocs, count + free)
    write(PROCS + Procs.maxThreads, THREADS)
    write(PROCS + Procs.threads, threads)
    write(PROCS + Procs.free, free)
    for (let id = 1; id < threads; id++) write(mAt(id) + M.status, M_RUNNING)
    for (let id = 1; id <= count; id++) idle().grant(id)
  }
}

/** Runs goroutine code, with a processor. Of two that do at once, the later sees the earlier. */
function run(id: number, most: number): void {
  store(AUDIT + id, 1)
  const running = [1, 2, 3].filter((each) => load(AUDIT + each) !== 0).length
  if (running > most) throw new Error('more threads run goroutine code than there are processors')
  store(AUDIT + id, 0)
}

/** Sleeps without a processor until it is given one. */
function sleepAsSpare(id: number): void {
  const note = new Note(mAt(id) + M.note)
  const procs = processors(id)
  note.prepare(FUTEX)
  if (!procs.becomeSpare() && !idle().has(id)) note.sleep()
  note.cancel()
  procs.awake()
}

/** Sleeps with a processor that is idle, unless somebody wants that. */
function sleepIdle(id: number): void {
  const note = new Note(mAt(id) + M.note)
  const procs = processors(id)
  note.prepare(FUTEX)
  if (idle().enter(id)) {
    if (!procs.isWanted) {
      fallAsleep(mAt(id), true)
      note.sleep()
    } else if (idle().leave(id)) {
      procs.giveWay()
    }
  }
  note.cancel()
  getUp(mAt(id))
  procs.awake()
}

/** Has nothing to do any more: sleeps, again and again, with a processor or without. */
function rest(id: number): never {
  for (;;) {
    if (idle().has(id)) sleepIdle(id)
    else sleepAsSpare(id)
  }
}

/** Each processor is in one place, and nobody waits for one that is to be had. */
function expectAllPlaced(): void {
  const held = [1, 2, 3].filter((id) => idle().stateOf(id) !== NONE).length
  const inLine = [1, 2, 3].filter((id) => load(mAt(id) + M.ticket) !== 0).length
  const free = load(PROCS + Procs.free)
  expect(held + free + load(PROCS + Procs.reserved)).toBe(load(PROCS + Procs.gomaxprocs) + load(PROCS + Procs.debt))
  expect(load(PROCS + Procs.wanted)).toBe(inLine + load(PROCS + Procs.debt))
  expect(inLine).toBe(0)
  // Who sleeps without a processor is there to be found.
  for (const id of [1, 2, 3]) {
    if (load(mAt(id) + M.status) === M_SLEEPING) expect(idle().stateOf(id)).not.toBe(NONE)
  }
}

/** Runs, blocks, runs again, and sleeps as a spare. */
const blocker = (id: number, most: number) => (): void => {
  const procs = processors(id)
  procs.acquire()
  run(id, most)
  procs.handoff()
  procs.acquire()
  run(id, most)
  procs.handoff()
  rest(id)
}

/** Runs once, then sleeps with its processor. */
const idler = (id: number, most: number) => (): void => {
  processors(id).acquire()
  run(id, most)
  rest(id)
}

describe('processors', () => {
  test('of two threads that block two run with one processor, or one waits for ever', () => {
    const threads = [blocker(1, 1), blocker(2, 1)]
    explored({ ...world, setup: setup(1, 0, 3), threads, allowAsleep: [0, 1], after: expectAllPlaced })
  })

  test('so with three threads and two processors, one of them free at first', () => {
    const threads = [blocker(1, 2), blocker(2, 2), blocker(3, 2)]
    explored({
      ...world,
      setup: setup(1, 1),
      threads,
      allowAsleep: [0, 1, 2],
      after: expectAllPlaced,
      maxPreemptions: 1,
    })
  })

  test('a thread waits in line for ever while another sleeps with an idle processor', () => {
    const threads = [idler(1, 1), idler(2, 1)]
    explored({ ...world, setup: setup(1, 0, 3), threads, allowAsleep: [0, 1], after: expectAllPlaced })
    const three = [idler(1, 1), idler(2, 1), blocker(3, 1)]
    explored({
      ...world,
      setup: setup(1),
      threads: three,
      allowAsleep: [0, 1, 2],
      after: expectAllPlaced,
      maxPreemptions: 1,
    })
  })

  test('that is found if who comes to wait does not look again', () => {
    class Hasty extends Processors {
      override acquire(): void {
        // Stands in line after a look that came before.
        const id = this.self
        if (idle().has(id)) return
        for (let other = 1; other < THREADS; other++) {
          if (!idle().revokeIdle(other)) continue
          idle().grant(id)
          return
        }
        store(mAt(id) + M.ticket, 1)
        add(PROCS + Procs.wanted, 1)
        while (!idle().has(id)) wait(mAt(id) + M.ticket, 1)
      }

      readonly self: number

      constructor(self: number) {
        super(PROCS, self, self + 1, { idle: idle(), mAt, wake: () => {}, isStopping: () => false })
        this.self = self
      }
    }
    const hasty = () => {
      new Hasty(2).acquire()
      run(2, 1)
    }
    failureOf({
      ...world,
      setup: setup(1, 0, 3),
      threads: [idler(1, 1), hasty],
      allowAsleep: [0],
      after: expectAllPlaced,
    })
  })

  test('the monitor takes a processor that its thread just gives away, or one that was just given', () => {
    const monitor = () => {
      const procs = processors(3)
      return [1, 2].filter((id) => procs.overtake(id, () => true)).length
    }
    // Who is overtaken runs on in its step, which the audit leaves out: it only has to come back.
    const comesBack = (id: number) => () => {
      const procs = processors(id)
      procs.acquire()
      procs.giveWay()
      procs.acquire()
      rest(id)
    }
    const threads = [comesBack(1), comesBack(2), monitor]
    explored({ ...world, setup: setup(1), threads, allowAsleep: [0, 1], after: expectAllPlaced })
  })

  test('GOMAXPROCS is lowered and raised while threads run and sleep', () => {
    const resizer = () => {
      processors(3).resize(1)
      processors(3).resize(2)
    }
    const worker = (id: number) => () => {
      const procs = processors(id)
      procs.acquire()
      if (procs.isWanted) procs.giveWay()
      procs.acquire()
      rest(id)
    }
    const threads = [worker(1), worker(2), resizer]
    explored({ ...world, setup: setup(2), threads, allowAsleep: [0, 1], after: expectAllPlaced })
  })

  test('a processor that was on its way to a new thread is lost when another needs it first', () => {
    const starts = () => {
      if (!processors(3).startFree()) return
      processors(3).takeToStart(2)
      const procs = processors(2)
      procs.arrive()
      store(mAt(2) + M.status, M_RUNNING)
      rest(2)
    }
    const threads = [blocker(1, 1), starts]
    const after = () => {
      // A processor that is reserved for a thread which has come already would be nobody's.
      expect(read(PROCS + Procs.reserved)).toBeLessThanOrEqual(1)
      const held = [1, 2, 3].filter((id) => idle().stateOf(id) !== NONE).length
      expect(held + load(PROCS + Procs.free) + load(PROCS + Procs.reserved)).toBe(1)
    }
    explored({ ...world, setup: setup(0, 1), threads, allowAsleep: [0, 1], after })
  })

  test('a second thread is started while one is on its way whose processor another has needed', () => {
    const blocks = () => {
      const procs = processors(1)
      const first = procs.startFree()
      procs.acquire()
      procs.handoff()
      return [first, procs.startFree()]
    }
    const after = (results: readonly unknown[]) => {
      expect(results[0]).toEqual([true, false])
      expect([load(PROCS + Procs.toStart), load(PROCS + Procs.reserved), load(PROCS + Procs.free)]).toEqual([1, 1, 0])
    }
    explored({ ...world, setup: setup(0, 1, 2), threads: [blocks], after })
  })

  /** Of two threads that there may be one is there; there is room for one, which the main thread starts, and no more. */
  function startsAtTheLimit(main: Processors) {
    const blocks = () => {
      const procs = processors(1)
      const first = procs.startFree()
      procs.handoff()
      return [first, procs.startFree()]
    }
    const starts = () => {
      for (let id = 2; id < THREADS; id++) if (main.hasToStart) main.takeToStart(id)
    }
    const begun = () => {
      setup(1, 1)()
      write(PROCS + Procs.maxThreads, 2)
      for (const id of [2, 3]) write(mAt(id) + M.status, M_FREE)
    }
    const after = () => {
      const started = [2, 3].filter((id) => load(mAt(id) + M.status) === M_STARTING).length
      expect(started + load(PROCS + Procs.toStart)).toBe(1)
    }
    return { ...world, setup: begun, threads: [blocks, starts], after }
  }

  test('while the main thread starts one, another is to be started, and there are more than there may be', () => {
    explored(startsAtTheLimit(processors(0)))
  })

  test('that is found if the one it takes to start is on its way a moment later', () => {
    class Hasty extends Processors {
      override takeToStart(id: number): void {
        add(PROCS + Procs.toStart, -1)
        store(mAt(id) + M.status, M_STARTING)
      }
    }
    const around = { idle: idle(), mAt, wake: () => {}, isStopping: () => false }
    failureOf(startsAtTheLimit(new Hasty(PROCS, 0, 1, around)))
  })

  test('a thread dies anywhere: its processor is lost, or had twice, or who waits for it waits for ever', () => {
    const undertaker = () => {
      if (!outlive(0)) return
      store(AUDIT + 1, 0)
      store(mAt(1) + M.status, M_DEAD)
      processors(3).bury(1, 2, false, false)
    }
    const threads = [blocker(1, 1), blocker(2, 1), undertaker]
    const after = () => {
      const held = [1, 2, 3].filter((id) => idle().stateOf(id) !== NONE).length
      expect(held + load(PROCS + Procs.free)).toBe(1)
      expect(load(PROCS + Procs.wanted)).toBe(0)
      // Nobody sleeps in line, or with a processor that it has not woken to.
      expect(idle().stateOf(2)).not.toBe(BUSY)
      expect(load(mAt(2) + M.status)).not.toBe(M_RUNNING)
    }
    const preemptions = { maxPreemptions: 1 }
    explored({ ...world, ...preemptions, setup: setup(1), threads, mortal: [0], allowAsleep: [0, 1, 2], after })
  })

  test('one that is idle dies, and whoever takes its processor meanwhile makes it a spare: what that is given is lost', () => {
    const dies = () => {
      const note = new Note(mAt(1) + M.note)
      note.prepare(FUTEX)
      idle(1).enter(1)
      fallAsleep(mAt(1), true)
    }
    const undertaker = () => {
      store(mAt(1) + M.status, M_DEAD)
      processors(3).bury(1, 2, false, false)
    }
    const after = () => {
      expect([idle().stateOf(1), load(mAt(1) + M.status)]).toEqual([NONE, M_DEAD])
      const held = [2, 3].filter((id) => idle().stateOf(id) !== NONE).length
      expect(held + load(PROCS + Procs.free)).toBe(1)
    }
    const begun = () => {
      setup(1)()
      dies()
    }
    explored({ ...world, setup: begun, threads: [undertaker, blocker(2, 1)], allowAsleep: [1], after })
  })

  test('a spare that is just waking is taken for asleep', () => {
    /** Wakes by itself, as for something in its inbox, while it may be given a processor. */
    const waking = () => {
      const procs = processors(2)
      const note = new Note(mAt(2) + M.note)
      note.prepare(FUTEX)
      procs.becomeSpare()
      note.cancel()
      procs.awake()
      if (idle().has(2) && idle().stateOf(2) === IS_IDLE) throw new Error('it is awake, and counts as idle')
      expect(load(mAt(2) + M.status)).not.toBe(M_SPARE)
      rest(2)
    }
    const threads = [blocker(1, 1), waking]
    explored({ ...world, setup: setup(1, 0, 3), threads, allowAsleep: [0, 1], after: expectAllPlaced })
  })
})
