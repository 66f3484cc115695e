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
  closeWithThread,
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
  whenClosed,
} from './channel.ts'
export { ChanTimer, newTimeChan, sleep } from './clock.ts'
export { type ModuleTable, ship } from './compiled.ts'
export { type ProcessorStats, type RuntimeStats, stats, type ThreadStats } from './debug.ts'
export { formatGoroutines, type GoroutineInfo, goroutines } from './dump.ts'
export * from './errors.ts'
export { gosched } from './gopark.ts'
export { Goroutine } from './goroutine.ts'
export { addressOf, definedAt, defineHandle, Handle, handleAt, KIND } from './handle.ts'
export { blocking } from './handoff.ts'
export { currentContext } from './local.ts'
export { ownModule } from './location.ts'
export {
  freeMap,
  mapCompareAndSwap,
  mapDelete,
  mapEntries,
  mapGet,
  mapGetOrSet,
  mapHas,
  mapSet,
  mapSize,
  newMap,
} from './map.ts'
export { goexit, lockOSThread, unlockOSThread } from './osthread.ts'
export { pin, pinProxy, pinTransfer } from './pin.ts'
export { numCPU } from './procs.ts'
export { freeRecord, newRecord, recordOf } from './record.ts'
export { isJoined, liveGoroutines } from './sched.ts'
export { type GoOptions, newproc, type Transferable, useContexts } from './spawn.ts'
export * from './sync.ts'
export { threadCount } from './threads.ts'
export { startTimer, stopTimer, TimerEntry } from './timers.ts'
export { handleAddress, handleKind } from './value.ts'
