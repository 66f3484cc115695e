/**
 * The netpoller is libuv. An M gives its event loop a turn when something may wait for it, and sleeps in its poll when
 * there is nothing to run; the main thread's loop is the program's own, and a driver in it takes results in.
 */
import { createHook, executionAsyncResource } from 'node:async_hooks'
import { types } from 'node:util'
import { DOZE, inbox, POLL, store } from '@goro/memory'
import { controlPending } from './control.ts'
import { isBlocked } from './deadlock.ts'
import { deliver, outstanding, takeInbox, whenExpecting } from './deliver.ts'
import { noteTime, parkedHere, runDeferred, whenParking } from './gopark.ts'
import { awaitedHere } from './goroutine.ts'
import { M } from './m.ts'
import { clearInterval, clearTimeout, now, setImmediate, setInterval, setTimeout } from './native.ts'
import { isPrinting } from './output.ts'
import { numCPU } from './procs.ts'
import { isOver, SCHED, Sched, self } from './sched.ts'
import { hasTimers, unrefTimers, whenTimersChange } from './timers.ts'

/** Resolves after the event loop has been through its phases once: due timers, I/O callbacks, messages. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Ports that this thread has of itself: to Piscina, and the control line. They hold its event loop open. */
let ownPorts: readonly { ref(): void; unref(): void }[] = []

export function noteOwnPorts(): void {
  // Of what holds a loop open Node hands out the objects nowhere else.
  const { _getActiveHandles } = process as unknown as { _getActiveHandles(): readonly unknown[] }
  ownPorts = _getActiveHandles().filter((handle) => handle instanceof globalThis.MessagePort)
  process.on('beforeExit', seeDry)
}

const isPort = (resource: string): boolean => resource === 'MessagePort'

/** Whether a goroutine has ever waited on this thread: it may have left something unref'd behind, which Node does not tell of. */
let hasWaited = false

export function noteWaiting(): void {
  hasWaited = true
}

/**
 * Whether nothing that Node lists waits on libuv in this isolate: no handle or request, of a goroutine or left behind by one, no message
 * to or from the main thread, nothing unwritten on stdout. What is unref'd does not count, as it does not for Node. Whether nothing at all
 * waits `whenDry` tells.
 */
export function isQuiet(): boolean {
  if (controlPending() || isPrinting()) return false
  const resources = process.getActiveResourcesInfo()
  return resources.length <= ownPorts.length && resources.every(isPort)
}

/** Whether a thread that is quiet may block: an unref'd handle, which Node does not tell of, would freeze. */
export const canBlock = (): boolean => !hasWaited

/** How long a thread has slept before it asks: most sleeps are over by then, and it costs a turn of the loop. */
const PROBE_MS = 5

let probe: NodeJS.Timeout | undefined
let isProbing = false
let onDry: () => void = () => {}

/**
 * For a thread that sleeps in its event loop: calls `callback`, once, if nothing in libuv can wake it. Node does not list all there is:
 * work of the thread pool (crypto, zlib, addons) stands nowhere. But when a loop has nothing left that holds it open Node says so
 * (`beforeExit`), so for the time of the question this thread's own ports don't. `onProbe` is called before.
 */
export function whenDry(onProbe: () => void, callback: () => void): void {
  onDry = callback
  clearTimeout(probe)
  probe = setTimeout(() => {
    onProbe()
    isProbing = true
    for (const port of ownPorts) port.unref()
  }, PROBE_MS).unref()
}

/** Takes `whenDry` back: the sleep is over, or something has come. */
export function cancelWhenDry(): void {
  clearTimeout(probe)
  if (!isProbing) return
  isProbing = false
  for (const port of ownPorts) port.ref()
}

/** Node would end the thread now, but for its ports. */
function seeDry(): void {
  if (!isProbing) return
  cancelWhenDry()
  onDry()
}

