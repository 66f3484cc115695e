/**
 * A thread that dies while it wakes another: between taking a waiter out of its queue and sending it home, and anywhere else. The
 * undertaker does what undertaker.ts does, and what the errand does that it sends to the waiter's thread.
 */
import { inbox, load, notify, ownerOf, read, releaseDead, store, write } from '@goro/memory'
import { expect, test } from 'vitest'
import { chain, explored, failureOf, outlive } from '../../../memory/test/explorer/harness.ts'
import { BLOCKED, Chan, chansend, DONE, resumeChan } from '../../src/chan.ts'
import { end, G, IDLE, isCounted, isEndedBy, RUNNING } from '../../src/g.ts'
import {
  DIED,
  HOLDER_DIED,
  killMutex,
  lockMutex,
  Mutex,
  RETRY,
  relockMutex,
  trylock,
  unlockMutex,
} from '../../src/mutex.ts'
import { killRW, lockRW, mendRW, RWMutex, rlockRW, runlockRW, unlockRW } from '../../src/rwmutex.ts'
import { chosen, RECEIVE, select, withdraw } from '../../src/select.ts'
import {
  acquireSema,
  addCount,
  mendSema,
  recheckSema,
  releaseSema,
  resumeCount,
  Sema,
  waitCount,
} from '../../src/sema.ts'
import {
  isReadyBy,
  isTakenBy,
  putBack,
  reclaim,
  remove,
  repair,
  SUDOG_IDLE,
  SUDOG_TAKEN,
  Sudog,
  stateOf,
  Waitable,
} from '../../src/sudog.ts'
import {
  A,
  B,
  block,
  cellOf,
  close,
  names,
  ready,
  readyChain,
  recv,
  send,
  setupChans,
  sleep,
  sudogOf,
  WAKE,
  words,
} from './parties.ts'

const UNDERTAKER = 9
const DEAD = 1

/** What undertaker.ts does to the queues `lists` of what is at `at`, with the waiters `waiters`, if thread 0 has died. */
function bury(
  at: number,
  lists: readonly number[],
  waiters: readonly number[],
  mend?: (inHand: readonly number[]) => void,
): boolean {
  if (!outlive(0)) return false
  const wasHeld = ownerOf(at + Waitable.lock) === DEAD
  if (wasHeld) {
    const inHand = waiters.filter((sudog) => isTakenBy(sudog, DEAD))
    for (const list of lists) repair(list, DEAD)
    const unfinished = inHand.filter((sudog) => isTakenBy(sudog, DEAD))
    mend?.(unfinished)
    for (const sudog of unfinished) putBack(sudog, DEAD)
  }
  releaseDead(at + Waitable.lock, DEAD)
  const own = block(0, 0)
  if (read(own + Sudog.on) !== 0) remove(own, UNDERTAKER)
  return true
}

/** The errand: whoever has an outcome from the dead thread goes on. */
function runErrands(waiters: readonly number[]): void {
  for (const sudog of waiters) if (isReadyBy(sudog, DEAD)) ready(sudog)
}

const statusOf = (thread: number, n = 0) => {
  const at = block(thread, n) + Sudog.status
  return { from: at, to: at + 1 }
}

const QUEUES = [A + Chan.receivers, A + Chan.senders]

test.each([0, 1])(
  'capacity %i: a sender that dies with a receiver in its hands leaves it waiting for the next',
  (capacity) => {
    const waiters = [block(1, 0)]
    const undertaker = () => {
      if (!bury(A, QUEUES, waiters)) return
      readyChain(resumeChan(A, UNDERTAKER))
      runErrands(waiters)
      send(2, A, 2)
    }
    explored({
      words,
      names,
      setup: setupChans(capacity),
      threads: [() => send(0, A, 1), () => recv(1, A), undertaker],
      mortal: [0],
      allowAsleep: [2],
      racy: [statusOf(1)],
      after: ([sent, got]) => {
        if (sent === true) expect(got).toBe(1)
        else expect([1, 2]).toContain(got)
      },
    })
  },
)

