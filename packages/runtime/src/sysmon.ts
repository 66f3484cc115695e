/**
 * The monitor: a thread without a P that sees to it that no goroutine waits behind one that computes. Go's `sysmon` and `retake`
 * (`runtime/proc.go`). It also follows the CPUs that this process may use, and says on its own what the runtime does: it can while the
 * main thread is blocked.
 *
 *   WATCHING ── nobody was busy for as long as it waits between two looks ──> ASLEEP in its event loop ── somebody is ──> WATCHING
 *
 * A step is what a thread runs without coming back to its loop: nothing can interrupt it. What waits in a queue, though, any thread that
 * comes back to its loop takes, and what has started can go on nowhere else. So it helps to take a processor away only when *all* of
 * them are in a step that takes long: then the one that has been in it longest loses its own (`overtake`), to whoever stands in line for
 * one, or to a spare or a new thread that looks through the queues. The operating system shares the cores out between the two. Each step
 * that is overtaken already makes the next one wait twice as long: a program of nothing but long computations soon has a thread for each
 * core and few besides.
 *
 * While it watches it looks every 20 µs at first, and then less and less often, down to every 10 ms, as Go's. It blocks in between, and
 * gives its event loop a turn now and then; asleep it is in its event loop, where signals reach it. It writes nothing that others wait
 * for, so it may be late, or die, and nothing is lost but its service.
 */
import { writeSync } from 'node:fs'
import { BUSY, load, NONE, POLL, type Region, SPINNING, store, wait } from '@goro/memory'
import { ASKED, M, M_RUNNING, SYSMON_M } from './m.ts'
import { now, setImmediate } from './native.ts'
import { P } from './p.ts'
import { numCPU } from './procs.ts'
import type { Reports } from './report.ts'
import { isStopping, joinRegion, mAt, pAt, SCHED, Sched, self } from './sched.ts'
import { anyWork } from './steal.ts'
import { fitThreads, wakep } from './wake.ts'

/** How long a step may take before the processor is taken from its thread, in milliseconds: Go's `forcePreemptNS`. */
const STEP_MS = 10
/** As `STEP_MS`, if a thread would have to be started for it: that takes 50 ms, and a step that long is often over by then. */
const STEP_BEFORE_START_MS = 50
const SHORTEST_MS = 0.02
const LONGEST_MS = 10
/** How often it looks how many CPUs there are, at most: as Go. */
const CPUS_EVERY_MS = 1000

/** What the monitor is told. */
export interface SysmonTask {
  readonly buffer: Region
  /** Prints the scheduler's trace so often, in milliseconds; 0: never. And whether in detail. */
  readonly schedtrace: number
  readonly scheddetail: boolean
  /** The folder that holds `proc` and `sys`. */
  readonly sysroot: string
}

/** By thread, the step in which it was last seen, and since when. */
const steps: number[] = []
const since: number[] = []

/** SIGUSR2 has come to this thread so often, and only to the main thread so often. */
let heard = 0
let missed = 0
/** Signals of this thread's that are not answered yet. */
let due = 0

/** A SIGUSR2 has come to this thread. */
export function noteSignal(): void {
  heard++
  due++
  self.wakeSelf()
}

