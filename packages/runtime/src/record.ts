/**
 * Records: handles of a value that never changes, and may itself hold handles. What is built of channels and data, such as a
 * context, becomes a handle by being one.
 */
import { array, HANDLE_CLASS, store, struct, write } from '@goro/memory'
import { copyOf, dropCell, writeCell } from './cell.ts'
import { self } from './sched.ts'
import { Waitable } from './sudog.ts'

const Record = struct({
  /** As everything that a handle refers to; nobody waits on it. */
  base: array(Waitable.SIZE),
  cell: array(4, 2),
})

/** Makes a record of `value` and returns its address. `root` names it in messages. @throws DataCloneError, OutOfMemoryError */
export function newRecord(kind: number, value: unknown, root: string): number {
  const record = self.slab.allocClass(HANDLE_CLASS)
  try {
    writeCell(value, record + Record.cell, { root })
  } catch (error) {
    self.slab.freeClass(record, HANDLE_CLASS)
    throw error
  }
  write(record + Waitable.lock, 0)
  write(record + Waitable.refs, 1)
  store(record + Waitable.kind, kind)
  return record
}

/** A copy of what the record holds. */
export function recordOf(record: number): unknown {
  return copyOf(record + Record.cell)
}

export function freeRecord(record: number): void {
  dropCell(record + Record.cell)
  store(record + Waitable.kind, 0)
  self.slab.freeClass(record, HANDLE_CLASS)
}