test('a receiver that dies with a sender in its hands: the value is received once, or lost with it', () => {
  const waiters = [block(1, 0)]
  const undertaker = () => {
    if (!bury(A, QUEUES, waiters)) return undefined
    readyChain(resumeChan(A, UNDERTAKER))
    runErrands(waiters)
    return recv(2, A)
  }
  explored({
    words,
    names,
    setup: setupChans(0),
    threads: [() => recv(0, A), () => send(1, A, 1), undertaker],
    mortal: [0],
    allowAsleep: [2],
    racy: [statusOf(1)],
    after: ([got, sent, second]) => {
      expect(sent).toBe(true)
      if (got === 1) expect(second).toBeUndefined()
      else expect([1, undefined]).toContain(second)
    },
  })
})

test('a receiver that dies while it makes room in the ring: the sender that waits for it gets in', () => {
  const waiters = [block(1, 0)]
  const undertaker = () => {
    if (!bury(A, QUEUES, waiters)) return
    readyChain(resumeChan(A, UNDERTAKER))
    runErrands(waiters)
  }
  explored({
    words,
    names,
    setup: () => {
      setupChans(1)()
      write(A + Chan.tail, 1)
    },
    threads: [() => recv(0, A), () => send(1, A, 1), undertaker],
    mortal: [0],
    // Dead before it has taken anything: there is no room.
    allowAsleep: [1],
    racy: [statusOf(1)],
    after: ([, sent]) => {
      if (read(A + Chan.head) !== 0) expect(sent).toBe(true)
    },
  })
})

test('a close that dies half done: what is closed leaves nobody waiting', () => {
  const waiters = [block(1, 0)]
  const undertaker = () => {
    if (!bury(A, QUEUES, waiters)) return
    readyChain(resumeChan(A, UNDERTAKER))
    runErrands(waiters)
    close(2, A)
  }
  explored({
    words,
    names,
    setup: setupChans(0),
    threads: [() => close(0, A), () => recv(1, A), undertaker],
    mortal: [0],
    racy: [statusOf(1)],
    after: ([, got]) => expect(got).toBe(-1),
  })
})

test('a sender that dies with a case of a select in its hands: the select waits again, on all its channels', () => {
  const [record, first, second] = [block(1, 1), block(1, 2), block(1, 3)]
  const prepare = () => {
    for (const [sudog, c] of [
      [first, A],
      [second, B],
    ] as const) {
      write(sudog + Sudog.on, c)
      write(sudog + Sudog.info, RECEIVE)
      write(sudog + Sudog.select, 0)
    }
    store(record + Sudog.select, 0)
  }
  const selecting = () => {
    for (let n = 1; n <= 3; n++) sudogOf(1, n)
    for (;;) {
      prepare()
      const cases = [first, second]
      if (select(cases, record, 2, () => 0.99)) {
        if (chosen.outcome !== DONE) ready(chosen.outcome)
        return read(cellOf(chosen.sudog) + 2)
      }
      sleep(1)
      const winner = read(record + Sudog.select)
      withdraw(cases, winner, 2)
      if (stateOf(read(winner + Sudog.status)) !== SUDOG_TAKEN) return read(cellOf(winner) + 2)
    }
  }
  const undertaker = () => {
    if (!bury(A, QUEUES, [first, second])) return
    readyChain(resumeChan(A, UNDERTAKER))
    // As gopark.ts: the record was won for a case that the dead thread had in its hands.
    const winner = read(record + Sudog.select)
    if (winner !== 0 && (isReadyBy(winner, DEAD) || isTakenBy(winner, DEAD))) ready(winner)
    send(2, B, 2)
  }
  explored({
    words,
    names,
    setup: setupChans(0),
    threads: [() => send(0, A, 1), selecting, undertaker],
    mortal: [0],
    allowAsleep: [2],
    racy: [statusOf(1, 1), statusOf(1, 2), { from: record + Sudog.select, to: record + Sudog.select + 1 }],
    after: ([sent, got]) => {
      if (sent === true) expect(got).toBe(1)
      else expect([1, 2]).toContain(got)
    },
  })
})

