/**
 * The operations on channels and mutexes that are WebAssembly. On channels one call takes the lock, does what there is to do and frees the
 * lock, in half the time of the same accesses in JavaScript, each of which loads and checks the view and its bounds
 * (docs/decisions/0009-waiting-faster.md). V8 looks whether a thread is to be terminated where a function begins and where a loop goes
 * round: there is no loop in it, so no thread is terminated while it holds a lock there.
 *
 * chan.ts, select.ts, sudog.ts and mutex.ts are what they mean, and do what they leave: in the explorer, where memory is none of
 * WebAssembly's (a region beyond 4 GiB), or if the order of locks is checked, that is everything.
 */
import { checksRanks, instantiate } from '@goro/memory'
import { CODE } from './quick-code.ts'

/** The rest is for chan.ts to do: the lock is held. */
export const HELD = -1
/** Nothing is done: another thread has the lock, or there is no WebAssembly. */
export const CONTENDED = -2

/** As `chansend` and `chanrecv`; or one of the above. */
type Operation = (c: number, cell: number, sudog: number, owner: number) => number

interface Quick {
  readonly send: Operation
  readonly recv: Operation
  /** BLOCKED or CONTENDED. */
  readonly selectTwo: (one: number, other: number, record: number, owner: number) => number
  /** DONE, BLOCKED or CONTENDED. */
  readonly remove: (sudog: number, owner: number) => number
  /** DONE or CONTENDED, which here is: not in the quick way. */
  readonly lockMutex: (mutex: number, m: number) => number
  readonly unlockMutex: (mutex: number) => number
}

const leave = () => CONTENDED
const NONE: Quick = {
  send: leave,
  recv: leave,
  selectTwo: leave,
  remove: leave,
  lockMutex: leave,
  unlockMutex: leave,
}

/** Compiled when a thread first needs them. */
export let quickSend: Quick['send'] = (...operation) => link().send(...operation)
export let quickRecv: Quick['recv'] = (...operation) => link().recv(...operation)
export let quickSelect: Quick['selectTwo'] = (...operation) => link().selectTwo(...operation)
export let quickRemove: Quick['remove'] = (...operation) => link().remove(...operation)
export let quickLock: Quick['lockMutex'] = (...operation) => link().lockMutex(...operation)
export let quickUnlock: Quick['unlockMutex'] = (...operation) => link().unlockMutex(...operation)

function link(): Quick {
  const quick = (checksRanks() ? undefined : compile()) ?? NONE
  quickSend = quick.send
  quickRecv = quick.recv
  quickSelect = quick.selectTwo
  quickRemove = quick.remove
  quickLock = quick.lockMutex
  quickUnlock = quick.unlockMutex
  return quick
}

function compile(): Quick | undefined {
  try {
    return instantiate(Buffer.from(CODE, 'base64')) as Quick | undefined
  } catch {
    // Where no code may be made at run time, or there is no room for it: TypeScript does without.
    return undefined
  }
}
