/**
 * Every interleaving of the deadlock detector, up to the bound: threads that send each other messages and sleep, some with a timer
 * pending, and the main thread that waits to hear that nothing can go on. It must hear so in the end, and never before.
 *
 * The threads are 0 and 1 here, M 1 and 2; the main thread is the last. A timer is what a thread does by itself, without being woken, some
 * time after it has fallen asleep.
 */
import { add, FUTEX, inbox, load, Note, store, wake, write } from '@goro/memory'
import { expect, test } from 'vitest'
import { explored, failureOf } from '../../../memory/test/explorer/harness.ts'
import { allQuiet, areBlocked, claimReport, fallAsleep, getUp } from '../../src/deadlock.ts'
import { M, M_RUNNING } from '../../src/m.ts'

const LINK = 1
const MAIN_WAITS = 16
/** Messages that were received. */
const RECEIVED = 17
const MAIN_NOTE = 32
const itemAt = (n: number) => 64 + n * 2
const mAt = (id: number) => 96 + (id - 1) * M.SIZE
const noWork = () => false

const setupFor = (threads: number) => () => {
  for (let id = 1; id <= threads; id++) write(mAt(id) + M.status, M_RUNNING)
}
const wordsFor = (threads: number) => mAt(threads + 1)
const namesFor = (threads: number) =>
  Array.from({ length: threads }, (_, i) => ({ name: `m${i + 1}`, base: mAt(i + 1), layout: M }))

function send(to: number, item: number): void {
  inbox.push(mAt(to) + M.inbox, itemAt(item), LINK)
  wake(mAt(to) + M.note)
}

type IsBlocked = () => boolean
const detector = (threads: number) => () => areBlocked(threads + 1, mAt, noWork)

/** What park.ts does when there is nothing to do. Returns whether there is a message by now. */
function park(id: number, quiet: boolean, isBlocked: IsBlocked): void {
  const m = mAt(id)
  const note = new Note(m + M.note)
  note.prepare(FUTEX)
  if (!inbox.isEmpty(m + M.inbox)) {
    note.cancel()
    return
  }
  fallAsleep(m, quiet)
  if (claimReport(MAIN_WAITS, () => quiet && isBlocked())) wake(MAIN_NOTE)
  // A timer that is due ends the sleep as a message does.
  if (quiet) note.sleep()
  else note.cancel()
  getUp(m)
}

/** Receives `count` messages, and after each does `then`; after that it sleeps for ever. */
function receives(id: number, count: number, then: (n: number) => void, isBlocked: IsBlocked): void {
  const m = mAt(id)
  for (let n = 0; ; ) {
    for (let item = inbox.takeAll(m + M.inbox, LINK); item !== 0; item = 0) {
      n++
      add(RECEIVED, 1)
      then(n)
    }
    if (n > count) throw new Error('a message came twice')
    park(id, true, isBlocked)
  }
}

/** The main thread waits until nothing can go on, and says how many messages had been received then. */
function main(isBlocked: IsBlocked): number {
  const note = new Note(MAIN_NOTE)
  for (;;) {
    note.prepare(FUTEX)
    store(MAIN_WAITS, 1)
    if (isBlocked()) return load(RECEIVED)
    note.sleep()
    // Whoever has told it so was right at that moment; and since then nobody but this thread could have changed it.
    store(MAIN_WAITS, 0)
  }
}

/** Sends at once, then sleeps for ever. */
const sender = (id: number, to: number, item: number, isBlocked: IsBlocked) => () => {
  send(to, item)
  receives(id, 1, () => {}, isBlocked)
}

/** Sends when its timer is due, then sleeps for ever. `says`: whether it takes itself for quiet before that. */
const timed =
  (id: number, to: number, item: number, isBlocked: IsBlocked, says = false) =>
  () => {
    const m = mAt(id)
    if (says) {
      // Asleep and quiet, as far as others can see; then its timer is due.
      new Note(m + M.note).prepare(FUTEX)
      fallAsleep(m, true)
      if (claimReport(MAIN_WAITS, isBlocked)) wake(MAIN_NOTE)
      new Note(m + M.note).cancel()
      getUp(m)
    } else {
      park(id, false, isBlocked)
    }
    send(to, item)
    receives(id, 1, () => {}, isBlocked)
  }

