/**
 * Preemption: the end of a step at the wish of others. What has started goes on only on its thread, so a goroutine that computes keeps
 * whatever else has started there waiting: not just goroutines that are ready, also timers and sockets. The monitor can take its
 * processor away, but not its thread. Go interrupts it (`preemptone`, `runtime/proc.go`); here it has to look by itself, and does so in its
 * loops, if the compiler was asked for that (packages/compiler/src/preempt.ts).
 *
 *   NONE ── the monitor finds the thread in one step for too long ──> ASKED ── the goroutine looks, and yields ──> NONE
 *
 * The monitor asks without knowing whether anything waits: what waits for libuv only that thread could find out, and a turn every 10 ms
 * costs next to nothing. A request that comes when the step is just over is met in the next loop, and costs one turn; one that is
 * overwritten comes again.
 */
import { bytes, store } from '@goro/memory'
import { gosched } from './gopark.ts'
import { M, MAIN_M } from './m.ts'
import { self } from './sched.ts'

/** As `M.preempt`: not ASKED. */
const NONE = 0

const NAME = '_goro_preempt'

/**
 * Gives the compiler's checks what they look at: `globalThis._goro_preempt`, whose first element is not 0 while this thread is asked. It does
 * not change as long as this M runs, so V8 takes it for a constant. The main thread has it too, and is never asked: to look for what is
 * not there would take longer.
 */
export function offerPreemption(): void {
  // The main thread of one runtime may be an M of another.
  if (self.id === MAIN_M && NAME in globalThis) return
  const request = Object.assign(bytes(self.m + M.preempt, 1), { yield: yieldTurn })
  Object.defineProperty(globalThis, NAME, { value: request, configurable: true })
}

function yieldTurn(): Promise<void> {
  store(self.m + M.preempt, NONE)
  return gosched()
}
