import { definedAt } from '@goro/runtime'

export {
  CaptureError,
  ChannelClosedError,
  DataCloneError,
  DeadlockError,
  OutOfMemoryError,
  RuntimeClosedError,
  SyncError,
  ThreadDiedError,
} from '@goro/runtime'
export { Chan, chan, type RecvChan, type SendChan } from './chan.ts'
export type { Context } from './context.ts'
export * as context from './context.ts'
export { type Go, type GoOptions, type Goroutine, go, type Transferable } from './go.ts'
export { type Pin, type Pinned, pin, type Remote } from './pin.ts'
export * as runtime from './runtime.ts'
export { type RecvCase, recv, type SelectCase, type SelectHit, type SendCase, select, send } from './select.ts'
export { AtomicBool, AtomicInt32, AtomicInt64 } from './sync/atomic.ts'
export { Cond } from './sync/cond.ts'
export { SyncMap } from './sync/map.ts'
export { type Guard, Mutex } from './sync/mutex.ts'
export { Once } from './sync/once.ts'
export { RWMutex } from './sync/rwmutex.ts'
export { Semaphore } from './sync/semaphore.ts'
export { WaitGroup } from './sync/wait-group.ts'
export { after, sleep, Ticker, Timer } from './time.ts'

// The classes of handles are here, for threads that have not imported this themselves.
definedAt(import.meta.url)
