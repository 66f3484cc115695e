import { describe, expect, test } from 'vitest'
import { add, cas, load } from '#atomics'
import { IdleSet, IDLE as IS_IDLE, idleSetLayout, NONE, SPINNING } from '../../src/idle-set.ts'
import { FUTEX, Note, NoteLayout, wake } from '../../src/note.ts'
import { LINE } from '../../src/struct.ts'
import { explored, outlive } from './harness.ts'

const PROCS = 2
const WORK = 8
const IDLE = 16
const layout = idleSetLayout(PROCS)
const noteAt = (p: number) => IDLE + layout.SIZE + p * NoteLayout.SIZE

const world = {
  words: noteAt(PROCS),
  names: [
    { name: 'work', base: WORK, layout: { pieces: 0, SIZE: 1 } },
    { name: 'idle', base: IDLE, layout },
    ...[0, 1].map((p) => ({ name: `note${p}`, base: noteAt(p), layout: NoteLayout })),
  ],
}

const idleSet = () => new IdleSet(IDLE, PROCS, 0)

/** Every thread has a processor. */
const grantAll = () => {
  for (let p = 0; p < PROCS; p++) idleSet().grant(p)
}

/** The counts are those of the states. */
function expectConsistent(): void {
  const idle = idleSet()
  const states = [load(IDLE + layout.state), load(IDLE + layout.state + LINE)]
  expect(idle.idle).toBe(states.filter((state) => state === IS_IDLE).length)
  expect(idle.spinning).toBe(states.filter((state) => state === SPINNING).length)
}

const procs = () => PROCS
const claim = () => idleSet().claim(procs)

