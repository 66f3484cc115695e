/**
 * The threads. Piscina owns them: an M is one long task of its pool, for each P one. This file starts them and finds a new
 * one for a P whose thread died.
 *
 * What has to be known of Piscina (5.3): the workers it makes when the pool is constructed get their task at once, without a
 * round trip, so a main thread that blocks right after the first `go` does not hold them up; a task that runs holds the
 * process open by its port, which is undone here (`release`), since goroutines do that while there are any (netpoll.ts). A task
 * that comes later waits until a worker is ready; one that fails before that fails no task, but tells the pool's listeners.
 *
 * The first goroutine waits for the first thread, and Node takes 15 to 20 ms to make one. So that is started before all else, and Piscina
 * loaded while Node is at it: it is given that worker where it would make its first (`newPool`).
 */
import { createRequire } from 'node:module'
import workerThreads, {
  BroadcastChannel,
  isMainThread,
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
} from 'node:worker_threads'
import { cas, inbox, notify, type Region, read, store, write } from '@goro/memory'
import type { Piscina } from 'piscina'
import { serve, tellPorter, whenPorterWanted } from './control.ts'
import { G } from './g.ts'
import { forbidCopiesBy, handleDefinitions } from './handle.ts'
import { isGone, M, M_DEAD, M_FREE, M_STARTING, MAIN_M, SYSMON_M } from './m.ts'
import type { MachineTask } from './machine.ts'
import { usePorter } from './moved.ts'
import { queueMicrotask } from './native.ts'
import type { PorterTask } from './porter.ts'
import type { PorterLine } from './porterage.ts'
import { isStopping, mAt, self } from './sched.ts'
import { joinGroup } from './shared.ts'
import type { SysmonTask } from './sysmon.ts'
import { wakep } from './wake.ts'

export interface ThreadOptions {
  /** `GORODEBUG`. */
  readonly debug: ReadonlyMap<string, string>
  readonly maxThreads: number
  readonly execArgv?: readonly string[] | undefined
  readonly env?: NodeJS.ProcessEnv | undefined
  readonly resourceLimits?: import('node:worker_threads').ResourceLimits | undefined
}

/** How long a spare thread is kept before it is retired, in milliseconds. */
const IDLE_TIMEOUT_MS = 10_000

/**
 * Not if the program itself runs on a Worker: whoever made that may read its output. Nor on Windows, where what the main thread prints
 * may still be under way.
 */
const PRINTS_AT_ONCE = isMainThread && process.platform !== 'win32'

let pool: Piscina
let monitors: Piscina
let groupName: string
let debug: ReadonlyMap<string, string>
let buffer: Region
let onDeath: (id: number, cause: unknown) => void

/** The part of Piscina's worker that is needed to let the process end while a task runs. */
interface PoolWorker {
  unref(): void
}

/** The main thread's ends of the control lines of the Ms that are not gone. */
const lines = new Map<number, MessagePort>()

/** The Ms whose task may wait for a worker, in the order of their start, and how to take the task back. */
const queued = new Map<number, AbortController>()

/** Every worker of the pool, in the order of creation. */
const workers = new Set<PoolWorker>()

/** Starts the pool with a thread for each of `procs` Ps. `died` is called when a thread is gone before it was told to stop. */
export function startThreads(
  region: Region,
  procs: number,
  options: ThreadOptions,
  died: (id: number, cause: unknown) => void,
): void {
  buffer = region
  onDeath = died
  debug = options.debug
  const workerOptions = {
    // Says what thread it is to what Node loads there before us (packages/compiler/src/register.ts).
    workerData: 'goroutines',
    ...execArgvOf(options),
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.resourceLimits === undefined ? {} : { resourceLimits: options.resourceLimits }),
  }
  const first = new workerThreads.Worker(new URL('./worker.cjs', import.meta.url), workerOptions)
  forbidCopiesBy((workerThreads as { markAsUncloneable?: (object: object) => void }).markAsUncloneable)
  groupName = `goro ${Math.random()} ${performance.timeOrigin}`
  const group = new BroadcastChannel(groupName)
  joinGroup(group, () => receiveMessageOnPort(group as unknown as MessagePort)?.message)
  const poolOptions = {
    filename: new URL('./thread.cjs', import.meta.url).href,
    minThreads: procs,
    maxThreads: options.maxThreads,
    idleTimeout: IDLE_TIMEOUT_MS,
    // The M sleeps by itself; in Piscina's own sleep what a goroutine left behind would freeze.
    atomics: 'disabled' as const,
    recordTiming: false,
    ...workerOptions,
  }
  whenPorterWanted(startPorter)
  pool = newPool(poolOptions, first)
  pool.on('error', (cause: unknown) => {
    // A worker that failed before it got a task: one of the Ms that wait for a worker has none now.
    for (const [id, task] of queued) {
      queued.delete(id)
      // One of two says what becomes of it: this, or the thread that is on its way after all (machine.ts).
      if (cas(mAt(id) + M.status, M_STARTING, M_DEAD) !== M_STARTING) continue
      task.abort()
      return gone(id, cause)
    }
  })
  noteWorkersOf(pool)
  startWanted()
  queued.clear()
  // From here on a worker that is lost is replaced by `startM`, and by nobody else: one that can't start would be for ever.
  ;(pool.options as { minThreads: number }).minThreads = 0
}

