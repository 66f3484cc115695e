/**
 * Who has a processor: the right to run goroutines. There are GOMAXPROCS of them, and at any moment each is in one place:
 *
 *   a thread has it                 state BUSY, SPINNING or IDLE in the idle set
 *   free                            no thread wants it, and none is there to hold it (`free`)
 *   on its way to a new thread      that the main thread starts (`reserved`)
 *
 * A thread loses it when it blocks on purpose (`handoff`), when the monitor finds it in one step for too long while work waits
 * (`overtake`), when others wait for one and its slice is over, or when GOMAXPROCS is lowered (`giveWay`). A thread without one runs no
 * goroutine code, but for the step in which it was overtaken: it sleeps as a *spare*, or, if something of its own is ready, it
 * waits in line (`acquire`), and running threads give way to it. Go does the same with `handoffp`, `retake` and `exitsyscall`
 * (`runtime/proc.go`); there a goroutine without a P goes to the global queue, here it can only wait for its own thread.
 *
 * All of this is under one lock, in which a thread may die: each number is then put right by counting (`bury`), since a
 * thread's state leaves or enters NONE under this lock only. Nothing here is on a hot path.
 *
 * Nothing is lost:
 * - A processor that no thread has is free, and whoever frees one looks at every queue after that; whoever submits work looks for a
 *   free one after that (`wakep`). A thread that goes idle looks whether somebody waits (`isWanted`) after that; who comes to wait
 *   looks for an idle one after that. All of these are sequentially consistent (Dekker).
 * - A spare is given a processor only while its thread is asleep: it becomes a spare, and none again, under the lock.
 */
import {
  cas,
  type IdleSet,
  i32,
  line,
  load,
  lock,
  NONE,
  notify,
  RANK,
  read,
  releaseDead,
  store,
  struct,
  unlock,
  wait,
} from '@goro/memory'
import { IN, isGone, M, M_RETIRED, M_RUNNING, M_SPARE, M_STARTING, OUT, OVERTAKEN } from './m.ts'

/** What all threads know of the processors. */
export const Procs = struct({
  /** Owner-stamped lock of everything here, and of every M's `ticket`. */
  lock: line(i32),
  /** How many processors there are. Under lock; read by any thread. */
  gomaxprocs: i32,
  /** 1 until somebody says how many processors there are to be: until then they follow the CPUs. Under lock; read by the monitor. */
  follows: i32,
  /** How many Ms there may be, and so processors. The main thread, before the others are. */
  maxThreads: i32,
  /** M slots that were ever used, the main thread's among them: where there may be something to steal. The main thread. */
  threads: i32,
  /** Processors that no thread has, and those on their way to a thread which is being started. Under lock; read by any thread. */
  free: i32,
  reserved: i32,
  /** Processors that are too many since GOMAXPROCS was lowered. Under lock. */
  debt: i32,
  /** Those, and the threads that wait for one. Under lock; read by any thread. */
  wanted: line(i32),
  /** The last place in the line that was given out. Under lock. */
  tickets: i32,
  /** Threads that the main thread is to start. Under lock; read by the main thread. */
  toStart: i32,
  /** 1 while a thread was wanted and none could be started. Under lock; read by any thread. */
  exhausted: i32,
  /** Times a processor was taken from a thread in the middle of a step. Under lock. */
  overtaken: i32,
})

/** What it has to know of the runtime around it. */
export interface Surroundings {
  readonly idle: IdleSet
  /** The address of M `id`. */
  mAt(id: number): number
  /** Wakes M `id`, which sleeps, after it was given a processor. */
  wake(id: number): void
  isStopping(): boolean
}

/** A thread's face of it. */
export class Processors {
  readonly #at: number
  readonly #id: number
  readonly #owner: number
  readonly #idle: IdleSet
  readonly #around: Surroundings

  /** Of thread `id`, which stamps locks with `owner`; the struct is at `at`. */
  constructor(at: number, id: number, owner: number, around: Surroundings) {
    this.#at = at
    this.#id = id
    this.#owner = owner
    this.#idle = around.idle
    this.#around = around
  }