test('two threads: one sends to the other, which answers; the main thread hears of it when both are asleep for good', () => {
  const isBlocked = detector(2)
  explored({
    words: wordsFor(2),
    setup: setupFor(2),
    names: namesFor(2),
    threads: [sender(1, 2, 0, isBlocked), () => receives(2, 1, () => send(1, 1), isBlocked), () => main(isBlocked)],
    allowAsleep: [0, 1],
    after: ([, , received]) => expect(received).toBe(2),
  })
})

test('a timer is pending on one of two threads: nothing is reported before it has fired and what follows is done', () => {
  const isBlocked = detector(2)
  explored({
    words: wordsFor(2),
    setup: setupFor(2),
    names: namesFor(2),
    threads: [timed(1, 2, 0, isBlocked), () => receives(2, 1, () => {}, isBlocked), () => main(isBlocked)],
    allowAsleep: [0, 1],
    after: ([, , received]) => expect(received).toBe(1),
  })
})

test('a thread finds out only while it sleeps that nothing in its event loop can wake it', () => {
  const isBlocked = detector(2)
  const late = () => {
    const m = mAt(1)
    const note = new Note(m + M.note)
    for (;;) {
      for (let item = inbox.takeAll(m + M.inbox, LINK); item !== 0; item = 0) add(RECEIVED, 1)
      note.prepare(FUTEX)
      if (inbox.isEmpty(m + M.inbox)) {
        fallAsleep(m, false)
        if (!note.isAwake) {
          store(m + M.quiet, 1)
          if (claimReport(MAIN_WAITS, isBlocked)) wake(MAIN_NOTE)
        }
        note.sleep()
      }
      note.cancel()
      getUp(m)
    }
  }
  explored({
    words: wordsFor(2),
    setup: setupFor(2),
    names: namesFor(2),
    threads: [late, sender(2, 1, 0, isBlocked), () => main(isBlocked)],
    allowAsleep: [0, 1],
    after: ([, , received]) => expect(received).toBe(1),
  })
})

test('three threads, a chain of messages with a timer at its beginning', () => {
  const isBlocked = detector(3)
  explored({
    words: wordsFor(3),
    setup: setupFor(3),
    names: namesFor(3),
    maxPreemptions: 1,
    threads: [
      timed(1, 2, 0, isBlocked),
      () => receives(2, 1, () => send(3, 1), isBlocked),
      () => receives(3, 1, () => {}, isBlocked),
      () => main(isBlocked),
    ],
    allowAsleep: [0, 1, 2],
    after: ([, , , received]) => expect(received).toBe(2),
  })
})

test('planted: a deadlock is reported while a timer is pending, and that is found', () => {
  const isBlocked = detector(2)
  const failure = failureOf({
    words: wordsFor(2),
    setup: setupFor(2),
    names: namesFor(2),
    threads: [timed(1, 2, 0, isBlocked, true), () => receives(2, 1, () => {}, isBlocked), () => main(isBlocked)],
    allowAsleep: [0, 1],
    after: ([, , received]) => expect(received).toBe(1),
  })
  expect(failure.message).toMatch(/expected \+?0 to be 1/)
})

test('planted: a detector that looks only once reports a deadlock that is none, and that is found', () => {
  const once = () => allQuiet(3, mAt, () => true)
  const failure = failureOf({
    words: wordsFor(2),
    setup: setupFor(2),
    names: namesFor(2),
    threads: [() => receives(1, 1, () => {}, once), timed(2, 1, 0, once), () => main(once)],
    allowAsleep: [0, 1],
    after: ([, , received]) => expect(received).toBe(1),
  })
  expect(failure.message).toMatch(/expected \+?0 to be 1/)
})

test('planted: a thread that looks before it says that it sleeps leaves the main thread waiting, and that is found', () => {
  const isBlocked = detector(2)
  const hasty = (id: number) => () => {
    const m = mAt(id)
    const note = new Note(m + M.note)
    note.prepare(FUTEX)
    const reports = claimReport(MAIN_WAITS, isBlocked)
    fallAsleep(m, true)
    if (reports) wake(MAIN_NOTE)
    note.sleep()
  }
  const failure = failureOf({
    words: wordsFor(2),
    setup: setupFor(2),
    names: namesFor(2),
    threads: [hasty(1), hasty(2), () => main(isBlocked)],
    allowAsleep: [0, 1],
  })
  expect(failure.message).toMatch(/lost wake-up/)
})