/**
 * Piscina is loaded when the first threads are started: a program that has imported this and starts none is not to wait for it. `first`, of
 * the same options, is the worker that the pool does not have to make.
 */
function newPool(options: ConstructorParameters<typeof Piscina>[0], first?: workerThreads.Worker): Piscina {
  const { Piscina: Pool } = createRequire(import.meta.url)('piscina') as typeof import('piscina')
  if (first === undefined) return new Pool(options)
  const node = workerThreads as { Worker: unknown }
  // Node's own, or what the program has put in its place.
  const { Worker } = node
  // Piscina asks Node for the class each time that it makes a worker.
  node.Worker = function takeFirst() {
    node.Worker = Worker
    return first
  }
  try {
    return new Pool(options)
  } catch (error) {
    void first.terminate()
    throw error
  } finally {
    node.Worker = Worker
  }
}

function noteWorkersOf(pool: Piscina): void {
  pool.on('workerCreate', (worker: object) => {
    workers.add(poolWorker(worker))
    release()
  })
  pool.on('workerDestroy', (worker: object) => workers.delete(poolWorker(worker)))
}

/**
 * The Node options of the threads. By default they have those of this process, which is Node's to see to; except that Node gives
 * them `--input-type` too, with which a thread that is no string of code does not start.
 */
function execArgvOf({ execArgv }: ThreadOptions): { execArgv?: string[] } {
  if (execArgv !== undefined) return { execArgv: [...execArgv] }
  const own = process.execArgv.filter((arg, i, all) => !/^--input-type/.test(arg) && all[i - 1] !== '--input-type')
  return own.length === process.execArgv.length ? {} : { execArgv: own }
}

/**
 * Starts a thread for each goroutine that is to have one of its own; as many as there may be. Others wait until one has ended: the threads
 * for all goroutines are left to those, unless there may be no others.
 */
export function startPinned(): void {
  const { pinned, procs, runq } = self
  while (pinned.size > 0 && !procs.isExhausted) {
    const id = openSlot()
    if (procs.mayStart(id)) startM(id, pinned.take())
    else openedInVain = id
  }
  if (procs.maxThreads > procs.count) return
  for (let g = pinned.take(); g !== 0; g = pinned.take()) {
    runq.put(g)
    wakep()
  }
}

/** Starts the threads that there are to be, each of which has a processor `reserved` for it (processors.ts). */
export function startWanted(): void {
  while (self.procs.hasToStart) {
    const id = openSlot()
    self.procs.takeToStart(id)
    startM(id)
  }
}

/** A slot that is open, for a thread that there was no room for; 0 if there is none. */
let openedInVain = 0

/** A slot for an M that is to be started, all in it as at the start of one; its status is for `Processors` to set. */
function openSlot(): number {
  const id = openedInVain || freeSlot()
  openedInVain = 0
  const m = mAt(id)
  inbox.open(m + M.inbox)
  write(m + M.ticket, 0)
  write(m + M.locked, 0)
  write(m + M.pins, 0)
  write(m + M.preempt, 0)
  write(m + M.curg, 0)
  write(m + M.waiting, 0)
  write(m + M.making, 0)
  write(m + M.step, 0)
  write(m + M.answers, isPorterLost ? -1 : 0)
  write(m + M.quiet, 0)
  return id
}

/** Starts the thread of M `id`: one for all goroutines, or for `g` alone, and then it gets a processor as any that has something to do. */
function startM(id: number, g = 0): void {
  if (g !== 0) write(g + G.m, id)
  const { port1, port2 } = new MessageChannel()
  serve(port1)
  lines.set(id, port1)
  introduce(id)
  const task: MachineTask = {
    buffer,
    id,
    g,
    port: port2,
    group: groupName,
    handles: handleDefinitions(),
    printsAtOnce: PRINTS_AT_ONCE,
    debug,
  }
  const taken = new AbortController()
  queued.set(id, taken)
  // The task of a thread ends when the thread does: by the runtime's stop, or by its death.
  pool.run(task, { transferList: [port2], signal: taken.signal }).then(
    () => gone(id, new Error('it was given up before it ran')),
    (cause: unknown) => gone(id, cause),
  )
  release()
}

/**
 * Starts the monitor, on a thread of its own kind: none of the user's options, nor of what is loaded ahead of goroutines. It is no M:
 * without it nothing is lost but its service, so if it dies there is none from then on, of which `died` is told.
 */
export function startSysmon(options: Omit<SysmonTask, 'buffer'>, died: () => void): void {
  const task: SysmonTask = { buffer, ...options }
  // To hear signals (monitor.ts), of which Node warns.
  monitors = startService('monitor', ['--expose-internals', '--no-warnings'], task, [], (cause) => {
    died()
    process.emitWarning(`goro: the monitor thread died: ${cause}`)
  })
}

