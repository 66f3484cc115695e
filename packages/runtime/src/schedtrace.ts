/**
 * The scheduler's trace in Go's own line format (`schedtrace`, `runtime/proc.go`): `GORODEBUG=schedtrace=MS[,scheddetail=1]`. The
 * monitor prints it, so it comes also while the main thread is blocked. Fields that stand for something this runtime does not have
 * are there with the value that means nothing, for whatever reads Go's lines.
 */
import { load, read, readF64 } from '@goro/memory'
import { type RuntimeStats, stats } from './debug.ts'
import { goroutines } from './dump.ts'
import { G } from './g.ts'
import { M } from './m.ts'
import { mAt } from './sched.ts'

/** Go's numbers of the states of a P and of a G. */
const P_STATUS = { idle: 0, busy: 1 } as const
const G_STATUS = { runnable: 1, running: 2, waiting: 4 } as const

const ASLEEP: readonly string[] = ['sleeping', 'spare']

/** The lines for this moment, `ms` milliseconds after the start. */
export function formatTrace(ms: number, detailed: boolean): string {
  const now = stats()
  const { gomaxprocs, idle, spinning, globalQueue, mainQueue, processors, threads } = now
  const asleep = threads.filter(({ state }) => ASLEEP.includes(state)).length
  const heading =
    `SCHED ${Math.round(ms)}ms: gomaxprocs=${gomaxprocs} idleprocs=${idle} threads=${threads.length} ` +
    `spinningthreads=${spinning} needspinning=0 idlethreads=${asleep} runqueue=${globalQueue + mainQueue}`
  if (detailed) return `${heading} gcwaiting=false nmidlelocked=0 stopwait=0 sysmonwait=false\n${details(now)}`
  const list = (numbers: readonly number[]) => `[ ${numbers.map((n) => `${n} `).join('')}]`
  const queues = list(processors.map(({ queue }) => queue))
  return `${heading} ${queues} schedticks=${list(processors.map(({ ticks }) => ticks))}\n`
}

function details({ processors, threads }: RuntimeStats): string {
  const lines: string[] = []
  for (const { id, status, ticks, thread, queue } of processors) {
    lines.push(
      `  P${id}: status=${P_STATUS[status]} schedtick=${ticks} syscalltick=0 m=${thread === 0 ? 'nil' : thread} ` +
        `runqsize=${queue} gfreecnt=0 timerslen=0`,
    )
  }
  for (const { id, processor, state } of threads) {
    const g = read(mAt(id) + M.curg)
    const goid = g === 0 ? 'nil' : readF64(g + G.goid)
    const isLocked = load(mAt(id) + M.locked) > 0
    lines.push(
      `  M${id}: p=${processor < 0 ? 'nil' : processor} curg=${goid} mallocing=0 throwing=0 preemptoff= locks=0 dying=0 ` +
        `spinning=${state === 'spinning'} blocked=${ASLEEP.includes(state)} lockedg=${isLocked ? goid : 'nil'}`,
    )
  }
  for (const { id, state, waitReason } of goroutines()) {
    lines.push(`  G${id}: status=${G_STATUS[state]}(${waitReason ?? ''}) m=nil lockedm=nil`)
  }
  return lines.map((line) => `${line}\n`).join('')
}