test('wait group: a `done` that dies half done, having counted, leaves nobody waiting', () => {
  const waiters = [block(1, 0)]
  const undertaker = () => {
    if (!bury(A, [A + Sema.waiters], waiters)) return
    readyChain(resumeCount(A, UNDERTAKER))
    runErrands(waiters)
  }
  const done = () => {
    const chain = addCount(A, -1, 1)
    if (chain !== DONE) readyChain(chain)
  }
  explored({
    words,
    setup: () => write(A + Sema.count, 1),
    threads: [
      done,
      () => {
        if (waitCount(A, sudogOf(1, 0), 2) === BLOCKED) sleep(1)
        return true
      },
      undertaker,
    ],
    mortal: [0],
    // Dead before it has counted.
    allowAsleep: [1],
    racy: [statusOf(1)],
    after: ([, went]) => {
      if (read(A + Sema.count) === 0) expect(went).toBe(true)
    },
  })
})

test('semaphore: a release that dies half done counts whom it has served, and no other', () => {
  const waiters = [block(1, 0), block(2, 0)]
  const undertaker = () => {
    if (!bury(A, [A + Sema.waiters], waiters, (unfinished) => mendSema(A, unfinished))) return
    readyChain(recheckSema(A, UNDERTAKER))
    runErrands(waiters)
  }
  const acquire = (thread: number) => () => {
    if (acquireSema(A, 1, sudogOf(thread, 0), thread + 1) === BLOCKED) sleep(thread)
    return true
  }
  explored({
    words,
    names: [{ name: 'sema', base: A, layout: Sema }],
    setup: () => {
      write(A + Sema.limit, 2)
      write(A + Sema.count, 2)
    },
    threads: [
      () => {
        const chain = releaseSema(A, 2, 1)
        if (chain !== DONE) readyChain(chain)
      },
      acquire(1),
      acquire(2),
      undertaker,
    ],
    mortal: [0],
    maxPreemptions: 1,
    // Dead before it has counted.
    allowAsleep: [1, 2],
    racy: [statusOf(1), statusOf(2)],
    after: ([, first, second]) => {
      expect([first, second, read(A + Sema.count)]).toEqual([first, first, 2])
    },
  })
})

/** Locks, unlocks: whether it had it. */
function critical(thread: number, wake = true): boolean {
  if (trylock(A, thread) !== DONE) {
    const sudog = sudogOf(thread, 0)
    let outcome = lockMutex(A, sudog, thread, thread + 1)
    while (outcome === BLOCKED) {
      sleep(thread)
      if (read(sudog + Sudog.info) === HOLDER_DIED) return false
      if (read(sudog + Sudog.info) !== RETRY) break
      write(sudog + Sudog.info, 0)
      outcome = relockMutex(A, sudog, thread, thread + 1)
    }
    if (outcome === DIED) return false
  }
  const next = unlockMutex(A, thread, thread + 1)
  if (next !== DONE && next !== DIED && wake) ready(next)
  return true
}

test('mutex: a thread that dies holding it, unlocking it or woken for it leaves nobody waiting', () => {
  const waiters = [block(1, 0), block(2, 0)]
  const undertaker = () => {
    if (!bury(A, [A + Mutex.waiters], waiters)) return
    runErrands(waiters)
    readyChain(killMutex(A, 0, UNDERTAKER))
  }
  explored({
    words,
    names: [{ name: 'mutex', base: A, layout: Mutex }],
    threads: [() => critical(0), () => critical(1), () => critical(2), undertaker],
    mortal: [0],
    maxPreemptions: 1,
    racy: [statusOf(1), statusOf(2)],
    after: ([, one, two]) => expect([typeof one, typeof two]).toEqual(['boolean', 'boolean']),
  })
})

test('read-write mutex: a reader that dies lets the writer in', () => {
  const waiters = [block(1, 0)]
  const reader = () => {
    rlockRW(A, 0, 0, 1)
    const next = runlockRW(A, 0, 1)
    if (next !== DONE) ready(next)
  }
  const writer = () => {
    const sudog = sudogOf(1, 0)
    if (lockRW(A, sudog, 1, 2) === BLOCKED) sleep(1)
    return true
  }
  const undertaker = () => {
    if (!bury(A, [A + RWMutex.readersWaiting, A + RWMutex.writersWaiting], waiters, (inHand) => mendRW(A, inHand)))
      return
    runErrands(waiters)
    readyChain(killRW(A, 0, UNDERTAKER))
  }
  explored({
    words,
    names: [{ name: 'rw', base: A, layout: RWMutex }],
    threads: [reader, writer, undertaker],
    mortal: [0],
    racy: [statusOf(1)],
    after: ([, got]) => {
      expect(got).toBe(true)
      expect([read(A + RWMutex.readers), read(A + RWMutex.writer)]).toEqual([0, 2])
    },
  })
})