  get count(): number {
    return load(this.#at + Procs.gomaxprocs)
  }

  get maxThreads(): number {
    return read(this.#at + Procs.maxThreads)
  }

  get threads(): number {
    return load(this.#at + Procs.threads)
  }

  /** On the main thread: there is one M slot more. */
  addThread(): void {
    store(this.#at + Procs.threads, this.threads + 1)
  }

  /** How often one was taken from a thread in the middle of a step. */
  get overtaken(): number {
    return load(this.#at + Procs.overtaken)
  }

  /** Whether somebody waits for a processor, or there are too many. */
  get isWanted(): boolean {
    return load(this.#at + Procs.wanted) > 0
  }

  /** Whether a processor is free, and a thread may be had for it. After an atomic of one's own, for which this is no match in cost. */
  get hasFree(): boolean {
    return read(this.#at + Procs.free) > 0 && load(this.#at + Procs.exhausted) === 0
  }

  /** Whether a processor has no thread, or its thread is on its way. */
  get hasUnused(): boolean {
    return load(this.#at + Procs.free) + load(this.#at + Procs.reserved) > 0
  }

  /** Whether a thread was wanted and there were as many as there may be. */
  get isExhausted(): boolean {
    return load(this.#at + Procs.exhausted) === 1
  }

  /** Whether a thread sleeps without a processor and would run any goroutine. A hint. */
  hasSpare(): boolean {
    return this.#spare() !== 0
  }

  /** By thread, its state, as they are at one moment: so that none is counted twice, or not, because it just goes from one to another. */
  states(): number[] {
    return this.#locked(() => Array.from({ length: this.threads }, (_, id) => this.#idle.stateOf(id)))
  }

  /** Whether thread `id` waits in line. */
  isInLine(id: number): boolean {
    return load(this.#around.mAt(id) + M.ticket) !== 0
  }

  /**
   * Blocks this thread until it has a processor, or the runtime stops. Its event loop stands still meanwhile: callbacks of goroutines
   * could not be kept from running in it.
   */
  acquire(): void {
    // It may be lost again before this thread has woken to it.
    while (!this.#idle.has(this.#id) && !this.#around.isStopping()) {
      if (this.#locked(() => this.#takeOrStandInLine())) return
      const place = this.#m + M.ticket
      for (let ticket = load(place); ticket !== 0 && !this.#around.isStopping(); ticket = load(place))
        wait(place, ticket)
    }
  }

  /**
   * This thread goes to sleep without a processor: from here on it may be given one. True if it has one by now, because one was
   * free. Unless it is one goroutine's own: then it is no help to others. Look at every queue after this.
   */
  becomeSpare(): boolean {
    return this.#locked(() => {
      if (read(this.#m + M.locked) > 0) return this.#idle.has(this.#id)
      if (this.#takeFree()) return true
      store(this.#m + M.status, M_SPARE)
      return false
    })
  }

  /** Whether there are more threads than processors. A hint. */
  get hasTooMany(): boolean {
    return this.#alive() > this.count
  }

  /**
   * This thread, which sleeps without a processor and of which nobody has anything to expect, is to end: true, unless it is given one just
   * now, or there are no more threads than processors. `always`: however many there are.
   */
  retire(always: boolean): boolean {
    return this.#locked(() => {
      if (this.#idle.has(this.#id) || (!always && this.#alive() <= this.count)) return false
      store(this.#m + M.status, M_RETIRED)
      return true
    })
  }

  /** This thread sleeps no longer: its P is idle no more, if it has one. */
  awake(): void {
    if (this.#idle.leave(this.#id)) {
      store(this.#m + M.status, M_RUNNING)
      return
    }
    // It may be a spare, and somebody may be giving it one just now: an idle one, which it then has to leave.
    this.#locked(() => {
      store(this.#m + M.status, M_RUNNING)
      this.#idle.leave(this.#id)
    })
  }

  /** A new thread is there: it gets the processor that was meant for it, unless somebody has needed that meanwhile. */
  arrive(): void {
    this.#locked(() => {
      if (this.#takeFree()) return
      if (read(this.#at + Procs.reserved) === 0) return
      this.#add(Procs.reserved, -1)
      this.#idle.grant(this.#id)
    })
  }

  /** Gives this thread's processor to whoever can use it. Look at every queue after this. */
  handoff(): void {
    this.#idle.stopSpinning(this.#id)
    this.#locked(() => {
      if (this.#idle.revokeBusy(this.#id)) this.#give()
    })
  }

  /** Gives this thread's processor to the first in line, or up, if somebody waits or there are too many. False if nobody does. */
  giveWay(): boolean {
    this.#idle.stopSpinning(this.#id)
    return this.#locked(() => {
      if (read(this.#at + Procs.wanted) === 0) return false
      if (this.#idle.revokeBusy(this.#id)) this.#give()
      return true
    })
  }

  /** For the monitor: takes the processor of thread `id`, if it is still in the step that `isSame` means, for work that waits. */
  overtake(id: number, isSame: () => boolean): boolean {
    return this.#locked(() => {
      if (!isSame() || !this.#idle.revokeBusy(id)) return false
      this.#add(Procs.overtaken, 1)
      // Also if it has not yet said that its step has begun: on a busy machine it may be held up in between for so long.
      store(this.#around.mAt(id) + M.step, OVERTAKEN)
      this.#place()
      return true
    })
  }

  /**
   * For the audit: this thread begins a step, if it has a processor. How many are in one, and how many may be: processors that are too many
   * among them.
   */
  beginStep(): { running: number; processors: number } {
    return this.#locked(() => {
      if (this.#idle.has(this.#id)) store(this.#m + M.step, IN)
      else if (read(this.#m + M.step) !== OVERTAKEN) store(this.#m + M.step, OUT)
      let running = 0
      for (let id = 1; id < this.threads; id++) if (read(this.#around.mAt(id) + M.step) === IN) running++
      return { running, processors: this.count + read(this.#at + Procs.debt) }
    })
  }

  /** The step of this thread is over. */
  endStep(): void {
    this.#locked(() => store(this.#m + M.step, OUT))
  }

  /**
   * There is work, and a processor that no thread has: a spare gets it, or a thread is to be started, which the caller tells the main
   * thread if this is true. Nothing happens if there may be no more threads: then the work waits for one that comes back.
   */
  startFree(): boolean {
    return this.#locked(() => {
      if (read(this.#at + Procs.free) === 0) return false
      const spare = this.#spare()
      if (spare !== 0) {
        this.#add(Procs.free, -1)
        this.#idle.grant(spare)
        this.#around.wake(spare)
        return false
      }
      // Others may have needed what was reserved for a thread that is on its way.
      const isComing = this.#toCome() > read(this.#at + Procs.reserved)
      if (!isComing && this.#existing() + read(this.#at + Procs.toStart) >= read(this.#at + Procs.maxThreads)) {
        store(this.#at + Procs.exhausted, 1)
        return false
      }
      this.#add(Procs.free, -1)
      if (isComing) {
        this.#add(Procs.reserved, 1)
        return false
      }
      this.#add(Procs.reserved, 1)
      this.#add(Procs.toStart, 1)
      return true
    })
  }

  /** On the main thread: whether M `id` may be started for one goroutine alone. If not, that waits until one has ended. */
  mayStart(id: number): boolean {
    return this.#locked(() => {
      if (this.#existing() + read(this.#at + Procs.toStart) < read(this.#at + Procs.maxThreads)) {
        store(this.#around.mAt(id) + M.status, M_STARTING)
        return true
      }
      store(this.#at + Procs.exhausted, 1)
      return false
    })
  }

  /** No thread is started any more, because none would come to life; until one that has run dies. */
  startNoMore(): void {
    store(this.#at + Procs.exhausted, 1)
  }

  get hasToStart(): boolean {
    return load(this.#at + Procs.toStart) > 0
  }

  /**
   * On the main thread: M `id` is one of the threads to be started. It is so under the lock: who counts threads finds it among those to come, or
   * among those on their way, and nobody finds room for one more in between.
   */
  takeToStart(id: number): void {
    this.#locked(() => {
      this.#add(Procs.toStart, -1)
      store(this.#around.mAt(id) + M.status, M_STARTING)
    })
  }

  /** Somebody sets how many processors there are, `maxThreads` at most. Look at every queue after this. */
  resize(wanted: number): void {
    this.#locked(() => {
      store(this.#at + Procs.follows, 0)
      this.#resize(wanted)
    })
  }

  get followsCPUs(): boolean {
    return load(this.#at + Procs.follows) === 1
  }

  /** As `resize`, to the number of CPUs, unless somebody has set it. Whether there are more or fewer than before. */
  follow(cpus: number): boolean {
    return this.#locked(() => {
      const before = this.count
      if (read(this.#at + Procs.follows) === 1) this.#resize(cpus)
      return this.count !== before
    })
  }

  /**
   * Thread `id` is dead: its processor goes to another, and so does the one that was on its way to it if it `neverRan`. Puts the numbers
   * right that it may have left half changed, and wakes whom it may have owed that; unless it has `retired`. Look at every queue after this.
   */
  bury(id: number, owner: number, neverRan: boolean, retired: boolean): void {
    releaseDead(this.#at + Procs.lock, owner)
    this.#locked(() => {
      store(this.#around.mAt(id) + M.ticket, 0)
      store(this.#around.mAt(id) + M.step, OUT)
      this.#idle.revokeDead(id)
      if (neverRan && read(this.#at + Procs.reserved) > 0) this.#add(Procs.reserved, -1)
      store(this.#at + Procs.exhausted, 0)
      this.#recount()
    })
    if (retired) return
    // It may have given, or claimed, one and not lived to wake its thread: all look around.
    for (let other = 1; other < this.threads; other++) {
      notify(this.#around.mAt(other) + M.ticket, 1)
      this.#around.wake(other)
    }
  }

  /** Ends every wait for a processor: the runtime stops. */
  interruptAll(): void {
    this.#locked(() => {
      for (let id = 1; id < this.threads; id++) if (this.isInLine(id)) this.#leaveLine(id)
    })
  }

  get #m(): number {
    return this.#around.mAt(this.#id)
  }

  #locked<T>(work: () => T): T {
    lock(this.#at + Procs.lock, this.#owner, RANK.processors)
    const result = work()
    unlock(this.#at + Procs.lock, RANK.processors)
    return result
  }

  #add(field: number, n: number): void {
    store(this.#at + field, read(this.#at + field) + n)
  }

  #resize(wanted: number): void {
    const n = Math.min(wanted, read(this.#at + Procs.maxThreads))
    const before = this.count
    store(this.#at + Procs.gomaxprocs, n)
    for (let i = before; i < n; i++) this.#place()
    for (let i = n; i < before; i++) {
      if (read(this.#at + Procs.free) > 0) this.#add(Procs.free, -1)
      else if (!this.#takeIdle()) {
        this.#add(Procs.debt, 1)
        this.#add(Procs.wanted, 1)
      }
    }
  }

  /** This thread has given up its processor. */
  #give(): void {
    store(this.#m + M.step, OUT)
    this.#place()
  }

  /** Finds a place for a processor that nobody has. The caller looks at every queue after it. */
  #place(): void {
    if (read(this.#at + Procs.debt) > 0) {
      this.#add(Procs.debt, -1)
      this.#add(Procs.wanted, -1)
      return
    }
    const next = this.#firstInLine()
    if (next !== 0) {
      this.#leaveLine(next)
      this.#idle.grant(next)
      return
    }
    const spare = this.#spare()
    if (spare !== 0) this.#idle.grantIdle(spare)
    else this.#add(Procs.free, 1)
  }

  /** The thread that has waited longest for a processor; 0 if none does. */
  #firstInLine(): number {
    let first = 0
    let firstTicket = 0
    for (let id = 1; id < this.threads; id++) {
      const ticket = read(this.#around.mAt(id) + M.ticket)
      if (ticket === 0 || (first !== 0 && ((ticket - firstTicket) | 0) > 0)) continue
      first = id
      firstTicket = ticket
    }
    return first
  }

  /** Thread `id`, which sleeps on its ticket, looks around. */
  #leaveLine(id: number): void {
    const place = this.#around.mAt(id) + M.ticket
    store(place, 0)
    notify(place, 1)
    this.#add(Procs.wanted, -1)
  }

  /** A thread that sleeps without a processor and would run any goroutine; 0 if there is none. */
  #spare(): number {
    for (let id = 1; id < this.threads; id++) {
      if (load(this.#around.mAt(id) + M.status) === M_SPARE && this.#idle.stateOf(id) === NONE) return id
    }
    return 0
  }

  #takeOrStandInLine(): boolean {
    if (this.#takeFree()) return true
    if (!this.#takeIdle()) {
      this.#add(Procs.tickets, 1)
      store(this.#m + M.ticket, read(this.#at + Procs.tickets) || 1)
      this.#add(Procs.wanted, 1)
      // A thread that becomes idle from now on sees that somebody waits; one that did before is seen here.
      if (!this.#takeIdle()) return false
      this.#leaveLine(this.#id)
    }
    this.#idle.grant(this.#id)
    return true
  }

  /** Takes a free processor for this thread, if it has none. Whether it has one then. */
  #takeFree(): boolean {
    if (this.#idle.has(this.#id)) return true
    if (read(this.#at + Procs.free) === 0) return false
    this.#add(Procs.free, -1)
    store(this.#at + Procs.exhausted, 0)
    this.#idle.grant(this.#id)
    return true
  }

  /** Takes the processor of a thread that has nothing to do, or one that is on its way to a thread that has yet to start. */
  #takeIdle(): boolean {
    for (let id = 1; id < this.threads; id++) {
      if (!this.#idle.revokeIdle(id)) continue
      // It sleeps on, as a spare, and so if it is just falling asleep; if it is just waking it is none after this (`awake`).
      if (read(this.#around.mAt(id) + M.locked) === 0) this.#makeSpare(this.#around.mAt(id) + M.status)
      return true
    }
    if (read(this.#at + Procs.reserved) === 0) return false
    this.#add(Procs.reserved, -1)
    return true
  }

  /** Unless the thread is dead: its undertaker may have found it so by now, and a processor that it was given would be lost. */
  #makeSpare(place: number): void {
    for (let status = load(place); !isGone(status); status = load(place)) {
      if (cas(place, status, M_SPARE) === status) return
    }
  }

  /** How many threads there are for goroutines: started, or on their way, and not dead. */
  #alive(): number {
    let count = 0
    for (let id = 1; id < this.threads; id++) {
      const status = load(this.#around.mAt(id) + M.status)
      if (!isGone(status)) count++
    }
    return count
  }

  /** As `#alive`, and those that are about to end: until they have, no other can take their place. */
  #existing(): number {
    let count = 0
    for (let id = 1; id < this.threads; id++) {
      const status = load(this.#around.mAt(id) + M.status)
      if (!isGone(status) || status === M_RETIRED) count++
    }
    return count
  }

  /** How many threads are on their way. */
  #toCome(): number {
    let count = read(this.#at + Procs.toStart)
    for (let id = 1; id < this.threads; id++) {
      if (load(this.#around.mAt(id) + M.status) === M_STARTING) count++
    }
    return count
  }

  /** Counts everything anew, and finds a place for each processor that is in none. */
  #recount(): void {
    let inLine = 0
    let held = 0
    for (let id = 1; id < this.threads; id++) {
      if (read(this.#around.mAt(id) + M.ticket) !== 0) inLine++
      if (this.#idle.stateOf(id) !== NONE) held++
    }
    store(this.#at + Procs.reserved, Math.min(read(this.#at + Procs.reserved), this.#toCome()))
    const placed = held + read(this.#at + Procs.free) + read(this.#at + Procs.reserved)
    store(this.#at + Procs.debt, Math.max(0, placed - this.count))
    store(this.#at + Procs.wanted, read(this.#at + Procs.debt) + inLine)
    for (let i = placed; i < this.count; i++) this.#place()
  }
}