/** Resolves when this thread's note is woken, or when its own event loop makes work for it. Call before the sleep is announced. */
export function nextWakeUp(): Promise<void> {
  return new Promise((resolve) => {
    self.wakeSelf = resolve
    self.note.arm(resolve)
  })
}

const noStir = () => {}
let onStir: () => void = noStir
/**
 * Before each callback of this thread. While it is on every `await` costs twice as much, and on Node 22 and 24 still a third more once
 * it has ever been on: so only for a sleep in which something may come from libuv.
 */
const stirring = createHook({ before: () => onStir() })
let isStirring = false

/**
 * While this thread sleeps in its event loop: calls `callback` before anything runs on it but what wakes it, and the timer `but()`, once.
 */
export function beforeNextCallback(callback: () => void, but: () => object | undefined): void {
  onStir = () => {
    const resource = executionAsyncResource()
    if (resource === but()) return
    onStir = noStir
    // What a waker has set off is the reaction of a promise; all else that begins in the event loop is none.
    if (!self.note.isAwake || !types.isPromise(resource)) callback()
  }
  if (isStirring) return
  isStirring = true
  stirring.enable()
}

/**
 * The sleep is over, and with it `beforeNextCallback`. Not from the hook itself: Node (20 to 26) does not count a hook that is disabled while
 * it is called, and leaves the hooks of promises on for ever.
 */
export function cancelBeforeNextCallback(): void {
  if (!isStirring) return
  isStirring = false
  onStir = noStir
  stirring.disable()
}

/** Calls `callback` when the callbacks that are due have run. */
export function afterCallbacks(callback: () => void): void {
  setImmediate(callback)
}

/**
 * The main thread's driver. While results are on their way it looks into the inbox at every turn of the event loop, as
 * long as some came within the last `SPIN_MS`; then it sleeps until one is pushed.
 *
 *   ASLEEP ── go(), or something is pushed ──> TICKING ── nothing for SPIN_MS, or no goroutine left ──> ASLEEP
 *                                               │    ^
 *            nothing for SPIN_BESIDE_MS, crowded ▼    │ DOZE_MS are over, a thread has run out of work, go()
 *                                              DOZING
 *
 * While it looks or is woken it takes a core. If every core has a thread that computes, that takes it from them: so then it dozes, results
 * gather, and nobody is woken for each. They are only ever late by `DOZE_MS`, and by nothing if there is a processor that has no work.
 *
 * While goroutines can go on it holds the process open, which nothing in V8 or libuv would (nodejs/node#44729): TICKING by its
 * immediate, DOZING by its alarm, ASLEEP by a timer that is ref'd for that long. If all of them are blocked (deadlock.ts), the process is held open only
 * by what the main thread's own event loop still has to do; when there is nothing, Node says `beforeExit`.
 */
const ASLEEP = 0
const TICKING = 1

/** A round trip through an idle event loop and a spinning M takes 10 to 20 µs; a sleep costs 60 to 100. */
const SPIN_MS = 0.1
/** As `SPIN_MS`, before it dozes: where results come in crowds the next are there by then. */
const SPIN_BESIDE_MS = 0.02
/** How long it dozes at most: a wake-up takes 20 to 60 µs from those who compute, and to look all the time a third of what two cores have. */
const DOZE_MS = 1
/** Results taken in at one turn: user code awaiting them, timers and I/O get their turn in between. */
const DELIVERIES = 4096
/** Longest time-out that setInterval takes. */
const FOREVER_MS = 2 ** 31 - 1

let state = ASLEEP
let lastProgress = 0
/** What was taken from the inbox and is not delivered yet. */
let backlog = 0
let keepAlive: NodeJS.Timeout | undefined
/** While it dozes, what ends that. */
let alarm: NodeJS.Timeout | undefined
/** How many CPUs there are, once it matters. */
let cpus = 0