test('read-write mutex: a writer that dies as it lets readers in: they are in and counted, or told', () => {
  const waiters = [block(1, 0)]
  const writer = () => {
    lockRW(A, 0, 0, 1)
    const chain = unlockRW(A, 1)
    if (chain !== DONE) readyChain(chain)
  }
  const reader = () => {
    const sudog = sudogOf(1, 0)
    const outcome = rlockRW(A, sudog, 1, 2)
    if (outcome === DIED) return 'died'
    if (outcome === BLOCKED) sleep(1)
    if (outcome === BLOCKED && read(sudog + Sudog.info) === HOLDER_DIED) return 'died'
    const next = runlockRW(A, 1, 2)
    return next === DONE ? 'read' : next
  }
  const undertaker = () => {
    if (!bury(A, [A + RWMutex.readersWaiting, A + RWMutex.writersWaiting], waiters, (inHand) => mendRW(A, inHand)))
      return
    runErrands(waiters)
    readyChain(killRW(A, 0, UNDERTAKER))
  }
  explored({
    words,
    names: [{ name: 'rw', base: A, layout: RWMutex }],
    threads: [writer, reader, undertaker],
    mortal: [0],
    racy: [statusOf(1)],
    after: ([, got]) => {
      expect(['read', 'died']).toContain(got)
      expect(read(A + RWMutex.readers)).toBe(0)
    },
  })
})

/** The waiters of the thread that dies, and how often each was freed: in the last word of its block. */
const OWN = [1, 2, 3].map((n) => block(0, n))
const FREED = 15

function freed(sudog: number): void {
  write(sudog + Sudog.status, SUDOG_IDLE)
  write(sudog + FREED, read(sudog + FREED) + 1)
  // It is somebody else's from here on: he waits, with it, in a select of his own.
  store(sudog + Sudog.select, 0)
}

/** A select on both channels that has parked: as channel.ts. */
function parkedSelect(): readonly number[] {
  const [record, first, second] = [sudogOf(0, 1), sudogOf(0, 2), sudogOf(0, 3)]
  for (const [sudog, c] of [
    [first, A],
    [second, B],
  ] as const) {
    write(sudog + Sudog.on, c)
    write(sudog + Sudog.info, RECEIVE)
  }
  select([first, second], record, 1, () => 0.99)
  return [first, second]
}

const reclaimAll = () =>
  reclaim(
    0,
    DEAD,
    UNDERTAKER,
    (visit) => {
      for (const sudog of OWN) visit(sudog)
    },
    freed,
  )

const ownStatuses = OWN.map((sudog) => ({ from: sudog + Sudog.status, to: sudog + Sudog.status + 1 }))
const ownSelects = OWN.map((sudog) => ({ from: sudog + Sudog.select, to: sudog + Sudog.select + 1 }))

test('a thread that dies while it settles a select of its own, which it has woken itself: nothing is freed twice', () => {
  const settles = () => {
    const cases = parkedSelect()
    const cell = cellOf(block(0, 7))
    write(cell, 5)
    const [record] = OWN as [number]
    if (chansend(A, cell, 0, 1) !== cases[0]) return
    const winner = read(record + Sudog.select)
    withdraw(cases, winner, 1)
    for (const sudog of [...cases, record]) freed(sudog)
  }
  explored({
    words,
    names,
    setup: setupChans(0),
    threads: [
      settles,
      () => {
        if (!outlive(0)) return
        for (const c of [A, B]) bury(c, [c + Chan.receivers, c + Chan.senders], OWN)
        reclaimAll()
        // Nobody waits there any more.
        for (const c of [A, B]) expect(chansend(c, cellOf(block(1, 7)), 0, UNDERTAKER)).toBe(BLOCKED)
      },
    ],
    mortal: [0],
    after: () => {
      for (const sudog of OWN) expect(read(sudog + FREED)).toBeLessThanOrEqual(1)
    },
  })
})

