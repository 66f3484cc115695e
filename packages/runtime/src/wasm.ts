/**
 * The operations on channels that are WebAssembly: one call takes the lock, does what there is to do and frees the lock, in half the time of
 * the same accesses in JavaScript, each of which loads and checks the view and its bounds (docs/decisions/0009-waiting-faster.md).
 *
 * chan.ts is what they mean, and does what they leave: in the explorer, where memory is none of WebAssembly's (a region beyond
 * 4 GiB), or if the order of locks is checked, that is everything.
 */
import { checksRanks, instantiate } from '@goro/memory'
import { CODE } from './chan-code.ts'

/** The rest is for chan.ts to do: the lock is held. */
export const HELD = -1
/** Nothing is done: another thread has the lock, or there is no WebAssembly. */
export const CONTENDED = -2

/** As `chansend` and `chanrecv`; or one of the above. */
type Operation = (c: number, cell: number, sudog: number, owner: number) => number

const leave: Operation = () => CONTENDED

/** Compiled when a thread first needs them. */
export let quickSend: Operation = (...operation) => link().send(...operation)
export let quickRecv: Operation = (...operation) => link().recv(...operation)

function link(): { send: Operation; recv: Operation } {
  const functions = checksRanks() ? undefined : compile()
  const { send = leave, recv = leave } = (functions ?? {}) as { send?: Operation; recv?: Operation }
  quickSend = send
  quickRecv = recv
  return { send, recv }
}

function compile(): Record<string, unknown> | undefined {
  try {
    return instantiate(Buffer.from(CODE, 'base64'))
  } catch {
    // Where no code may be made at run time, or there is no room for it: chan.ts does without.
    return undefined
  }
}
