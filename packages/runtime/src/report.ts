/** What the monitor has to say. */
import type { Region } from '@goro/memory'
import { formatGoroutines, goroutines } from './dump.ts'
import { SYSMON_M } from './m.ts'
import { joinRegion } from './sched.ts'
import { formatTrace } from './schedtrace.ts'

export interface Reports {
  formatTrace(ms: number, detailed: boolean): string
  /** What every goroutine does. */
  formatDump(): string
}

/** For the monitor's thread. It has its modules twice then: the few that it was built of, and these, which join the runtime in its name too. */
export function reports(buffer: Region): Reports {
  joinRegion(buffer, SYSMON_M)
  return { formatTrace, formatDump: () => formatGoroutines(goroutines()) }
}