/** Watches until the runtime stops. `reports` gives what it may have to print, which takes some loading. */
export async function sysmon(task: SysmonTask, reports: () => Promise<Reports>): Promise<void> {
  const { buffer, schedtrace, scheddetail, sysroot } = task
  joinRegion(buffer, SYSMON_M)
  const start = now()
  let traced = start
  let turned = start
  let counted = start
  let delay = SHORTEST_MS
  while (!isStopping()) {
    const time = now()
    if (schedtrace > 0 && time - traced >= schedtrace) {
      traced = time
      writeSync(2, (await reports()).formatTrace(time - start, scheddetail))
    }
    if (time - turned >= LONGEST_MS) {
      turned = time
      await turn()
    }
    if (isSignalled()) await dump(reports)
    if (time - counted >= CPUS_EVERY_MS) {
      counted = time
      followCPUs(sysroot)
    }
    // Who traces does not sleep for long.
    if (schedtrace === 0 && delay === LONGEST_MS && isIdle()) {
      await sleepWhileIdle()
      delay = SHORTEST_MS
    } else {
      wait(self.m + M.ticket, 0, delay)
      if (retake()) delay = SHORTEST_MS
      else delay = Math.min(delay * 2, LONGEST_MS)
    }
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function isIdle(): boolean {
  for (let t = 1; t < self.procs.threads; t++) {
    const state = self.idle.stateOf(t)
    if (state === BUSY || state === SPINNING) return false
  }
  return true
}

async function sleepWhileIdle(): Promise<void> {
  const woken = new Promise<void>((resolve) => {
    self.wakeSelf = resolve
    self.note.arm(resolve)
  })
  self.note.prepare(POLL)
  // A thread that became busy before this look is seen here; one after it sees that it has to wake us. So it is with signals.
  if (isIdle() && !isSignalled() && !isStopping()) await woken
  self.note.cancel()
}

const isSignalled = (): boolean => due > 0 || load(SCHED + Sched.signals) > heard + missed

/**
 * Prints what every goroutine does, once for each SIGUSR2. The system gives it to each event loop that listens, at the same time; but the
 * main thread listens before this thread is there, and this one may have no means to. So the main thread counts what comes to it, and one that
 * was not heard here, though its event loop has been all the way round since the main thread's count was read, is a dump too.
 */
async function dump(reports: () => Promise<Reports>): Promise<void> {
  const { formatDump } = await reports()
  const counted = load(SCHED + Sched.signals)
  // The first may begin behind the place where events are taken in.
  await turn()
  await turn()
  if (counted > heard + missed) {
    missed = counted - heard
    due++
  }
  for (; due > 0; due--) writeSync(2, `${formatDump()}\n`)
}

/** The CPUs that this process may use have become more or fewer: so do processors, unless somebody has said how many there are to be. */
function followCPUs(sysroot: string): void {
  if (!self.procs.followsCPUs) return
  if (self.procs.follow(numCPU(sysroot))) fitThreads()
}

/** Takes the processor of the thread that has been in one step for longest, if all of them are in one for long. Whether it has. */
function retake(): boolean {
  const time = now()
  let first = 0
  let overtaken = 0
  let allAreLong = true
  for (let t = 1; t < self.procs.threads; t++) {
    const state = self.idle.stateOf(t)
    const isRunning = load(mAt(t) + M.status) === M_RUNNING
    const step = stepOf(t)
    if (steps[t] !== step || !isRunning || state === NONE) {
      steps[t] = step
      since[t] = time
    }
    if (state === NONE && isRunning && !self.procs.isInLine(t)) overtaken++
    if (isRunning && time - since[t]! >= STEP_MS) store(mAt(t) + M.preempt, ASKED)
    if (state === NONE) continue
    if (state !== BUSY || !isRunning || time - since[t]! < STEP_MS) allAreLong = false
    else if (first === 0 || since[t]! < since[first]!) first = t
  }
  if (!allAreLong || first === 0 || self.procs.hasUnused) return false
  const { isWanted } = self.procs
  const most = isWanted || self.procs.hasSpare() ? STEP_MS : STEP_BEFORE_START_MS
  if (time - since[first]! < most * 2 ** overtaken || !(isWanted || anyWork())) return false
  if (!self.procs.overtake(first, () => stepOf(first) === steps[first])) return false
  if (anyWork()) wakep()
  return true
}

/** Changes whenever thread `t` comes back to its loop or starts a goroutine. */
const stepOf = (t: number): number => (load(pAt(t) + P.schedtick) + load(pAt(t) + P.turns)) | 0
