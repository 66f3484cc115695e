/**
 * Goroutines that a thread has taken and not begun: their code, the classes of handles, or what is moved to them, are on their way there. Unlike one
 * that has begun they can go to another thread, and do if this one is about to block or is locked: they would wait for as long as it does, and it may
 * wait for them.
 */
import { store, write } from '@goro/memory'
import { G, isPinned, NOBODY, RUNNABLE } from './g.ts'
import { M } from './m.ts'
import { fetchMoved, giveBack, lostParcel } from './moved.ts'
import { noteMade, self } from './sched.ts'
import { wakep } from './wake.ts'

/** What a goroutine is made ready for: once it is elsewhere its struct may come back as another's. */
export interface Start {
  readonly g: number
  /** What is moved to it, as its number; 0 if there is nothing. */
  readonly parcel: number
  /** What is in that, once it is here. */
  moved?: readonly unknown[]
}

const unbegun = new Set<Start>()

/** Goroutine `g`, of this thread, is being made ready to begin. */
export function noteUnbegun(g: number, parcel: number): Start {
  const start = { g, parcel }
  unbegun.add(start)
  return start
}

/** Fetches what is moved to the goroutine. Rejects with a ThreadDiedError if that is lost. */
export function fetchFor(start: Start): Promise<void> {
  return new Promise((resolve, reject) => {
    fetchMoved(start.parcel, (externals) => {
      if (externals === undefined) return reject(lostParcel())
      start.moved = externals
      // If this thread dies now, nobody is to drop it once more.
      write(start.g + G.parcel, 0)
      resolve()
    })
  })
}

/** What is moved to the goroutine is for another thread to fetch, or to be dropped. */
export function leaveParcel({ g, parcel, moved }: Start): void {
  if (parcel === 0) return
  giveBack(parcel, moved)
  write(g + G.parcel, -parcel)
}

/** All is ready. False if the goroutine has gone to another thread meanwhile, and is none of this one's any more. */
export const isStillHere = (start: Start): boolean => unbegun.delete(start)

/** Before this thread blocks: what it has not begun is for others. */
export function passOnUnbegun(): void {
  for (const start of unbegun) {
    // One that is to have this thread for itself stays.
    if (isPinned(start.g)) continue
    unbegun.delete(start)
    leaveParcel(start)
    passOn(start.g)
  }
}

/** Goroutine `g`, which has not begun, is for any other thread. */
export function passOn(g: number): void {
  // If this thread dies before it is in the queue, it is found by one of these.
  write(self.m + M.making, g)
  store(g + G.status, RUNNABLE)
  write(g + G.m, NOBODY)
  write(g + G.schedlink, 0)
  self.global.put(g, 1)
  noteMade()
  wakep()
}