test('the select of a dead thread is freed when nobody is taking one of its cases out any more', () => {
  explored({
    words,
    names,
    setup: setupChans(0),
    threads: [
      () => {
        parkedSelect()
        sleep(0)
      },
      () => {
        const cell = cellOf(block(1, 7))
        write(cell, 5)
        return chansend(A, cell, 0, 2)
      },
      () => {
        if (!outlive(0)) return
        for (const c of [A, B]) bury(c, [c + Chan.receivers, c + Chan.senders], OWN)
        reclaimAll()
      },
    ],
    mortal: [0],
    allowAsleep: [0, 2],
    racy: [...ownStatuses, ...ownSelects],
    after: ([, sent]) => {
      const [record, first, second] = OWN as [number, number, number]
      // What a living thread has woken goes home, with its winner, and is dropped there.
      const isWoken = sent === first
      for (const sudog of [record, first, second]) expect(read(sudog + FREED)).toBeLessThanOrEqual(1)
      if (isWoken) expect([read(record + FREED), read(first + FREED)]).toEqual([0, 0])
      else expect(read(record + Sudog.select)).toBe(0)
    },
  })
})

test('a goroutine whose thread dies as it ends it and sends it home comes home once, and is counted once', () => {
  const [g, errand, inboxAt, counter] = [block(0, 1), block(2, 1), block(3, 0), block(3, 2)]
  const ends = () => {
    write(g + G.m, 0)
    write(g + G.status, RUNNING)
    end(g, counter)
    inbox.push(inboxAt, g, G.schedlink)
    sleep(0)
  }
  // As undertaker.ts: what had not ended fails, and its creator is told to look for what had.
  const undertaker = () => {
    if (!outlive(0)) return
    if (isEndedBy(g, 0)) {
      if (!isCounted(g, read(counter))) write(counter + 1, 1)
      inbox.push(inboxAt, errand, G.schedlink)
    } else if (load(g + G.status) === RUNNING) {
      write(g + G.m, 2)
      end(g, counter + 1)
      inbox.push(inboxAt, g, G.schedlink)
    } else return
    store(WAKE + 1, 1)
    notify(WAKE + 1)
  }
  const arrivals = () => {
    let home = 0
    const arrives = () => {
      home++
      write(g + G.status, IDLE)
    }
    // Before the errand, or with it, or not at all.
    for (let turn = 0; turn < 2; turn++) {
      for (const item of chain(inbox.takeAll(inboxAt, G.schedlink), G.schedlink)) {
        if (item === g) arrives()
        else if (isEndedBy(g, 0)) arrives()
      }
      if (turn === 0) sleep(1)
    }
    return home
  }
  explored({
    words,
    threads: [ends, arrivals, undertaker],
    mortal: [0],
    // Nobody has died, or not with a goroutine in its hands.
    allowAsleep: [0, 1, 2],
    racy: [statusOf(0, 1), { from: g + G.m, to: g + G.m + 1 }],
    after: ([, home]) => {
      if (home === undefined) return
      expect(home).toBe(1)
      expect(read(counter) + read(counter + 1)).toBe(1)
    },
  })
})

test('planted: an undertaker that knows no errands leaves a waiter asleep, and that is found', () => {
  const failure = failureOf({
    words,
    names,
    setup: setupChans(0),
    threads: [
      () => close(0, A),
      () => recv(1, A),
      () => {
        if (bury(A, QUEUES, [block(1, 0)])) readyChain(resumeChan(A, UNDERTAKER))
        close(2, A)
      },
    ],
    mortal: [0],
    racy: [statusOf(1)],
  })
  expect(failure.message).toMatch(/lost wake-up/)
})

test('planted: what was in the hands of a dead thread and is not put back waits for ever, and that is found', () => {
  const failure = failureOf({
    words,
    names,
    setup: setupChans(0),
    threads: [
      () => send(0, A, 1),
      () => recv(1, A),
      () => {
        if (bury(A, QUEUES, [])) runErrands([block(1, 0)])
        send(2, A, 2)
      },
    ],
    mortal: [0],
    allowAsleep: [2],
    racy: [statusOf(1)],
  })
  expect(failure.message).toMatch(/lost wake-up/)
})
