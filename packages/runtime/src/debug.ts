/** Watching the runtime from outside: a snapshot of what the shared structs say. Not one moment's: it is read while it runs. */
import { G_CLASS, load, NONE } from '@goro/memory'
import { G, IDLE, RUNNABLE, RUNNING, WAITING } from './g.ts'
import { isGone, M, M_STATUS_NAMES } from './m.ts'
import { MAIN_P, P, P_STATUS_NAMES } from './p.ts'
import { gomaxprocs, liveGoroutines, mAt, pAt, self, victim } from './sched.ts'

/** One processor, as `runtime.stats()` shows it. */
export interface ProcessorStats {
  /** Its number: from 0, in the order of the threads that have one. */
  readonly id: number
  readonly status: 'busy' | 'idle'
  /** Number of the thread that has it; 0 if none does. */
  readonly thread: number
  /** Goroutines in that thread's run queue. */
  readonly queue: number
  /** Goroutines that thread has started. */
  readonly ticks: number
  /** Goroutines that thread has stolen from others' queues. */
  readonly steals: number
}

/** One thread that runs goroutines, as `runtime.stats()` shows it. */
export interface ThreadStats {
  /** Its number in the runtime. */
  readonly id: number
  /** Node's `threadId`; 0 until it has started. */
  readonly threadId: number
  readonly state: (typeof M_STATUS_NAMES)[number]
  /** Number of its processor; -1 if it has none. */
  readonly processor: number
  /** Goroutines that it has started, and of these those from others' queues. They only grow; a processor's change with its thread. */
  readonly ticks: number
  readonly steals: number
  /** Started goroutines that wait for a promise. */
  readonly waiting: number
  /** Times it went to sleep. */
  readonly sleeps: number
  /**
   * How often another thread was quicker: it had to try again for a goroutine, a message or a lock, each time that a compare-and-swap has failed. As
   * of when it last went to sleep.
   */
  readonly casFailures: number
}

/** What `runtime.stats()` returns: a snapshot. */
export interface RuntimeStats {
  readonly gomaxprocs: number
  readonly processors: readonly ProcessorStats[]
  readonly threads: readonly ThreadStats[]
  /** Goroutines in the global queue, and in the main thread's. */
  readonly globalQueue: number
  readonly mainQueue: number
  /** Idle processors, and threads that look for work. */
  readonly idle: number
  readonly spinning: number
  /** Goroutines by state; `total` is all that are not finished. */
  readonly goroutines: {
    readonly total: number
    readonly runnable: number
    readonly running: number
    readonly waiting: number
  }
  /** How often a processor was taken from a thread in the middle of a step, because work waited. */
  readonly overtaken: number
  /** What keeps the runtime from doing better, if anything does: that there are as many threads as there may be. */
  readonly message: string | undefined
  /** Shared memory, in bytes: reserved, in use, and the part in use by goroutines themselves. */
  readonly memory: { readonly reserved: number; readonly used: number; readonly goroutines: number }
}

/** The snapshot. Walks all goroutines: with a million of them it takes a few milliseconds. */
export function stats(): RuntimeStats {
  const processors: ProcessorStats[] = []
  const threads: ThreadStats[] = []
  const states = self.procs.states()
  for (let id = 1; id < states.length; id++) {
    const m = mAt(id)
    const state = states[id]!
    const status = load(m + M.status)
    const processor = state === NONE ? -1 : processors.length
    if (processor >= 0) processors.push(processorOf(processor, P_STATUS_NAMES[state]!, id))
    if (isGone(status)) continue
    threads.push({
      id,
      threadId: load(m + M.threadId),
      state: M_STATUS_NAMES[status]!,
      processor,
      ticks: load(pAt(id) + P.schedtick) >>> 0,
      steals: load(pAt(id) + P.steals) >>> 0,
      waiting: load(m + M.waiting),
      sleeps: load(m + M.sleeps) >>> 0,
      casFailures: load(m + M.races) >>> 0,
    })
  }
  // Those on their way to a thread, and those that none has.
  while (processors.length < gomaxprocs()) {
    processors.push({ id: processors.length, status: 'idle', thread: 0, queue: 0, ticks: 0, steals: 0 })
  }
  const byStatus = new Array<number>(8).fill(0)
  self.slab.walk(G_CLASS, (g) => {
    byStatus[load(g + G.status)]!++
  })
  byStatus[IDLE] = 0
  return {
    gomaxprocs: gomaxprocs(),
    processors,
    threads,
    globalQueue: self.global.size,
    mainQueue: victim(MAIN_P).length,
    idle: self.idle.idle,
    spinning: self.idle.spinning,
    goroutines: {
      total: liveGoroutines(),
      runnable: byStatus[RUNNABLE]!,
      running: byStatus[RUNNING]!,
      waiting: byStatus[WAITING]!,
    },
    overtaken: self.procs.overtaken,
    message: self.procs.isExhausted
      ? `maxThreads (${self.procs.maxThreads}) reached: processors wait for a thread that comes back from blocking code, or that nobody has locked`
      : undefined,
    memory: self.slab.usage(),
  }
}

function processorOf(id: number, status: 'busy' | 'idle', thread: number): ProcessorStats {
  const p = pAt(thread)
  return {
    id,
    status,
    thread,
    queue: victim(thread).length,
    ticks: load(p + P.schedtick) >>> 0,
    steals: load(p + P.steals) >>> 0,
  }
}
