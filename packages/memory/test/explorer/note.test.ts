import { sleepUntilWoken, turnEventLoop } from '@goro/model'
import { describe, expect, test } from 'vitest'
import { add, exchange, load } from '#atomics'
import { AWAKE, DOZE, FUTEX, Note, NoteLayout, POLL, rouse, wake, wakeDozer, wakeUnlessDozing } from '../../src/note.ts'
import { explored, failureOf, outlive } from './harness.ts'
import { sleepUnless, sleepWithoutSecondLook } from './planted/sleep-without-second-look.ts'

const NOTE = 16
const WORK = 8
const names = [
  { name: 'work', base: WORK, layout: { pieces: 0, SIZE: 1 } },
  { name: 'note', base: NOTE, layout: NoteLayout },
]

/** A sleep on the futex that may end by itself: early returns stand for its time-out. */
const NAP = 9
type Form = typeof FUTEX | typeof POLL | typeof DOZE | typeof NAP

/**
 * The owner of the note, until it has had `pieces` of work. Sleeps in each of `forms` in turn, each time with a callback of
 * its own, like an M. Counts how many sleeps it announced and how many it took back.
 */
const sleeper = (pieces: number, forms: readonly Form[]) => () => {
  const note = new Note(NOTE)
  let announced = 0
  let cancelled = 0
  for (let got = exchange(WORK, 0); got < pieces; got += exchange(WORK, 0)) {
    const form = forms[announced % forms.length] as Form
    let woken = false
    if (form === POLL || form === DOZE) {
      note.arm(() => {
        woken = true
      })
    }
    note.prepare(form === NAP ? FUTEX : form)
    announced++
    if (load(WORK) === 0) {
      if (form === FUTEX) {
        note.sleep()
        if (load(NOTE + NoteLayout.state) === FUTEX) throw new Error('the sleep ended by itself')
      } else if (form === NAP) {
        if (note.nap(1) && load(NOTE + NoteLayout.state) !== AWAKE) throw new Error('nobody ended the nap')
      } else {
        while (!woken) sleepUntilWoken()
      }
    }
    if (note.cancel()) cancelled++
    turnEventLoop()
  }
  return { announced, cancelled }
}

/** Brings a piece of work. True if this woke the sleeper. */
const waker = () => {
  add(WORK, 1)
  return wake(NOTE)
}

/** Each sleep ends once: its owner took it back, or one waker ended it. */
const eachSleepEndsOnce = ([counts, ...wakers]: readonly unknown[]) => {
  const { announced, cancelled } = counts as { announced: number; cancelled: number }
  expect(wakers.filter((woke) => woke === true).length + cancelled).toBe(announced)
  expect(load(NOTE + NoteLayout.state)).toBe(AWAKE)
}

describe('note', () => {
  test.each<[string, Form[]]>([
    ['on the futex', [FUTEX]],
    ['in the event loop', [POLL]],
    ['on the futex, then in the event loop', [FUTEX, POLL]],
    ['in the event loop, then on the futex', [POLL, FUTEX]],
    ['in naps', [NAP]],
    ['in a nap, then in the event loop', [NAP, POLL]],
  ])('a wake-up is lost, or ends two sleeps: %s', (_, forms) => {
    for (const wakers of [1, 2, 3]) {
      const threads = [sleeper(wakers, forms), ...Array<typeof waker>(wakers).fill(waker)]
      explored({ words: 48, names, threads, earlyReturns: 1, after: eachSleepEndsOnce })
    }
  })

  test('a waker that brings two pieces of work loses one of its wake-ups', () => {
    const twice = () => {
      add(WORK, 1)
      const first = wake(NOTE)
      add(WORK, 1)
      return Number(first) + Number(wake(NOTE))
    }
    for (const forms of [[FUTEX], [POLL]] as const) {
      explored({
        words: 48,
        names,
        threads: [sleeper(3, forms), twice, waker],
        after: ([counts, two, one]) => eachSleepEndsOnce([counts, (two as number) > 0, two === 2, one]),
      })
    }
  })
})

describe('a note of one that dozes', () => {
  /** Brings work, and then has none of its own left. How often it woke the sleeper. */
  const teller = () => {
    add(WORK, 1)
    const first = wakeUnlessDozing(NOTE)
    return Number(first) + Number(wakeDozer(NOTE))
  }
  const wakeUps = ([counts, ...wakers]: readonly unknown[]) => {
    const { announced, cancelled } = counts as { announced: number; cancelled: number }
    expect(wakers.reduce<number>((sum, woke) => sum + Number(woke), cancelled)).toBe(announced)
  }

  test.each<[string, Form[]]>([
    ['dozes', [DOZE]],
    ['dozes, then sleeps', [DOZE, POLL]],
    ['sleeps on the futex, then dozes', [FUTEX, DOZE]],
  ])('is not woken by one that has run out of work: %s', (_, forms) => {
    for (const others of [[teller], [teller, teller], [teller, waker]]) {
      explored({ words: 48, names, threads: [sleeper(others.length, forms), ...others], after: wakeUps })
    }
  })

  test('is woken by what can wait', () => {
    const tells = () => {
      add(WORK, 1)
      return wakeUnlessDozing(NOTE)
    }
    failureOf({ words: 48, names, threads: [sleeper(1, [DOZE]), tells] })
    explored({ words: 48, names, threads: [sleeper(1, [POLL]), tells], after: wakeUps })
  })
})

describe('planted: no second look before the sleep', () => {
  const exploration = (sleep: typeof sleepUnless) => ({
    words: 48,
    names,
    threads: [
      () => {
        const note = new Note(NOTE)
        while (exchange(WORK, 0) === 0) sleep(note, () => load(WORK) !== 0)
      },
      waker,
    ],
  })

  test('the explorer does not find that work is there while its thread sleeps', () => {
    expect(failureOf(exploration(sleepWithoutSecondLook)).message).toMatch(
      /^deadlock or lost wake-up: T0 sleeps for ever in wait note\.state while 1\n/,
    )
  })

  test('the explorer blames the right order', () => {
    explored(exploration(sleepUnless))
  })

  test.each<[string, Form]>([
    ['on the futex', FUTEX],
    ['in the event loop', POLL],
  ])('a waker that dies leaves nobody asleep %s, if the undertaker rouses all', (_, form) => {
    const undertaker = (tell: (base: number) => unknown) => () => {
      if (!outlive(1)) return
      // What it had to bring.
      if (load(WORK) === 0) add(WORK, 1)
      tell(NOTE)
    }
    const threads = (tell: (base: number) => unknown) => [sleeper(1, [form]), waker, undertaker(tell)]
    explored({ words: 64, names, threads: threads(rouse), mortal: [1] })
    // Who was told by nobody, and counts as awake.
    failureOf({ words: 64, names, threads: threads(wake), mortal: [1] })
  })
})