/** Sets the driver up on the main thread. `onDeadlock` is called when nothing can ever happen again, and the main thread waits for it. */
export function startDriver(onDeadlock: () => void): void {
  unrefTimers()
  whenTimersChange(startTicking)
  process.on('beforeExit', () => {
    if (!isOver() && !isBlocked()) return startTicking()
    if (!hasTimers() && parkedHere() + awaitedHere() > 0) onDeadlock()
  })
  keepAlive = setInterval(() => {}, FOREVER_MS).unref()
  whenExpecting(startTicking)
  whenParking(startTicking)
  noteTime(now())
  self.wakeSelf = startTicking
  sleep()
}

/** Holds the main thread's process open for as long as `work` takes. */
export async function holdOpen(work: Promise<void>): Promise<void> {
  const hold = setInterval(() => {}, FOREVER_MS)
  try {
    await work
  } finally {
    clearInterval(hold)
  }
}

let onQuiet: () => void = () => {}

/** On the main thread: resolves when no goroutine is left, but for pinned values that nobody waits for. */
export function untilQuiet(): Promise<void> {
  return new Promise((resolve) => {
    onQuiet = resolve
    startTicking()
  })
}

function startTicking(): void {
  if (alarm !== undefined) return endDoze()
  if (state === TICKING) return
  state = TICKING
  self.note.cancel()
  keepAlive?.unref()
  lastProgress = now()
  noteTime(lastProgress)
  setImmediate(tick)
}

/** What the main thread does for others at each of its turns (`whenTicking`). */
let onTick: () => void = () => {}

/** On the main thread: calls `callback` when another thread has woken it, and at every turn in between. */
export function whenTicking(callback: () => void): void {
  onTick = callback
}

function tick(): void {
  onTick()
  const wasDeferred = runDeferred()
  const chain = backlog === 0 ? takeInbox() : backlog
  if (chain !== 0) {
    setImmediate(tick)
    backlog = deliver(chain, DELIVERIES)
    lastProgress = now()
    noteTime(lastProgress)
  } else if (wasDeferred) {
    setImmediate(tick)
  } else if (outstanding() + parkedHere() === 0 || now() - lastProgress >= SPIN_MS) {
    sleep()
  } else if (now() - lastProgress >= SPIN_BESIDE_MS && isCrowded()) {
    doze()
  } else {
    setImmediate(tick)
  }
}

/** Whether a look takes the core of a thread that computes: all have work, and there are no more cores. */
function isCrowded(): boolean {
  if (self.idle.idle > 0 || self.idle.spinning > 0 || self.procs.hasUnused) return false
  cpus ||= numCPU()
  return self.procs.count >= cpus
}

/** Whether there is a thread for it to start. */
const hasToStart = (): boolean => self.procs.hasToStart || (self.pinned.size > 0 && !self.procs.isExhausted)

function doze(): void {
  self.note.arm(startTicking)
  self.note.prepare(DOZE)
  // Who ran out of work before it saw that has woken nobody.
  if (hasToStart() || !inbox.isEmpty(self.m + M.inbox) || !isCrowded()) return endDoze()
  alarm = setTimeout(endDoze, DOZE_MS)
}

function endDoze(): void {
  clearTimeout(alarm)
  alarm = undefined
  self.note.cancel()
  setImmediate(tick)
}

function sleep(): void {
  state = ASLEEP
  self.note.arm(startTicking)
  self.note.prepare(POLL)
  // Before the last look: whoever settles the last goroutine after it sees this, and wakes us.
  store(SCHED + Sched.mainWaits, 1)
  if (hasToStart() || !inbox.isEmpty(self.m + M.inbox)) return startTicking()
  const live = !isOver()
  const mayGoOn = live && !isBlocked()
  const mayBeWoken = hasTimers() && (live || parkedHere() + awaitedHere() > 0)
  if (mayGoOn || mayBeWoken) keepAlive?.ref()
  if (!live) {
    store(SCHED + Sched.mainWaits, 0)
    onQuiet()
  }
}
