/**
 * The netpoller is libuv. An M gives its event loop a turn when something may wait for it, and sleeps in its poll when
 * there is nothing to run; the main thread's loop is the program's own, and a driver in it takes results in.
 */
import { inbox, POLL, read, store } from '@goro/memory'
import { controlPending } from './control.ts'
import { deliver, outstanding, takeInbox, whenExpecting } from './deliver.ts'
import { M } from './m.ts'
import { isPrinting } from './output.ts'
import { SCHED, Sched, self, unsettledGoroutines } from './sched.ts'

/** Resolves after the event loop has been through its phases once: due timers, I/O callbacks, messages. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Ports that this thread has of itself: to Piscina, and the control line. */
let ownPorts = 0

export function noteOwnPorts(): void {
  ownPorts = process.getActiveResourcesInfo().filter(isPort).length
}

const isPort = (resource: string): boolean => resource === 'MessagePort'

/**
 * Whether nothing in this isolate waits on libuv, so that the thread may block: no goroutine that has started, no
 * handle or request that a finished one left behind, no message to or from the main thread, nothing unwritten on stdout.
 */
export function canBlock(): boolean {
  if (read(self.m + M.waiting) !== 0 || controlPending() || isPrinting()) return false
  const resources = process.getActiveResourcesInfo()
  return resources.length <= ownPorts && resources.every(isPort)
}

/** Resolves when this thread's note is woken, or when its own event loop makes work for it. Call before the sleep is announced. */
export function nextWakeUp(): Promise<void> {
  return new Promise((resolve) => {
    self.wakeSelf = resolve
    self.note.arm(resolve)
  })
}

/**
 * The main thread's driver. While results are on their way it looks into the inbox at every turn of the event loop, as
 * long as some came within the last `SPIN_MS`; then it sleeps until one is pushed.
 *
 *   ASLEEP ── go(), or something is pushed ──> TICKING ── nothing for SPIN_MS, or no goroutine left ──> ASLEEP
 *
 * While goroutines live it holds the process open, which nothing in V8 or libuv would (nodejs/node#44729): TICKING by its
 * immediate, ASLEEP by a timer that is ref'd for that long.
 */
const ASLEEP = 0
const TICKING = 1

/** A round trip through an idle event loop and a spinning M takes 10 to 20 µs; a sleep costs 60 to 100. */
const SPIN_MS = 0.1
/** Results taken in at one turn: user code awaiting them, timers and I/O get their turn in between. */
const DELIVERIES = 4096
/** Longest time-out that setInterval takes. */
const FOREVER_MS = 2 ** 31 - 1

let state = ASLEEP
let lastProgress = 0
/** What was taken from the inbox and is not delivered yet. */
let backlog = 0
let keepAlive: NodeJS.Timeout | undefined

/** Sets the driver up on the main thread. */
export function startDriver(): void {
  keepAlive = setInterval(() => {}, FOREVER_MS).unref()
  whenExpecting(startTicking)
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

/** On the main thread: resolves when no goroutine is left. */
export function untilQuiet(): Promise<void> {
  return new Promise((resolve) => {
    onQuiet = resolve
    startTicking()
  })
}

function startTicking(): void {
  if (state === TICKING) return
  state = TICKING
  self.note.cancel()
  keepAlive?.unref()
  lastProgress = performance.now()
  setImmediate(tick)
}

function tick(): void {
  const chain = backlog === 0 ? takeInbox() : backlog
  if (chain !== 0) {
    backlog = deliver(chain, DELIVERIES)
    lastProgress = performance.now()
    setImmediate(tick)
  } else if (outstanding() > 0 && performance.now() - lastProgress < SPIN_MS) {
    setImmediate(tick)
  } else {
    sleep()
  }
}

function sleep(): void {
  state = ASLEEP
  self.note.arm(startTicking)
  self.note.prepare(POLL)
  // Before the last look: whoever settles the last goroutine after it sees this, and wakes us.
  store(SCHED + Sched.mainWaits, 1)
  if (!inbox.isEmpty(self.m + M.inbox)) return startTicking()
  if (unsettledGoroutines() !== 0) {
    keepAlive?.ref()
  } else {
    store(SCHED + Sched.mainWaits, 0)
    onQuiet()
  }
}
