/** Mutexes in WebAssembly (quick.as) against mutex.ts: the same outcomes, and the same memory, word for word. */
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { twins } from './twins.ts'

const MUTEX = 64
const SUDOGS = Array.from({ length: 8 }, (_, i) => 256 + 16 * i)
/** As many words are used. */
const WORDS = 384
/** Threads: the largest id there is makes the largest state. */
const THREADS = [0, 1, 255]
const OWNER = 3

/** The modules once more, with memory of their own: WebAssembly's, or none of its. */
async function side(isWeb: boolean) {
  vi.resetModules()
  const memory = await import('@goro/memory')
  const [mutex, { Sudog }, wasm] = await Promise.all([
    import('../../src/mutex.ts'),
    import('../../src/sudog.ts'),
    import('../../src/wasm.ts'),
  ])
  memory.attach(memory.reserve(1 << 16, isWeb))
  const { read, write } = memory
  const prepare = (at: number, m: number, info: number) => {
    for (let word = 0; word < Sudog.SIZE; word++) write(at + word, 0)
    write(at + Sudog.owner, m)
    write(at + Sudog.info, info)
    return at
  }
  return {
    words: () => Array.from({ length: WORDS }, (_, at) => read(at)),
    clear() {
      for (let word = 0; word < WORDS; word++) write(word, 0)
    },
    quick: { lock: () => wasm.quickLock(MUTEX, 0), unlock: () => wasm.quickUnlock(MUTEX) },
    setState: (state: number) => write(MUTEX + mutex.Mutex.state, state),
    trylock: (m: number) => mutex.trylock(MUTEX, m),
    lock: (m: number, waiter: number) => mutex.lockMutex(MUTEX, prepare(waiter, m, 0), m, OWNER),
    relock: (m: number, waiter: number, isStarving: boolean) =>
      mutex.relockMutex(MUTEX, prepare(waiter, m, isStarving ? mutex.STARVING : 0), m, OWNER),
    unlock: (m: number) => mutex.unlockMutex(MUTEX, m, OWNER),
    kill: (m: number) => mutex.killMutex(MUTEX, m, OWNER),
    infoOf: (waiter: number) => read(waiter + Sudog.info),
    ownerOf: (waiter: number) => read(waiter + Sudog.owner),
    RETRY: mutex.RETRY,
    DEAD: mutex.DEAD,
  }
}

const [web, plain] = [await side(true), await side(false)]
const both = twins(web, plain)

test('one side takes and frees it in WebAssembly, the other does not', () => {
  web.clear()
  expect([web.quick.lock(), web.quick.unlock()]).toEqual([1, 1])
  plain.clear()
  expect([plain.quick.lock(), plain.quick.unlock()]).toEqual([-2, -2])
})

test('every state: what it is when somebody tries to take it, and frees it', () => {
  // A woken waiter that has not tried yet, or none: who is to be woken has to stand in the queue, as below.
  for (const marks of [0, 2, 3]) {
    for (const holder of [0, ...THREADS.map((m) => (m + 1) << 2), web.DEAD]) {
      for (const m of THREADS) {
        for (const act of ['trylock', 'unlock'] as const) {
          both((on) => {
            on.clear()
            on.setState(holder === on.DEAD ? holder : holder | marks)
            return on[act](m)
          })
        }
      }
    }
  }
})

test('any sequence of operations does the same in both, with waiters, starving ones, and a death', () => {
  const operation = fc.record({
    op: fc.constantFrom('trylock', 'trylock', 'lock', 'lock', 'unlock', 'unlock', 'unlock', 'relock', 'kill'),
    m: fc.constantFrom(...THREADS),
    rare: fc.nat(20),
  })
  const property = fc.property(fc.array(operation, { maxLength: 100, size: 'max' }), (operations) => {
    for (const on of [web, plain]) on.clear()
    const free = [...SUDOGS]
    const woken: number[] = []
    const readied = (waiter: number) => {
      if (web.infoOf(waiter) === web.RETRY) woken.push(waiter)
      else free.push(waiter)
    }
    for (const { op, m, rare } of operations) {
      if (op === 'trylock') both((on) => on.trylock(m))
      else if (op === 'unlock') {
        const outcome = both((on) => on.unlock(m))
        if (outcome >= SUDOGS[0]!) readied(outcome)
      } else if (op === 'lock') {
        const waiter = free.pop()
        if (waiter !== undefined && both((on) => on.lock(m, waiter)) !== 0) free.push(waiter)
      } else if (op === 'relock') {
        const waiter = woken.pop()
        if (waiter === undefined) continue
        if (both((on) => on.relock(on.ownerOf(waiter), waiter, rare > 10)) !== 0) free.push(waiter)
      } else if (rare === 0) {
        // All who wait are told; what becomes of the mutex is none of this test's.
        both((on) => on.kill(m))
        return
      }
    }
  })
  fc.assert(property, { numRuns: 500 })
})
