/**
 * The entry of an M's thread: one long task of the Piscina pool, which lasts until the runtime stops.
 */
import type { MessagePort } from 'node:worker_threads'
import workerThreads, { BroadcastChannel, receiveMessageOnPort, threadId } from 'node:worker_threads'
import { cas, checkRanks, type Region, read, readF64, write } from '@goro/memory'
import { startAudit } from './audit.ts'
import { dyingIn } from './autopsy.ts'
import { describeCode } from './code.ts'
import { connect, whenPorter } from './control.ts'
import { reportUnawaited } from './deliver.ts'
import { G } from './g.ts'
import { useGoid } from './gopark.ts'
import { Goroutine, goroutineOf, useNames, whenUnawaited } from './goroutine.ts'
import { forbidCopiesBy, useDefinitions } from './handle.ts'
import { currentGoid, mayLook, tracksGoroutines } from './local.ts'
import { M, M_RUNNING, M_STARTING } from './m.ts'
import { usePorter } from './moved.ts'
import { nextTick, osThreadId, setImmediate } from './native.ts'
import { noteOwnPorts } from './netpoll.ts'
import { watchOutput } from './output.ts'
import { offerPreemption } from './preempt.ts'
import { hold, joinRegion, self, unhold } from './sched.ts'
import { schedule } from './schedule.ts'
import { catchUp, joinGroup } from './shared.ts'

export { reports } from './report.ts'

/** What an M is told at its start. */
export interface MachineTask {
  readonly buffer: Region
  /** Its M. */
  readonly id: number
  /** The goroutine that it is for, and for no other; 0 if it is for all. */
  readonly g: number
  /** Its end of the control line. */
  readonly port: MessagePort
  /** Name of the channel of all threads to all. */
  readonly group: string
  /** Where the classes of handles are defined: a URL. */
  readonly handles: string
  /** Whether what is printed goes to the process's own descriptors at once. */
  readonly printsAtOnce: boolean
  /** `GORODEBUG`. */
  readonly debug: ReadonlyMap<string, string>
}

export default async function machine(task: MachineTask): Promise<void> {
  const { buffer, id, g, port, group, handles, printsAtOnce, debug } = task
  joinRegion(buffer, id)
  useDefinitions(handles)
  forbidCopiesBy((workerThreads as { markAsUncloneable?: (object: object) => void }).markAsUncloneable)
  useGoid(runningGoid)
  useNames((code) => describeCode(code).name)
  whenPorter((line) => usePorter(line, () => line && receiveMessageOnPort(line)?.message))
  connect(port, () => receiveMessageOnPort(port)?.message)
  const channel = new BroadcastChannel(group)
  joinGroup(channel, () => receiveMessageOnPort(channel as unknown as MessagePort)?.message)
  await catchUp()
  process.on('unhandledRejection', onUnhandledRejection)
  whenUnawaited(holdUntilReported)
  watchOutput(printsAtOnce)
  offerPreemption()
  // Another thread has its processor by now, if this one was given up before it got here.
  if (cas(self.m + M.status, M_STARTING, M_RUNNING) !== M_STARTING) return
  write(self.m + M.threadId, threadId)
  write(self.m + M.osThreadId, osThreadId())
  self.procs.arrive()
  noteOwnPorts()
  if (debug.has('audit')) startAudit()
  const dieInLock = debug.get('dieinlock')
  checkRanks(debug.has('locks'), dieInLock === undefined ? undefined : dyingIn(dieInLock))
  await schedule(g).catch(die)
  process.off('unhandledRejection', onUnhandledRejection)
  self.slab.flush()
}

/** The goroutine whose first step is running, or that which goes on now, if that is known. */
function runningGoid(): number {
  const g = read(self.m + M.curg)
  if (g !== 0) return readF64(g + G.goid) | 0
  return tracksGoroutines && mayLook() ? currentGoid() | 0 : 0
}

/**
 * The loop itself has failed, which only a mistake in it can do. A thread that lived on without it would be taken for dead, and its
 * goroutines would end twice; so it does die, and is buried when it has.
 */
function die(error: unknown): Promise<never> {
  nextTick(() => {
    setImmediate(() => process.exit(1))
    throw error
  })
  return new Promise(() => {})
}

/**
 * A goroutine's failure is reported at the end of this turn, if nobody has awaited it by then. Until then it counts as one
 * on its way home: without that, the process could end in between.
 */
function holdUntilReported(): void {
  hold()
  setImmediate(unhold)
}

/**
 * A rejection that nobody handles is fatal by Node's rules, but to the process, not to the one thread on which it happened:
 * the main thread raises it.
 */
function onUnhandledRejection(reason: unknown, promise: Promise<unknown>): void {
  const goroutine = goroutineOf(promise)
  if (goroutine === undefined) reportUnawaited(reason, 0, 0)
  else reportUnawaited(reason, goroutine.id, Goroutine.codeOf(goroutine))
}
