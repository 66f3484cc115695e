/** Watching the runtime from outside: a snapshot of what the shared structs say. Not one moment's: it is read while it runs. */
import { G_CLASS, load, RunQueueStealer } from '@goro/memory'
import { G, IDLE, RUNNABLE, RUNNING, WAITING } from './g.ts'
import { M, M_DEAD, M_FREE, M_STATUS_NAMES } from './m.ts'
import { MAIN_P, P, P_STATUS_NAMES, RUNQ_CAPACITY } from './p.ts'
import { gomaxprocs, liveGoroutines, mAt, pAt, SCHED, Sched, self } from './sched.ts'

/** One processor, as `runtime.stats()` shows it. */
export interface ProcessorStats {
  /** Its number. */
  readonly id: number
  readonly status: (typeof P_STATUS_NAMES)[number]
  /** Number of the thread that has it. */
  readonly thread: number
  /** Goroutines in its run queue. */
  readonly queue: number
  /** Goroutines it has started. */
  readonly ticks: number
  /** Goroutines it has stolen from others' queues. */
  readonly steals: number
}

/** One thread that runs goroutines, as `runtime.stats()` shows it. */
export interface ThreadStats {
  /** Its number in the runtime. */
  readonly id: number
  /** Node's `threadId`. */
  readonly threadId: number
  readonly state: (typeof M_STATUS_NAMES)[number]
  /** Number of its processor. */
  readonly processor: number
  /** Started goroutines that wait for a promise. */
  readonly waiting: number
  /** Times it went to sleep. */
  readonly sleeps: number
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
  /** Shared memory, in bytes: reserved, in use, and the part in use by goroutines themselves. */
  readonly memory: { readonly reserved: number; readonly used: number; readonly goroutines: number }
}

/** The snapshot. Walks all goroutines: with a million of them it takes a few milliseconds. */
export function stats(): RuntimeStats {
  const processors: ProcessorStats[] = []
  for (let id = 0; id < load(SCHED + Sched.allp); id++) {
    const p = pAt(id)
    processors.push({
      id,
      status: P_STATUS_NAMES[load(p + P.status)]!,
      thread: load(p + P.m),
      queue: queueLength(id),
      ticks: load(p + P.schedtick) >>> 0,
      steals: load(p + P.steals) >>> 0,
    })
  }
  const threads: ThreadStats[] = []
  for (let id = 1; id < load(SCHED + Sched.threads); id++) {
    const m = mAt(id)
    const status = load(m + M.status)
    if (status === M_FREE || status === M_DEAD) continue
    threads.push({
      id,
      threadId: load(m + M.threadId),
      state: M_STATUS_NAMES[status]!,
      processor: load(m + M.p),
      waiting: load(m + M.waiting),
      sleeps: load(m + M.sleeps) >>> 0,
    })
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
    mainQueue: queueLength(MAIN_P),
    idle: self.idle.idle,
    spinning: self.idle.spinning,
    goroutines: {
      total: liveGoroutines(),
      runnable: byStatus[RUNNABLE]!,
      running: byStatus[RUNNING]!,
      waiting: byStatus[WAITING]!,
    },
    memory: self.slab.usage(),
  }
}

function queueLength(pid: number): number {
  return new RunQueueStealer(pAt(pid) + P.runq, RUNQ_CAPACITY).length
}
