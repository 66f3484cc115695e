/** Channels in WebAssembly (quick.as) against chan.ts: the same outcomes, and the same memory, word for word. */
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'

const BYTES = 1 << 16
/** As many are used. */
const WORDS = 448
const CHANNEL = 64
const RING = 96
const CELL = 192
const OWNER = 3
const SUDOGS = Array.from({ length: 12 }, (_, i) => 256 + 16 * i)
const INT = 5

/** The modules once more, with memory of their own: WebAssembly's, or none of its. */
async function side(isWeb: boolean) {
  vi.resetModules()
  const memory = await import('@goro/memory')
  const [chan, select, sudog, wasm] = await Promise.all([
    import('../../src/chan.ts'),
    import('../../src/select.ts'),
    import('../../src/sudog.ts'),
    import('../../src/wasm.ts'),
  ])
  const region = memory.reserve(BYTES, isWeb)
  expect(region instanceof SharedArrayBuffer).toBe(!isWeb)
  memory.attach(region)
  const { read, write } = memory
  const { Sudog } = sudog
  const words = () => Array.from({ length: WORDS }, (_, at) => read(at))
  const prepare = (at: number) => {
    for (let word = 0; word < Sudog.SIZE; word++) write(at + word, 0)
    write(at + Sudog.owner, 7)
    return at
  }
  return {
    words,
    usesWasm: () => {
      const outcome = wasm.quickRecv(CHANNEL, CELL, 0, OWNER)
      return outcome !== wasm.CONTENDED
    },
    make(capacity: number) {
      for (let word = 0; word < WORDS; word++) write(word, 0)
      write(CHANNEL + sudog.Waitable.kind, 1)
      write(CHANNEL + chan.Chan.capacity, capacity)
      write(CHANNEL + chan.Chan.ring, capacity === 0 ? 0 : RING)
    },
    send(value: number, waiter: number) {
      write(CELL, INT)
      write(CELL + 2, value)
      return chan.chansend(CHANNEL, CELL, waiter === 0 ? 0 : prepare(waiter), OWNER)
    },
    recv(waiter: number) {
      return [chan.chanrecv(CHANNEL, CELL, waiter === 0 ? 0 : prepare(waiter), OWNER), read(CELL + 2)]
    },
    /** A select of one case, which waits. */
    select(isSend: boolean, value: number, waiter: number, record: number) {
      prepare(record)
      prepare(waiter)
      write(waiter + Sudog.on, CHANNEL)
      write(waiter + Sudog.info, isSend ? select.SEND : select.RECEIVE)
      write(waiter + Sudog.cell, isSend ? INT : 0)
      write(waiter + Sudog.cell + 2, value)
      return select.select([waiter], record, OWNER, () => 0.5) ? select.chosen.outcome : chan.BLOCKED
    },
    close: () => chan.closechan(CHANNEL, 0, OWNER),
    recordOf: (waiter: number) => read(waiter + Sudog.select),
  }
}

test('any sequence of operations does the same in both, with waiters, selects and a close', async () => {
  const [web, plain] = [await side(true), await side(false)]
  const both = <T>(act: (on: typeof web) => T): T => {
    const outcome = act(web)
    expect(act(plain)).toEqual(outcome)
    return outcome
  }
  web.make(1)
  plain.make(1)
  expect([web.usesWasm(), plain.usesWasm()]).toEqual([true, false])
  const operation = fc.record({
    op: fc.constantFrom('send', 'send', 'send', 'recv', 'recv', 'recv', 'selectSend', 'selectRecv', 'close'),
    value: fc.nat(1000),
    waits: fc.boolean(),
  })
  const property = fc.property(
    fc.nat(3),
    fc.array(operation, { maxLength: 120, size: 'max' }),
    (capacity, operations) => {
      web.make(capacity)
      plain.make(capacity)
      const free = [...SUDOGS]
      let closed = false
      for (const { op, value, waits } of operations) {
        if (op === 'close' && (closed || value > 100)) continue
        if (free.length < 2) break
        const isSelect = op.startsWith('select')
        const waiter = waits || isSelect ? (free.pop() as number) : 0
        const record = isSelect ? (free.pop() as number) : 0
        const outcome = both((on) => {
          if (op === 'send') return on.send(value, waiter)
          if (op === 'recv') return on.recv(waiter)[0] as number
          if (op === 'close') return on.close()
          return on.select(op === 'selectSend', value, waiter, record)
        })
        if (op === 'close') {
          closed = true
          free.length = 0
          free.push(...SUDOGS)
          continue
        }
        // What waits is in use; what was woken is free again, with the record of its select.
        if (outcome !== 0) free.unshift(...[waiter, record].filter((at) => at !== 0))
        else if (waiter === 0) continue
        if (outcome > 2) free.unshift(...[outcome, both((on) => on.recordOf(outcome))].filter((at) => at !== 0))
      }
      expect(web.words()).toEqual(plain.words())
    },
  )
  fc.assert(property, { numRuns: 300 })
})
