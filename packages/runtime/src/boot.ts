/**
 * Starting and stopping. There is no start call: the first use starts the runtime, on the thread that makes it, which is the
 * main thread from then on. There is no stop call either: the threads do not hold the process open.
 */
import { writeSync } from 'node:fs'
import {
  checkRanks,
  DEFAULT_REGION_BYTES,
  MAX_REGION_BYTES,
  MIN_REGION_BYTES,
  read,
  store,
  whenWaitingLong,
} from '@goro/memory'
import { formatAudit } from './audit.ts'
import { describeCode } from './code.ts'
import { formatGoroutines, goroutines, MAIN_GOID, reportDeadlock } from './dump.ts'
import { debugFromEnv, gomaxprocsFromEnv } from './env.ts'
import { RuntimeClosedError } from './errors.ts'
import { useGoid } from './gopark.ts'
import { useNames, whenUnawaited } from './goroutine.ts'
import { MAIN_M, MAX_THREADS, SYSMON_M } from './m.ts'
import { holdOpen, startDriver, untilQuiet, whenTicking } from './netpoll.ts'
import { MAX_PROCS } from './p.ts'
import { installPanic, noteUnawaited } from './panic.ts'
import { offerPreemption } from './preempt.ts'
import { numCPU, parseProcs } from './procs.ts'
import { CLOSING, create, gomaxprocs, isJoined, leave, SCHED, Sched, STOPPED, self } from './sched.ts'
import { startWith, whenPinned } from './spawn.ts'
import { startPinned, startSysmon, startThreads, startWanted, stopThreads } from './threads.ts'
import { buryLock, buryThread, reportDeaths } from './undertaker.ts'
import { fitThreads, wakeM } from './wake.ts'

/** What `runtime.configure` takes; all of it before the first use. */
export interface RuntimeOptions {
  /** Processors: how many threads run goroutines at once. Default: `GOMAXPROCS`, else the CPUs this process may use. */
  readonly maxProcs?: number
  /** Threads there may be at once. Default: four times the processors and at least 64. */
  readonly maxThreads?: number
  /** Bytes of shared memory to reserve; they are committed only as they are used. Default: 4 GiB. */
  readonly memory?: number
  /** Node options for the threads, as for `new Worker`. Default: those of this process. */
  readonly execArgv?: readonly string[]
  /** Environment of the threads, as for `new Worker`. Default: a copy of this process'. */
  readonly env?: NodeJS.ProcessEnv
  /**
   * Heap limits of each thread, in MB, as for `new Worker`. With `maxYoungGenerationSizeMb: 8` or so beside `maxOldGenerationSizeMb` a thread
   * whose heap is full dies alone; if much more becomes old at once, V8 ends the process.
   */
  readonly resourceLimits?: import('node:worker_threads').ResourceLimits
}

const OPTION_NAMES = ['maxProcs', 'maxThreads', 'memory', 'execArgv', 'env', 'resourceLimits'] as const

/** But for the main thread and the monitor. */
const MOST_THREADS = MAX_THREADS - 2

let options: RuntimeOptions = {}
let stopped: Promise<void> | undefined

/**
 * Sets options before the first use; a later call adds to an earlier one.
 *
 * @throws Error if the runtime has started; TypeError or RangeError for a bad option, which it names.
 */
export function configure(given: RuntimeOptions): void {
  if (isJoined()) {
    throw new Error('runtime.configure: the runtime has started; call it before the first go(), chan() or other use')
  }
  if (typeof given !== 'object' || given === null) {
    throw new TypeError(`runtime.configure: takes an object of options, not ${String(given)}`)
  }
  for (const name of Object.keys(given)) {
    if (!(OPTION_NAMES as readonly string[]).includes(name)) {
      throw new TypeError(`runtime.configure: no option ${name}; there are ${OPTION_NAMES.join(', ')}`)
    }
  }
  if (given.maxProcs !== undefined) checkCount('maxProcs', given.maxProcs, 1, MAX_PROCS)
  if (given.maxThreads !== undefined) checkCount('maxThreads', given.maxThreads, 1, MOST_THREADS)
  if (given.memory !== undefined) checkCount('memory', given.memory, MIN_REGION_BYTES, MAX_REGION_BYTES)
  if (given.execArgv !== undefined && !isStringArray(given.execArgv)) {
    throw new TypeError('runtime.configure: execArgv takes an array of strings, such as ["--stack-size=2000"]')
  }
  for (const name of ['env', 'resourceLimits'] as const) {
    const value = given[name]
    if (value !== undefined && (typeof value !== 'object' || value === null)) {
      throw new TypeError(`runtime.configure: ${name} takes an object, not ${String(value)}`)
    }
  }
  options = { ...options, ...given }
}

function checkCount(name: string, value: unknown, least: number, most: number): void {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(
      `runtime.configure: ${name} takes a whole number from ${least} to ${most}, not ${String(value)}`,
    )
  }
}

