/**
 * The entry of the monitor's thread (sysmon.ts): the one long task of a Piscina pool of its own. It is built as one file of CommonJS that
 * has everything in it (.ci/build.mjs), so that it costs hardly more than the thread itself; what it may have to print comes, with the rest
 * of the runtime, when it is wanted.
 */
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { noteSignal, type SysmonTask, sysmon } from './sysmon.ts'

/** Node's own watcher of a signal. */
interface SignalWatcher {
  onsignal: () => void
  start(signal: number): number
}

export default function monitor(task: SysmonTask): Promise<void> {
  hearSignals()
  return sysmon(task, async () => {
    const { reports } = await import('./machine.js')
    return reports(task.buffer)
  })
}

/**
 * Node gives signals to the main thread alone, whose event loop may stand still. libuv gives them to every event loop that asks, and this
 * thread runs with `--expose-internals`, by which one can. A Node that has no such thing any more leaves it to the main thread.
 */
function hearSignals(): void {
  const { SIGUSR2 } = constants.signals as { SIGUSR2?: number }
  const Watcher = watcherOfSignals()
  if (SIGUSR2 === undefined || Watcher === undefined) return
  const watcher = new Watcher()
  watcher.onsignal = noteSignal
  watcher.start(SIGUSR2)
}

function watcherOfSignals(): (new () => SignalWatcher) | undefined {
  const require = createRequire(process.execPath)
  try {
    return require('internal/test/binding').internalBinding('signal_wrap').Signal
  } catch {
    return undefined
  }
}
