/**
 * For tests of how threads die: what a dead thread was at (`GORODEBUG=deaths`), and how to have one die where it seldom would by itself,
 * in a critical section (`GORODEBUG=dieinlock=RANK:N`, one time in N; `RANK` as in lock.ts).
 */
import {
  FUTEX,
  GlobalQueueLayout,
  HANDLE_CLASS,
  load,
  NONE,
  NoteLayout,
  ownerOf,
  POLL,
  RANK,
  read,
  SPINNING,
} from '@goro/memory'
import { KIND } from './handle.ts'
import { isGone, M, M_STATUS_NAMES } from './m.ts'
import { mapSegments } from './map.ts'
import { Procs } from './processors.ts'
import { lockId, mAt, SCHED, Sched, self, victim } from './sched.ts'
import { Waitable } from './sudog.ts'
import { Segment } from './syncmap.ts'

const RANK_NAMES = Object.keys(RANK) as (keyof typeof RANK)[]
const SLEEPS: Readonly<Record<number, string>> = { [FUTEX]: 'futex', [POLL]: 'poll' }

/** Locks of dead threads that were made whole before those were buried: by the id that stamped them. */
const releasedEarly = new Map<number, string>()

/** The lock of rank `rank` of the dead `owner` was released before that is buried. */
export function noteReleased(owner: number, rank: number): void {
  releasedEarly.set(owner, RANK_NAMES[rank]!)
}

/** What M `id` was at when it died. Before anything of it is touched. */
export function describeDeath(id: number): string {
  const m = mAt(id)
  const held = locksOf(lockId(id))
  const facts = {
    status: M_STATUS_NAMES[load(m + M.status)]!,
    asleep: SLEEPS[load(m + M.note + NoteLayout.state)] ?? 'no',
    spinning: self.idle.stateOf(id) === SPINNING,
    processor: self.idle.stateOf(id) !== NONE,
    queue: victim(id).length,
    waiting: read(m + M.waiting),
    locked: read(m + M.locked) > 0,
    last: isLast(id),
    lock: held ?? releasedEarly.get(lockId(id)) ?? 'none',
  }
  releasedEarly.delete(lockId(id))
  return `goro: M${id} died: ${JSON.stringify(facts)}\n`
}

function isLast(id: number): boolean {
  for (let other = 1; other < self.procs.threads; other++) {
    if (other !== id && !isGone(load(mAt(other) + M.status))) return false
  }
  return true
}

/** The rank of a lock that is stamped with `owner`. */
function locksOf(owner: number): string | undefined {
  const locks: (readonly [address: number, rank: number])[] = [
    [SCHED + Sched.procs + Procs.lock, RANK.processors],
    [SCHED + Sched.global + GlobalQueueLayout.lock, RANK.globalQueue],
    ...self.slab.locks(),
  ]
  self.slab.walk(HANDLE_CLASS, (at) => {
    const kind = load(at + Waitable.kind)
    if (kind === 0) return
    locks.push([at + Waitable.lock, RANK.waitQueue])
    if (kind !== KIND.syncMap) return
    for (const segment of mapSegments(at)) locks.push([segment + Segment.lock, RANK.mapSegment])
  })
  const held = locks.find(([address]) => ownerOf(address) === owner)
  return held === undefined ? undefined : RANK_NAMES[held[1]]
}

/** On an M, for `checkRanks`: ends this thread, as by `process.exit`, in one of so many critical sections. @throws RangeError */
export function dyingIn(text: string): (rank: number) => void {
  const [name, n] = text.split(':')
  const deadly = RANK[name as keyof typeof RANK]
  const oneIn = Number(n)
  if (deadly === undefined || !(oneIn > 0)) {
    throw new RangeError(
      `GORODEBUG: dieinlock=${text}: takes one of ${RANK_NAMES.join(', ')}, and how seldom: waitQueue:1000`,
    )
  }
  return (rank) => {
    if (rank !== deadly || Math.random() * oneIn >= 1) return
    // Not `process.exit`, which calls what listens to it.
    const { reallyExit } = process as unknown as { reallyExit(code: number): void }
    reallyExit(1)
    for (;;);
  }
}
