/**
 * How often threads are in each other's way: each `cas` on a structure of the scheduler that failed since another thread was quicker, and each
 * lock that was taken. Counted by a thread for itself, where it has lost: who is quicker pays nothing for it.
 */
let lost = 0

/** This thread has lost one. */
export function lose(): void {
  lost++
}

/** How many this thread has lost since it was last asked. */
export function takeLostRaces(): number {
  const count = lost
  lost = 0
  return count
}
