/**
 * Timers: a heap a thread, on one timer of libuv. Whatever waits for a time is an entry of its own thread's heap, so that no other
 * thread is concerned, and a thread with entries sleeps in its event loop.
 *
 *   IDLE ── start ──> PENDING ── due ──> IDLE, and its callback runs        (PENDING ── stop ──> IDLE)
 *
 * The heap is 4-ary, as Go's (`runtime/time.go`), ordered by due time and then by when it was started. An entry knows its place, so
 * that stopping it costs as little as starting it: a million that never come due leave nothing behind.
 */
import { clearTimeout, now, setTimeout } from './native.ts'

export class TimerEntry {
  /** When it is due, in milliseconds of this thread's clock. */
  when = 0
  /** Its place in the heap; -1 while it is not in it. */
  index = -1
  /** Orders those that are due at the same time. */
  sequence = 0
  readonly callback: (entry: TimerEntry) => void

  constructor(callback: (entry: TimerEntry) => void) {
    this.callback = callback
  }

  get isPending(): boolean {
    return this.index >= 0
  }
}

const heap: TimerEntry[] = []
let sequence = 0
/** The timer of libuv, and when it fires. */
let timer: NodeJS.Timeout | undefined
let armedFor = Number.POSITIVE_INFINITY
/** Entries that hold the process open: somebody sleeps. */
let holding = 0

/** Longest time-out that setTimeout takes. */
const LONGEST_MS = 2 ** 31 - 1

let onChange: () => void = () => {}
/** On the main thread: calls `callback` when there begins to be something to wait for, or ends, and when something was due. */
export function whenTimersChange(callback: () => void): void {
  onChange = callback
}

/** Whether anything waits for a time on this thread. */
export const hasTimers = (): boolean => heap.length > 0

/** Makes `entry`, which is not pending, due in `ms` milliseconds. */
export function startTimer(entry: TimerEntry, ms: number): void {
  startTimerAt(entry, now() + Math.max(0, ms))
}

/** Makes `entry`, which is not pending, due at `when`. */
export function startTimerAt(entry: TimerEntry, when: number): void {
  entry.when = when
  entry.sequence = sequence++
  up(heap.push(entry) - 1, entry)
  if (when < armedFor) arm(when)
  if (heap.length === 1) onChange()
}

/** Takes `entry` back: true if it was pending. */
export function stopTimer(entry: TimerEntry): boolean {
  const { index } = entry
  if (index < 0) return false
  entry.index = -1
  const last = heap.pop() as TimerEntry
  if (last !== entry) {
    up(index, last)
    if (last.index === index) down(index, last)
  }
  if (heap.length === 0) {
    disarm()
    onChange()
  }
  return true
}

/** Holds the process open, or lets go of it again: a sleeper of the main thread does, a channel nobody may look at does not. */
export function holdTimers(by: 1 | -1): void {
  holding += by
  if (holding === 0) timer?.unref()
  else timer?.ref()
}

function arm(when: number): void {
  clearTimeout(timer)
  armedFor = when
  timer = setTimeout(fire, Math.min(Math.max(1, Math.ceil(when - now())), LONGEST_MS))
  if (holding === 0 && isUnrefd) timer.unref()
}

function disarm(): void {
  clearTimeout(timer)
  timer = undefined
  armedFor = Number.POSITIVE_INFINITY
}

/** On the main thread the timer holds the process open only for sleepers; on the others it is what they wait for in any case. */
let isUnrefd = false

export function unrefTimers(): void {
  isUnrefd = true
}

function fire(): void {
  armedFor = Number.POSITIVE_INFINITY
  timer = undefined
  const time = now()
  while (heap.length > 0 && (heap[0] as TimerEntry).when <= time) {
    const entry = heap[0] as TimerEntry
    stopTimer(entry)
    entry.callback(entry)
  }
  if (heap.length > 0 && (heap[0] as TimerEntry).when < armedFor) arm((heap[0] as TimerEntry).when)
  onChange()
}

function isBefore(a: TimerEntry, b: TimerEntry): boolean {
  return a.when < b.when || (a.when === b.when && a.sequence < b.sequence)
}

function up(from: number, entry: TimerEntry): void {
  let i = from
  while (i > 0) {
    const parent = (i - 1) >> 2
    const above = heap[parent] as TimerEntry
    if (!isBefore(entry, above)) break
    heap[i] = above
    above.index = i
    i = parent
  }
  heap[i] = entry
  entry.index = i
}

function down(from: number, entry: TimerEntry): void {
  let i = from
  for (;;) {
    const first = i * 4 + 1
    if (first >= heap.length) break
    let least = first
    for (let child = first + 1; child < Math.min(first + 4, heap.length); child++) {
      if (isBefore(heap[child] as TimerEntry, heap[least] as TimerEntry)) least = child
    }
    const below = heap[least] as TimerEntry
    if (!isBefore(below, entry)) break
    heap[i] = below
    below.index = i
    i = least
  }
  heap[i] = entry
  entry.index = i
}
