/**
 * The names that goroutines were given by `go.with`, for dumps on any thread. A goroutine's struct has no room for one, and few have one:
 * each stands in a record of its own, from the start of the goroutine until it is home.
 */
import { HANDLE_CLASS, load } from '@goro/memory'
import { defineHandle, KIND, release, retainIfAlive } from './handle.ts'
import { freeRecord, newRecord, recordOf } from './record.ts'
import { self } from './sched.ts'
import { Waitable } from './sudog.ts'

/** The goroutine, the M that made it, and its name. */
type Named = readonly [goid: number, creator: number, name: string]

defineHandle(
  KIND.goroutineName,
  () => {
    throw new Error('goro: a name is no handle; please report this')
  },
  freeRecord,
)

/** Notes the name of goroutine `goid`. Returns what takes it back. @throws OutOfMemoryError */
export function noteName(goid: number, name: string): () => void {
  const record = newRecord(KIND.goroutineName, [goid, self.id, name] satisfies Named, 'name')
  return () => release(record)
}

/** Names by the ids of goroutines. */
export function namesOfGoroutines(): Map<number, string> {
  const names = new Map<number, string>()
  eachName((_record, [goid, , name]) => names.set(goid, name))
  return names
}

/** For the undertaker: nobody is there any more to take back what the dead thread `creator` has noted. */
export function dropNamesOf(creator: number): void {
  eachName((record, [, by]) => {
    if (by === creator) release(record)
  })
}

function eachName(visit: (record: number, named: Named) => void): void {
  self.slab.walk(HANDLE_CLASS, (at) => {
    if (load(at + Waitable.kind) !== KIND.goroutineName || !retainIfAlive(at)) return
    // What was free in between may be something else by now.
    if (load(at + Waitable.kind) === KIND.goroutineName) visit(at, recordOf(at) as Named)
    release(at)
  })
}
