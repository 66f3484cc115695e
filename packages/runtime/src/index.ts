export {
  configure,
  ensureStarted,
  procs,
  type RuntimeOptions,
  setGomaxprocs,
  shutdown,
} from './boot.ts'
export { ownModule } from './code.ts'
export { type ProcessorStats, type RuntimeStats, stats, type ThreadStats } from './debug.ts'
export * from './errors.ts'
export { Goroutine } from './goroutine.ts'
export { numCPU } from './procs.ts'
export { isJoined, liveGoroutines } from './sched.ts'
export { type GoOptions, newproc, type Transferable } from './spawn.ts'
export { threadCount } from './threads.ts'
