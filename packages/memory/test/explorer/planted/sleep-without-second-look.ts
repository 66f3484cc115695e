/** Planted bug: a sleeper that looks for work only before it announces its sleep. What comes in between wakes nobody. */
import { FUTEX, type Note } from '../../../src/note.ts'

/** What a sleeper does, rightly: announce the sleep, look once more, then sleep. True if it slept. */
export function sleepUnless(note: Note, isWork: () => boolean): boolean {
  note.prepare(FUTEX)
  if (isWork()) {
    note.cancel()
    return false
  }
  note.sleep()
  return true
}

/** The same without the second look. */
export function sleepWithoutSecondLook(note: Note, isWork: () => boolean): boolean {
  if (isWork()) return false
  note.prepare(FUTEX)
  note.sleep()
  return true
}
