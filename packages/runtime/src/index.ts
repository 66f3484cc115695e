export {
  configure,
  ensureStarted,
  procs,
  type RuntimeOptions,
  setGomaxprocs,
  shutdown,
} from './boot.ts'
export { chanCapacity, chanClosed, chanLength } from './chan.ts'
export {
  type Case,
  close,
  freeChan,
  type Hit,
  newChan,
  next,
  reasonOf,
  recv,
  selectCase,
  send,
  tryCase,
  tryRecv,
  trySend,
} from './channel.ts'
export { ownModule } from './code.ts'
export { type ProcessorStats, type RuntimeStats, stats, type ThreadStats } from './debug.ts'
export * from './errors.ts'
export { Goroutine } from './goroutine.ts'
export { addressOf, definedAt, defineHandle, Handle, KIND } from './handle.ts'
export { numCPU } from './procs.ts'
export { isJoined, liveGoroutines } from './sched.ts'
export { type GoOptions, newproc, type Transferable } from './spawn.ts'
export { threadCount } from './threads.ts'
export { handleKind } from './value.ts'
