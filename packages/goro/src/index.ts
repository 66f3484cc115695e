export {
  CaptureError,
  ChannelClosedError,
  DeadlockError,
  OutOfMemoryError,
  RuntimeClosedError,
  SyncError,
  ThreadDiedError,
} from '@goro/runtime'
export { type Go, type GoOptions, type Goroutine, go, type Transferable } from './go.ts'
export * as runtime from './runtime.ts'
