/**
 * A thread of one's own, and the end of a goroutine from within: Go's `LockOSThread`, `UnlockOSThread` and `Goexit`.
 *
 *   free ── lockOSThread ──> locked (counted) ── unlockOSThread as often ──> free
 *                               └── its goroutine ends ──> the thread takes nothing more, and ends when what it has started has ended
 *
 * A locked thread starts no other goroutine: what is in its queue is stolen. While its goroutine waits its processor is another's
 * (schedule.ts). Goroutines that had started there before stay: none that has started can move.
 */
import { read, readF64, write } from '@goro/memory'
import { G } from './g.ts'
import { currentGoid } from './local.ts'
import { M, MAIN_M } from './m.ts'
import { isJoined, self } from './sched.ts'

/** The goroutine that has locked this thread; 0 if none has. */
let lockedBy = 0
let hasEnded = false

/** The running goroutine, as far as it is known. */
function running(): number {
  const g = read(self.m + M.curg)
  return g === 0 ? currentGoid() : readF64(g + G.goid)
}

/** Locks the running goroutine to its thread. On the main thread, which is nobody else's anyway, does nothing. */
export function lockOSThread(): void {
  if (!isJoined() || self.id === MAIN_M) return
  const goid = running()
  if (goid === 0) {
    throw new Error(
      'runtime.lockOSThread: after an await this version of Node does not know which goroutine it is; call it before the first one',
    )
  }
  if (lockedBy !== 0 && lockedBy !== goid) {
    throw new Error(`runtime.lockOSThread: goroutine ${lockedBy} has locked this thread, and started before this one`)
  }
  lockedBy = goid
  write(self.m + M.locked, read(self.m + M.locked) + 1)
}

/** Undoes one `lockOSThread`; without one, does nothing, as in Go. */
export function unlockOSThread(): void {
  if (!isJoined() || self.id === MAIN_M || hasEnded) return
  const locked = read(self.m + M.locked)
  if (locked === 0) return
  write(self.m + M.locked, locked - 1)
  if (locked === 1) lockedBy = 0
}

/** Whether this thread starts no goroutine, because one has it for itself. */
export const isLocked = (): boolean => read(self.m + M.locked) > 0

/** Whether another goroutine than `g` has locked this thread. */
export const isLockedToOther = (g: number): boolean => isLocked() && readF64(g + G.goid) !== lockedBy

/** Goroutine `g` ends on this thread: if it has locked it, the thread is not to be used any more. */
export function noteEnd(g: number): void {
  if (lockedBy !== 0 && readF64(g + G.goid) === lockedBy) hasEnded = true
}

/** Whether this thread's goroutine has ended without unlocking it. */
export const isSpent = (): boolean => hasEnded

/** What `goexit` throws. */
class Goexit extends Error {
  override name = 'Goexit'
}

/** Ends the running goroutine: its `finally` blocks run, and nothing is wrong. */
export function goexit(): never {
  if (!isJoined() || self.id === MAIN_M) {
    throw new Error('runtime.goexit: called on the main thread, which is no goroutine; use return, or process.exit()')
  }
  const error = new Goexit('runtime.goexit ends this goroutine; let what catches everything throw this on')
  goexits.add(error)
  throw error
}

/** All there are: `instanceof` would ask what was thrown, which may be a proxy that throws. */
const goexits = new WeakSet<object>()

/** Whether a goroutine that threw `error` has ended by `goexit`. */
export const isGoexit = (error: unknown): boolean => goexits.has(error as object)
