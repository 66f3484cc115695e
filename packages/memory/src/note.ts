/**
 * A note: how one thread sleeps and any other wakes it. After Go's `note` (`runtime/lock_futex.go`), in two forms,
 * because a thread blocked on a futex runs no I/O callbacks: FUTEX blocks the thread, POLL leaves it in its event loop.
 *
 * The sleeper's protocol: `prepare(form)`, then look once more whether there is work, then `sleep()` (or return to the
 * event loop, having called `arm` before), or `cancel()`. A waker first makes the work visible, then calls `wake()`.
 *
 * No wake-up is lost: the sleeper's store of `state` precedes its second look, and the waker's publication precedes its
 * load of `state`; all four are sequentially consistent, so either the sleeper sees the work or the waker sees the
 * sleeper (Dekker). A wake-up that finds the sleeper awake costs one load and no system call.
 *
 * Invariant: only the owner moves `state` away from AWAKE; whoever moves it back, by `cas`, is the one that wakes (the
 * owner's `cancel` counts as waking itself), so one sleep is ended once. ABA (cancelled and asleep again between a waker's
 * load and its `cas`) does no harm: the new sleep ends early, and its owner looks again, as after any wake-up.
 *
 * The event-loop form keeps at most one waiter a thread armed on `poll`, since V8 never forgets a waiter that is not
 * notified. Waking notifies it and its callback runs as a macrotask; `arm` arms the next one before the next sleep. If
 * the thread prepares to sleep between the notify and that callback, the callback still comes: a spurious wake-up, never
 * a lost one.
 */
import { cas, load, notify, read, store, wait, waitAsync } from '#atomics'
import { i32, line, struct } from './struct.ts'

export const AWAKE = 0
/** Asleep on the futex: the isolate is blocked. */
export const FUTEX = 1
/** Asleep in the event loop: callbacks run. */
export const POLL = 2
/** As POLL, by a timer of its own for no more than a moment: what can wait for that leaves it asleep (`wakeUnlessDozing`). */
export const DOZE = 3

export const NoteLayout = struct({
  /** AWAKE, FUTEX, POLL or DOZE. Only the owner leaves AWAKE; any thread returns to it, by cas. */
  state: line(i32),
  /** Never written: where the event-loop waiter waits. */
  poll: i32,
})

/** The owner's face of a note. */
export class Note {
  readonly #state: number
  readonly #poll: number
  #armed = false
  /** Of the last `arm`: a waiter that an earlier sleep has left armed wakes the present one. */
  #callback: () => void = () => {}

  constructor(base: number) {
    this.#state = base + NoteLayout.state
    this.#poll = base + NoteLayout.poll
  }

  /** Makes the event loop wake this thread by `callback`, and no longer by an earlier one, when somebody calls `wake`. */
  arm(callback: () => void): void {
    this.#callback = callback
    if (this.#armed) return
    this.#armed = waitAsync(this.#poll, 0, () => {
      this.#armed = false
      this.#callback()
    })
  }

  /** Announces the sleep. From here on a `wake` ends it; look for work once more before you sleep. */
  prepare(form: typeof FUTEX | typeof POLL | typeof DOZE): void {
    store(this.#state, form)
  }

  /** Whether the announced sleep has been ended. */
  get isAwake(): boolean {
    return load(this.#state) === AWAKE
  }

  /** Takes the announcement back. False if somebody has woken this thread meanwhile: then there is work. */
  cancel(): boolean {
    const form = load(this.#state)
    return form !== AWAKE && cas(this.#state, form, AWAKE) === form
  }

  /** Blocks until woken. Only after `prepare(FUTEX)`. */
  sleep(): void {
    while (load(this.#state) === FUTEX) wait(this.#state, FUTEX)
  }

  /** As `sleep`, for at most `ms` milliseconds, and perhaps less. Whether it was woken; if not, the sleep is still announced. */
  nap(ms: number): boolean {
    wait(this.#state, FUTEX, ms)
    return this.isAwake
  }
}

/** Whether the thread whose note is at `base` sleeps. After an atomic of one's own, for which this is no match in cost. */
export const isAsleep = (base: number): boolean => read(base + NoteLayout.state) !== AWAKE

/** Wakes the thread whose note is at `base` if it sleeps; true if this call is the one that woke it. */
export function wake(base: number): boolean {
  const state = base + NoteLayout.state
  const form = load(state)
  if (form === AWAKE || cas(state, form, AWAKE) !== form) return false
  notify(form === FUTEX ? state : base + NoteLayout.poll, 1)
  return true
}

/** As `wake`, unless that thread dozes: then it will look soon. */
export function wakeUnlessDozing(base: number): boolean {
  const form = load(base + NoteLayout.state)
  return form !== AWAKE && form !== DOZE && wake(base)
}

/** As `wake`, only if that thread dozes. */
export const wakeDozer = (base: number): boolean => load(base + NoteLayout.state) === DOZE && wake(base)

/**
 * Wakes the thread whose note is at `base`, also if somebody has ended its sleep and has not lived to tell it: for who buries that one. If
 * it is awake, a sleep that it begins just now ends early.
 */
export function rouse(base: number): void {
  if (wake(base)) return
  notify(base + NoteLayout.state, 1)
  notify(base + NoteLayout.poll, 1)
}
