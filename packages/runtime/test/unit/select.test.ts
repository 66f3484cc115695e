/** Selects in WebAssembly (quick.as) against select.ts, chan.ts and sudog.ts: the same outcomes, and the same memory, word for word. */
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { twins } from './twins.ts'

const A = 64
const B = 80
const RINGS = { [A]: 96, [B]: 128 }
const CELL = 192
const SUDOGS = Array.from({ length: 16 }, (_, i) => 256 + 16 * i)
/** As many words are used. */
const WORDS = 512
const OWNER = 3
const INT = 5

interface Case {
  readonly channel: typeof A | typeof B
  readonly isSend: boolean
}

/** The modules once more, with memory of their own: WebAssembly's, or none of its. */
async function side(isWeb: boolean) {
  vi.resetModules()
  const memory = await import('@goro/memory')
  const [chan, select, { Sudog, Waitable, SUDOG_LOST }, wasm] = await Promise.all([
    import('../../src/chan.ts'),
    import('../../src/select.ts'),
    import('../../src/sudog.ts'),
    import('../../src/wasm.ts'),
  ])
  memory.attach(memory.reserve(1 << 16, isWeb))
  const { read, write } = memory
  const prepare = (at: number) => {
    for (let word = 0; word < Sudog.SIZE; word++) write(at + word, 0)
    write(at + Sudog.owner, 7)
    return at
  }
  return {
    words: () => Array.from({ length: WORDS }, (_, at) => read(at)),
    make(capacity: number) {
      for (let word = 0; word < WORDS; word++) write(word, 0)
      for (const c of [A, B] as const) {
        write(c + Waitable.kind, 1)
        write(c + chan.Chan.capacity, capacity)
        write(c + chan.Chan.ring, capacity === 0 ? 0 : RINGS[c])
      }
    },
    send(c: number, value: number, waiter: number) {
      write(CELL, INT)
      write(CELL + 2, value)
      return chan.chansend(c, CELL, waiter === 0 ? 0 : prepare(waiter), OWNER)
    },
    recv: (c: number, waiter: number) => chan.chanrecv(c, CELL, waiter === 0 ? 0 : prepare(waiter), OWNER),
    select(cases: readonly Case[], sudogs: readonly number[], record: number, value: number) {
      prepare(record)
      cases.forEach(({ channel, isSend }, i) => {
        const sudog = prepare(sudogs[i] as number)
        write(sudog + Sudog.on, channel)
        write(sudog + Sudog.info, isSend ? select.SEND : select.RECEIVE)
        write(sudog + Sudog.cell, isSend ? INT : 0)
        write(sudog + Sudog.cell + 2, value)
      })
      return select.select([...sudogs], record, OWNER, () => 0.5) ? select.chosen.outcome : chan.BLOCKED
    },
    withdraw: (sudogs: readonly number[], winner: number) => select.withdraw(sudogs, winner, OWNER),
    close: (c: number) => chan.closechan(c, 0, OWNER),
    /** As if a thread had died that was closing it: those who wait have not been told. */
    beginClose: (c: number) => write(c + chan.Chan.closed, 1),
    isLost: (sudog: number) => read(sudog + Sudog.status) === SUDOG_LOST,
    winnerOf: (record: number) => read(record + Sudog.select),
    usesWasm: () => wasm.quickRemove(CELL, OWNER) !== wasm.CONTENDED,
  }
}

const [web, plain] = [await side(true), await side(false)]
const both = twins(web, plain)

test('one side is WebAssembly, the other is not', () => {
  expect([web.usesWasm(), plain.usesWasm()]).toEqual([true, false])
})

const receives = (channel: Case['channel']): Case => ({ channel, isSend: false })

test('a channel whose close was not ended is closed for a select that waits, and for who sends to it', () => {
  for (const on of [web, plain]) on.make(0)
  const [first, second, record] = SUDOGS as [number, number, number]
  expect(both((on) => on.select([receives(A), receives(B)], [first, second], record, 0))).toBe(0)
  both((on) => on.beginClose(A))
  expect(both((on) => on.send(A, 1, 0))).toBe(2)
  expect(web.winnerOf(record)).toBe(0)
})

const oneCase = fc.record({ channel: fc.constantFrom<Case['channel']>(A, B), isSend: fc.boolean() })
const cases: fc.Arbitrary<readonly Case[]> = fc.oneof(
  fc.constantFrom<readonly Case[]>([receives(A), receives(B)], [receives(B), receives(A)], [receives(A), receives(A)]),
  fc.array(oneCase, { minLength: 1, maxLength: 3 }),
)
const operation = fc.record({
  op: fc.constantFrom('send', 'send', 'recv', 'recv', 'select', 'select', 'withdraw', 'withdraw', 'close'),
  channel: fc.constantFrom<Case['channel']>(A, B),
  cases,
  value: fc.nat(1000),
  waits: fc.boolean(),
})

test('any sequence of operations on two channels does the same in both, with selects, their losers and a close', () => {
  let lost = 0
  const property = fc.property(
    fc.nat(2),
    fc.array(operation, { maxLength: 120, size: 'max' }),
    (capacity, operations) => {
      for (const on of [web, plain]) on.make(capacity)
      const free = [...SUDOGS]
      /** By their records, selects that wait, and those of them that have been woken. */
      const waiting = new Map<number, number[]>()
      const woken = () => [...waiting].find(([record]) => web.winnerOf(record) !== 0)
      const readied = (outcome: number) => {
        if (outcome > 2 && ![...waiting.values()].some((sudogs) => sudogs.includes(outcome))) free.push(outcome)
      }
      for (const { op, channel, cases, value, waits } of operations) {
        if (free.length < 4) break
        if (op === 'withdraw') {
          const [record, sudogs] = woken() ?? [0, []]
          if (record === 0) continue
          both((on) => on.withdraw(sudogs, on.winnerOf(record)))
          lost += sudogs.filter((sudog) => web.isLost(sudog)).length
          waiting.delete(record)
          free.push(record, ...sudogs)
        } else if (op === 'select') {
          const record = free.pop() as number
          const sudogs = cases.map(() => free.pop() as number)
          const outcome = both((on) => on.select(cases, sudogs, record, value))
          if (outcome === 0) waiting.set(record, sudogs)
          else free.push(record, ...sudogs)
          readied(outcome)
        } else if (op === 'close') {
          if (value > 50) continue
          both((on) => on.close(channel))
          return
        } else {
          const waiter = waits ? (free.pop() as number) : 0
          const outcome = both((on) => (op === 'send' ? on.send(channel, value, waiter) : on.recv(channel, waiter)))
          if (outcome !== 0 && waiter !== 0) free.push(waiter)
          readied(outcome)
        }
      }
    },
  )
  fc.assert(property, { numRuns: 200 })
  expect(lost).toBeGreaterThan(100)
})