function isStringArray(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

/** Starts the runtime, with this thread as its main thread. */
export function boot(): void {
  if (stopped !== undefined) throw new RuntimeClosedError(CLOSED)
  const debug = debugFromEnv()
  const asks = askedProcs()
  const procs = asks ?? availableProcs()
  const most = Math.min(options.maxThreads ?? Math.max(64, procs * 4), MOST_THREADS)
  const asked = options.memory
  const buffer = create(asked ?? DEFAULT_REGION_BYTES, asked !== undefined, procs, asks === undefined, most)
  try {
    startThreads(buffer, gomaxprocs(), { ...options, maxThreads: most, debug }, buryThread)
  } catch (error) {
    // Node refuses an option of the threads: nothing has started, and a corrected configure may follow.
    leave()
    throw error
  }
  checkRanks(debug.has('locks'))
  whenWaitingLong(buryLock)
  if (debug.has('deaths')) reportDeaths()
  if (debug.has('audit')) process.on('exit', () => void writeSync(2, formatAudit()))
  useNames(nameOf)
  whenUnawaited(noteUnawaited)
  whenTicking(startThreadsWanted)
  whenPinned(startPinned)
  installPanic()
  offerPreemption()
  useGoid(() => MAIN_GOID)
  startDriver(reportDeadlock)
  if (process.platform !== 'win32') process.on('SIGUSR2', dumpOnSignal)
}

function startMonitor(): void {
  const debug = debugFromEnv()
  const schedtrace = milliseconds(debug.get('schedtrace'))
  startSysmon({ schedtrace, scheddetail: debug.has('scheddetail'), sysroot: sysroot() }, () => {
    isWatched = false
  })
}

/** Whether there is a monitor, as far as is known. */
let isWatched = true

/** @throws RangeError for what is no positive number. */
function milliseconds(text: string | undefined): number {
  if (text === undefined) return 0
  const ms = Number(text)
  if (ms > 0) return ms
  throw new RangeError(`GORODEBUG: schedtrace=${text}: takes milliseconds between two lines, such as schedtrace=1000`)
}

/** The monitor prints it, as it does while this thread is blocked: so it is printed once. */
function dumpOnSignal(): void {
  if (!isWatched) return void writeSync(2, `${formatGoroutines(goroutines())}\n`)
  store(SCHED + Sched.signals, read(SCHED + Sched.signals) + 1)
  wakeM(SYSMON_M)
}

const CLOSED = 'the runtime was shut down; nothing can be started after runtime.shutdown()'

startWith(boot, startMonitor)

export { ensureJoined as ensureStarted } from './spawn.ts'

function nameOf(code: number): string {
  return code === 0 ? '' : describeCode(code).name
}

/** How many processors there are to be, by the first of: `configure`, `GOMAXPROCS`, the CPUs this process may use. */
function processors(): number {
  return askedProcs() ?? availableProcs()
}

function askedProcs(): number | undefined {
  if (options.maxProcs !== undefined) return options.maxProcs
  const fromEnv = gomaxprocsFromEnv()
  return fromEnv === undefined ? undefined : parseProcs(fromEnv, 'GOMAXPROCS')
}

/** Where the system says what CPUs there are: for tests. */
const sysroot = (): string => debugFromEnv().get('sysroot') ?? '/'

function availableProcs(): number {
  return Math.min(numCPU(sysroot()), MAX_PROCS)
}

/** How many processors run goroutines: before the start, how many will. */
export function procs(): number {
  return isJoined() ? gomaxprocs() : processors()
}

/**
 * Changes how many processors run goroutines and returns how many there were. Threads for new ones are started by the main
 * thread; those that are too many hand on what is in their queues, and finish what they have started. There are never more
 * than `maxThreads`.
 *
 * @throws RangeError for anything but a whole number from 1 to 256.
 */
export function setGomaxprocs(n: number): number {
  const before = procs()
  if (typeof n !== 'number' || !Number.isInteger(n) || n < 1 || n > MAX_PROCS) {
    throw new RangeError(`runtime.gomaxprocs: takes a whole number from 1 to ${MAX_PROCS}, not ${String(n)}`)
  }
  if (!isJoined()) {
    options = { ...options, maxProcs: n }
  } else {
    self.procs.resize(n)
    fitThreads()
  }
  return before
}

function startThreadsWanted(): void {
  startWanted()
  startPinned()
}

/**
 * Waits until no goroutine is left, then stops all threads. From the call on the main thread starts nothing any more.
 *
 * @throws Error when called from a goroutine, which would wait for itself.
 */
export function shutdown(): Promise<void> {
  if (isJoined() && self.id !== MAIN_M) {
    return Promise.reject(
      new Error('runtime.shutdown: called from a goroutine, which it would wait for; call it on the main thread'),
    )
  }
  stopped ??= stop()
  return stopped
}

async function stop(): Promise<void> {
  if (!isJoined()) return
  store(SCHED + Sched.stopping, CLOSING)
  await untilQuiet()
  store(SCHED + Sched.stopping, STOPPED)
  for (let id = 1; id < self.procs.threads; id++) wakeM(id)
  self.procs.interruptAll()
  wakeM(SYSMON_M)
  await holdOpen(stopThreads())
}
