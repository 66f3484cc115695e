/**
 * The audit (`GORODEBUG=audit`): that no more threads run goroutine code than there are processors. A step is what a thread runs without
 * coming back to its loop: the first of a goroutine, or a turn of the microtasks or of the event loop, in which others go on. At the beginning
 * of each one the threads that are in one are counted, under the lock under which processors change hands, so that it is one moment's
 * number; and no goroutine is begun in none. Left out is who is in `blocking` code, and who has lost its processor in the middle of the
 * step. Any that are more than the processors are a mistake of the scheduler's: the process says so and is killed.
 *
 *   OUT ── a step begins, with a processor ──> IN ── the monitor takes that ──> OVERTAKEN
 *    └── sleeps, blocks, gives the processor up ──┴─────────────────────────────────┘
 *
 * One that is held up between getting a processor and beginning its step may be OVERTAKEN at once.
 *
 * While it is off, each step asks a variable of this module whether it is on.
 */
import { writeSync } from 'node:fs'
import { add, load } from '@goro/memory'
import { M, OUT } from './m.ts'
import { isStopping, mAt, SCHED, Sched, self } from './sched.ts'

let on = false

/** Turns the audit on for this thread. */
export function startAudit(): void {
  on = true
}

/** This thread begins a step, if it has a processor. */
export function beginStep(): void {
  if (on) count()
}

/** This thread goes on with a step, for which it has waited until it had a processor. */
export function resumeStep(): void {
  beginStep()
  checkStep()
}

/** A goroutine begins, or goes on, in this step. */
export function checkStep(): void {
  if (on && !isStopping() && load(self.m + M.step) === OUT) fail(`M${self.id} runs goroutine code without a processor`)
}

/** The step is over: this thread is about to sleep. */
export function endStep(): void {
  if (on) self.procs.endStep()
}

function count(): void {
  const { running, processors } = self.procs.beginStep()
  add(SCHED + Sched.audited, 1)
  if (running > processors) fail(`${running} threads run goroutine code, and there are ${processors} processors`)
}

/** Ends the process, and not this thread alone: that nobody would notice. */
function fail(what: string): void {
  writeSync(2, `goro: audit: ${what}; please report this: ${who()}\n`)
  process.kill(process.pid, 'SIGKILL')
}

/** By thread that is in a step: that, its state in the idle set and its own. */
function who(): string {
  const threads = Array.from({ length: self.procs.threads }, (_, id) => id).filter(
    (id) => load(mAt(id) + M.step) !== OUT,
  )
  return threads
    .map((id) => `M${id} ${load(mAt(id) + M.step)} ${self.idle.stateOf(id)} ${load(mAt(id) + M.status)}`)
    .join(', ')
}

/** What the audit has looked at, for the end of the process. */
export function formatAudit(): string {
  return `goro: audit: ${load(SCHED + Sched.audited) >>> 0} steps, and never more threads in one than processors\n`
}
