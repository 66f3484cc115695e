/**
 * What a thread had in its hands when it died, between taking goroutines out of a queue and having them in another, or saying that they
 * are its own: it says before it takes them what it is about to take (run-queue.ts). Somebody else may have been faster, or they may be long
 * gone: so each is looked for. It is *lost* if it has not started, no thread has it, and it is in no queue.
 *
 * The others go on meanwhile, and what moves from queue to queue may be missed in both. So all queues are looked at while no living thread
 * moves any: each says so by a count (`moves`), odd while it does, which has to be even and the same before and after. What a living thread
 * takes or moves by itself stays within its own queue and its hand, and is seen there (`search`). If that does not work out, because they
 * do move, it is tried again soon; nothing is decided until it does. A goroutine that is not lost can't become so but by another death.
 *
 * The struct may be another goroutine's by now, which a living thread is just making: RUNNABLE, nobody's, and not in a queue yet. That thread has
 * said so before (`M.making`), and takes that back when it is. So first it is seen to be RUNNABLE, then what is being made is looked at, then the
 * queues: if its maker has taken it back by the second look, it was in a queue before the third.
 */
import { type GlobalQueue, load, type RunQueueStealer, read, readF64 } from '@goro/memory'
import { CANCELLED, G, isPinned, NOBODY, RUNNABLE } from './g.ts'

/** A goroutine that may be lost: its struct, and which one it was in that, since that may be used again. */
export interface Suspect {
  readonly g: number
  readonly goid: number
}

/** Those of `hand`, which a dead thread may have had in its hands, that may be lost: each once. */
export function suspects(hand: Iterable<number>): Suspect[] {
  return [...new Set(hand)].filter((g) => g !== 0 && isNobodys(g)).map((g) => ({ g, goid: readF64(g + G.goid) }))
}

/**
 * Whether `g` has not started, and no thread says that it has it. What is linked to a goroutine may be a waiter (sudog.ts). One that is to
 * have a thread for itself is in none of these queues.
 */
function isNobodys(g: number): boolean {
  const status = load(g + G.status)
  return (status === RUNNABLE || status === CANCELLED) && read(g + G.m) === NOBODY && !isPinned(g)
}

const isStill = ({ g, goid }: Suspect): boolean => isNobodys(g) && readF64(g + G.goid) === goid

/**
 * One look for `suspected` in `global`, in the queues of the living threads, `living`, and those of the `dead`; `made` tells what each of the
 * living is making. `lost` are to be queued again; of those that are `open` it is not known yet.
 */
export function search(
  suspected: readonly Suspect[],
  made: () => Iterable<number>,
  global: GlobalQueue,
  living: readonly RunQueueStealer[],
  dead: readonly RunQueueStealer[],
): { lost: number[]; open: Suspect[] } {
  const suspects = suspected.filter(isStill)
  if (suspects.length === 0) return { lost: [], open: [] }
  const missing = new Set(suspects.map(({ g }) => g))
  const moves = living.map((queue) => queue.moves)
  const handled = new Set(made())
  for (const queue of [...living, ...dead]) {
    for (const g of queue.search(missing)) if (living.includes(queue)) handled.add(g)
  }
  global.search(missing)
  const isCertain = living.every((queue, i) => (moves[i]! & 1) === 0 && queue.moves === moves[i])
  const rest = suspects.filter((each) => missing.has(each.g) && isStill(each))
  const isLost = ({ g }: Suspect) => isCertain && !handled.has(g)
  return { lost: rest.filter(isLost).map(({ g }) => g), open: rest.filter((each) => !isLost(each)) }
}