describe('idle set', () => {
  test('two submitters claim one processor, or two for what one spinner finds', () => {
    const setup = () => {
      grantAll()
      for (let p = 0; p < PROCS; p++) idleSet().enter(p)
    }
    for (const threads of [
      [claim, claim],
      [claim, claim, claim],
    ]) {
      const after = (claimed: readonly unknown[]) => {
        expect(claimed.filter((p) => p !== -1)).toHaveLength(1)
        expectConsistent()
      }
      explored({ ...world, setup, threads, maxPreemptions: undefined, after })
    }
  })

  test('a processor that comes and goes is claimed while its thread has it, or its counts drift', () => {
    /** Returns how often it had to give the processor to a submitter. */
    const owner = (p: number) => () => {
      const idle = idleSet()
      let claimed = 0
      for (let i = 0; i < 2; i++) {
        idle.enter(p)
        if (!idle.leave(p)) claimed++
        idle.trySpin(p, PROCS)
      }
      idle.stopSpinning(p)
      return claimed
    }
    const submitter = () => [claim(), claim()].filter((p) => p >= 0).length
    const after = (results: readonly unknown[]) => {
      const [first, second, claims] = results as number[]
      expect((first as number) + (second as number)).toBe(claims)
      expectConsistent()
    }
    explored({ ...world, setup: grantAll, threads: [owner(0), owner(1), submitter], after })
  })

  test('more than half of the busy processors spin', () => {
    const spinner = (p: number) => () => idleSet().trySpin(p, PROCS)
    const after = (spins: readonly unknown[]) => {
      expect(spins).toContain(false)
      expectConsistent()
    }
    explored({ ...world, setup: grantAll, threads: [spinner(0), spinner(1)], maxPreemptions: undefined, after })
  })

  test('a processor is had by two, or by none, when it is taken from its thread while that goes to sleep or wakes', () => {
    const revoker = () => {
      const idle = idleSet()
      return [0, 1].filter((p) => idle.revokeBusy(p) || idle.revokeIdle(p)).length
    }
    const owner = (p: number) => () => {
      const idle = idleSet()
      for (let i = 0; i < 2; i++) {
        idle.enter(p)
        idle.leave(p)
        idle.trySpin(p, PROCS)
        idle.stopSpinning(p)
      }
    }
    const after = (results: readonly unknown[]) => {
      const idle = idleSet()
      expect([0, 1].filter((p) => idle.stateOf(p) === NONE)).toHaveLength(results[2] as number)
      expectConsistent()
    }
    // A thread asks without an atomic whether it spins: nobody but itself makes it so while it is awake, and nobody ends it.
    const racy = [0, 1].map((p) => ({ from: IDLE + layout.state + p * LINE, to: IDLE + layout.state + p * LINE + 1 }))
    const common = { ...world, racy, setup: grantAll }
    explored({ ...common, threads: [owner(0), owner(1), revoker], after })
    explored({ ...common, threads: [owner(0), () => {}, revoker], after, maxPreemptions: 4 })
    explored({ ...common, threads: [owner(0), claim, () => idleSet().revokeIdle(0)], after: expectConsistent })
  })

  describe('a thread that dies in the middle of a move leaves counts that are wrong for ever', () => {
    const face = (self: number) => new IdleSet(IDLE, PROCS, self)
    const undertaker = () => {
      if (!outlive(0)) return undefined
      face(1).revokeDead(0)
      return face(1).mend([0, 1])
    }
    /** What was mended while others moved has to be right, and what was not is when they have come to rest. */
    const after = (results: readonly unknown[]) => {
      if (results.includes(true)) expectConsistent()
      if (results.includes(false)) expect(face(1).mend([0, 1])).toBe(true)
      if (results.includes(true) || results.includes(false)) expectConsistent()
    }
    const racy = [0, 1].map((p) => ({ from: IDLE + layout.state + p * LINE, to: IDLE + layout.state + p * LINE + 1 }))
    const moves = (p: number) => () => {
      const idle = face(p)
      idle.trySpin(p, PROCS)
      idle.enter(p)
      idle.leave(p)
      idle.stopSpinning(p)
      idle.enter(p)
    }

    test('one that spins and sleeps', () => {
      explored({ ...world, racy, setup: grantAll, threads: [moves(0), undertaker], mortal: [0], after })
    })

    test('one that claims', () => {
      const setup = () => {
        grantAll()
        face(1).enter(1)
      }
      const threads = [() => face(0).claim(procs), undertaker]
      explored({ ...world, racy, setup, threads, mortal: [0], after })
    })

    test('one beside another that moves on', () => {
      const threads = [() => face(0).enter(0), undertaker, moves(1)]
      explored({ ...world, racy, setup: grantAll, threads, mortal: [0], after })
    })
  })

  describe('going to sleep and being woken for work, as the runtime does', () => {
    const wakep = (idle: IdleSet) => {
      const p = idle.claim(procs)
      if (p >= 0) wake(noteAt(p))
    }
    const takeWork = () => {
      for (let pieces = load(WORK); pieces > 0; pieces = load(WORK)) {
        if (cas(WORK, pieces, pieces - 1) === pieces) return true
      }
      return false
    }
    /** The thread of processor `p`, until it sleeps for good. */
    const machine = (p: number) => () => {
      const idle = idleSet()
      const note = new Note(noteAt(p))
      for (;;) {
        while (takeWork()) {
          if (!idle.isSpinning(p)) continue
          idle.stopSpinning(p)
          if (load(WORK) > 0) wakep(idle)
        }
        if (!idle.isSpinning(p) && idle.trySpin(p, PROCS) && load(WORK) > 0) continue
        note.prepare(FUTEX)
        idle.enter(p)
        if (load(WORK) === 0) note.sleep()
        note.cancel()
        idle.leave(p)
      }
    }
    const submitter = (pieces: number) => () => {
      const idle = idleSet()
      for (let i = 0; i < pieces; i++) {
        add(WORK, 1)
        wakep(idle)
      }
    }
    /** Both machines sleep: then there is nothing to do, and nobody counts as awake. */
    const after = () => {
      expect(load(WORK)).toBe(0)
      expectConsistent()
      expect([idleSet().idle, idleSet().spinning]).toEqual([PROCS, 0])
    }

    test('work lies there while both threads sleep', () => {
      const threads = [machine(0), machine(1), submitter(1)]
      explored({ ...world, setup: grantAll, threads, allowAsleep: [0, 1], after })
    })

    test('of two pieces of work one lies there, because each submitter counts on the other', () => {
      const threads = [machine(0), machine(1), submitter(1), submitter(1)]
      explored({ ...world, setup: grantAll, threads, allowAsleep: [0, 1], after })
    })
  })
})