/**
 * Starts a thread that is no M, `name`, whose file is built as one that needs nothing else; it is given `task`. If it dies, without having been told to,
 * `died` is called.
 */
function startService(
  name: string,
  execArgv: string[],
  task: object,
  transferList: MessagePort[],
  died: (cause: unknown) => void,
): Piscina {
  const service = newPool({
    filename: new URL(`./${name}.cjs`, import.meta.url).href,
    minThreads: 1,
    maxThreads: 1,
    atomics: 'disabled',
    recordTiming: false,
    workerData: name,
    execArgv,
    env: {},
  })
  // It is not started again, by Piscina: one that can't start would be for ever.
  ;(service.options as { minThreads: number }).minThreads = 0
  let isLost = false
  const lost = (cause: unknown) => {
    if (isLost || isStopping()) return
    isLost = true
    died(cause)
    void service.destroy()
  }
  service.on('error', lost)
  noteWorkersOf(service)
  service.run(task, { transferList }).catch(lost)
  release()
  return service
}

let porters: Piscina | undefined
/** Where the porter takes in new lines, once it is there. */
let reception: MessagePort | undefined
let isPorterLost = false

/**
 * Starts the porter (moved.ts), on a thread of its own kind, as the monitor's. If it dies what it holds is lost, and the goroutines which that
 * was for fail; there is none from then on.
 */
export function startPorter(): void {
  if (porters !== undefined || isStopping()) return
  const { port1, port2 } = new MessageChannel()
  const task: PorterTask = { buffer, reception: port2 }
  porters = startService('porter', [], task, [port2], (cause) => {
    isPorterLost = true
    reception = undefined
    usePorter(undefined)
    for (const id of lines.keys()) {
      introduce(id)
      // It may be blocked, and wait for an answer.
      store(mAt(id) + M.answers, -1)
      notify(mAt(id) + M.answers)
    }
    process.emitWarning(`goro: the thread that hands over what is transferred died: ${cause}; from now on it is copied`)
  })
  port1.once('message', () => {
    if (isPorterLost) return
    reception = port1
    usePorter(newPorterLine(MAIN_M))
    for (const id of lines.keys()) introduce(id)
  })
  port1.unref()
}

/** Gives M `id` its line to the porter, or tells it that the porter is gone; if there has not been one yet, neither. */
function introduce(id: number): void {
  const end = lines.get(id) as MessagePort
  if (isPorterLost) tellPorter(end, undefined)
  else if (reception !== undefined) tellPorter(end, newPorterLine(id))
}

/** M `id`'s end of a new line to the porter. */
function newPorterLine(id: number): MessagePort {
  const { port1, port2 } = new MessageChannel()
  const its: PorterLine = { port: port2, id }
  reception?.postMessage(its, [port2])
  return port1
}

/** The thread of M `id` is gone: because the runtime stops, or by accident. */
function gone(id: number, cause: unknown): void {
  const line = lines.get(id)
  if (line === undefined) return
  lines.delete(id)
  queued.delete(id)
  if (isStopping()) {
    line.close()
    store(mAt(id) + M.status, M_FREE)
  } else {
    // The line closes by itself when what the thread had sent has been received.
    onDeath(id, cause)
  }
}

/** Stops all threads. Their loops have been told to end. */
export async function stopThreads(): Promise<void> {
  await Promise.all([pool.close(), monitors.close(), porters?.destroy()])
}

/** Lets the process end although tasks run. Piscina refs a worker's port at each task; this comes after it. */
function release(): void {
  queueMicrotask(() => {
    for (const worker of workers) worker.unref()
  })
}

function poolWorker(worker: object): PoolWorker {
  for (const symbol of Object.getOwnPropertySymbols(worker)) {
    const inner = (worker as Record<symbol, unknown>)[symbol]
    if (typeof (inner as PoolWorker | undefined)?.unref === 'function') return inner as PoolWorker
  }
  throw new Error('goro: this version of Piscina does not show its workers; please report this with `npm ls piscina`')
}

/**
 * A free M slot. Slots of dead threads are used again in the order of their deaths, and late: a thread that was held up between
 * reading the creator of a goroutine and pushing into its inbox must not find somebody else's. But not never: whoever looks for work
 * looks at all there are.
 */
function freeSlot(): number {
  const used = self.procs.threads
  if (used < SYSMON_M && dead.length < SLOTS_AT_REST) {
    self.procs.addThread()
    return used
  }
  const id = dead.shift()
  if (id === undefined) throw new Error(`goro: more than ${SYSMON_M - 1} threads at once`)
  return id
}

const dead: number[] = []
/** So many threads die, each of which takes 50 ms to start, before a slot is used again. */
const SLOTS_AT_REST = 64

/** The slot of M `id`, which has been buried, may be used again. */
export function freeM(id: number): void {
  store(mAt(id) + M.status, M_DEAD)
  dead.push(id)
}

/** How many threads there are for goroutines: started, or on their way, and not dead. */
export function threadCount(): number {
  let count = 0
  for (let id = 1; id < self.procs.threads; id++) {
    const status = read(mAt(id) + M.status)
    if (!isGone(status)) count++
  }
  return count
}
