/**
 * What each goroutine is doing, and since when: `runtime.goroutines()`, `runtime.dump()`, and the last words of a deadlock.
 *
 * A waiter says for which goroutine it waits if that is known: in a goroutine's first step, and later where Node keeps track of
 * what continues what (24 and later; local.ts says how far). Of the rest it is known on which thread they wait: they are told off to
 * that thread's goroutines that wait for nothing else that is known, the longest waiting to the oldest.
 */
import { writeSync } from 'node:fs'
import { G_CLASS, load, read, readF64, SUDOG_CLASS } from '@goro/memory'
import { Chan } from './chan.ts'
import { SLEEP } from './clock.ts'
import { describeCode } from './code.ts'
import { CANCELLED, DONE, G, IDLE, isPinned, NOBODY, RUNNABLE, RUNNING, WAITING } from './g.ts'
import { KIND } from './handle.ts'
import { MAIN_M } from './m.ts'
import { namesOfGoroutines } from './names.ts'
import { now } from './native.ts'
import { self } from './sched.ts'
import { SUDOG_NOTE, SUDOG_PARKED, Sudog, Waitable } from './sudog.ts'

/** The main program's own id, as in Go. */
export const MAIN_GOID = 1

/** One goroutine, as `runtime.goroutines()` shows it. */
export interface GoroutineInfo {
  readonly id: number
  readonly name: string
  readonly state: 'runnable' | 'running' | 'waiting'
  /** What it waits for, in Go's words, such as `chan receive`; undefined unless it waits. */
  readonly waitReason: string | undefined
  /** How long it has waited for that, in seconds; 0 if that is not known. */
  readonly age: number
  /** Where its function is defined. */
  readonly definedAt: string
  /** Who started a goroutine of this function first, and where. */
  readonly createdAt: string
}

/** What a waiter waits for: `list` is the queue it stands in. By kind of handle. */
const reasons = new Map<number, (on: number, list: number) => string>([
  [KIND.chan, (on, list) => (list === on + Chan.receivers ? 'chan receive' : 'chan send')],
])

/** Says in which words a wait on a handle of `kind` is shown. */
export function nameWaits(kind: number, reason: (on: number, list: number) => string): void {
  reasons.set(kind, reason)
}

interface Wait {
  readonly goid: number
  readonly owner: number
  readonly reason: string
  readonly since: number
}

function waits(): Wait[] {
  const found: Wait[] = []
  self.slab.walk(SUDOG_CLASS, (sudog) => {
    const status = load(sudog + Sudog.status)
    if (status === SUDOG_NOTE) found.push(waitOf(sudog, read(sudog + Sudog.info) === SLEEP ? 'sleep' : 'waiting'))
    if (status !== SUDOG_PARKED || read(sudog + Sudog.select) !== 0 || read(sudog + Sudog.goid) === NOBODY) return
    const list = read(sudog + Sudog.list)
    const on = read(sudog + Sudog.on)
    const reason = on === 0 ? 'select' : (reasons.get(read(on + Waitable.kind))?.(on, list) ?? 'waiting')
    found.push(waitOf(sudog, reason))
  })
  return found.sort((a, b) => a.since - b.since)
}

function waitOf(sudog: number, reason: string): Wait {
  const [owner, goid, since] = [read(sudog + Sudog.owner), read(sudog + Sudog.goid), read(sudog + Sudog.since)]
  return { goid, owner, reason, since }
}

/** All goroutines that have not ended, the main program's waits first, then by id. */
export function goroutines(): GoroutineInfo[] {
  const parked = waits()
  const names = namesOfGoroutines()
  const time = (performance.timeOrigin + now()) / 1000
  const ageOf = (wait: Wait) => Math.max(0, Math.floor(time - wait.since))
  const list: GoroutineInfo[] = []
  for (const wait of parked.filter(({ owner }) => owner === MAIN_M)) {
    list.push({ ...MAIN_INFO, state: 'waiting', waitReason: wait.reason, age: ageOf(wait) })
  }
  const byGoid = new Map<number, Wait>()
  const unknown = new Map<number, Wait[]>()
  for (const wait of parked) {
    if (wait.owner === MAIN_M) continue
    if (wait.goid !== 0) byGoid.set(wait.goid, wait)
    else unknown.set(wait.owner, [...(unknown.get(wait.owner) ?? []), wait])
  }
  const gs: number[] = []
  self.slab.walk(G_CLASS, (g) => {
    const status = load(g + G.status)
    if (status !== IDLE && status !== DONE && status !== CANCELLED) gs.push(g)
  })
  gs.sort((a, b) => readF64(a + G.goid) - readF64(b + G.goid))
  for (const g of gs) {
    const status = load(g + G.status)
    const id = readF64(g + G.goid)
    const wait = status === WAITING ? (byGoid.get(id | 0) ?? unknown.get(read(g + G.m))?.shift()) : undefined
    const { name, file, line, column, createdAt } = describeCode(read(g + G.code))
    list.push({
      id,
      name: names.get(id) ?? name,
      state: status === RUNNABLE ? 'runnable' : status === RUNNING ? 'running' : 'waiting',
      waitReason: status === WAITING ? (wait?.reason ?? (isPinned(g) ? 'pinned' : 'waiting for a promise')) : undefined,
      age: wait === undefined ? 0 : ageOf(wait),
      definedAt: `${file}:${line + 1}:${column + 1}`,
      createdAt,
    })
  }
  return list
}

const MAIN_INFO = { id: MAIN_GOID, name: 'main', definedAt: '', createdAt: '' }

/** The dump in Go's form. */
export function formatGoroutines(list: readonly GoroutineInfo[]): string {
  return list.map(format).join('\n\n')
}

function format({ id, name, state, waitReason, age, definedAt, createdAt }: GoroutineInfo): string {
  const minutes = Math.floor(age / 60)
  const since = minutes === 0 ? '' : `, ${minutes} minute${minutes === 1 ? '' : 's'}`
  const heading = `goroutine ${id} [${waitReason ?? state}${since}]:`
  if (id === MAIN_GOID) return `${heading}\n${name}`
  return `${heading}\n${name || '<anonymous>'}\n    at ${definedAt}\ncreated by ${createdAt}`
}

/** Go's last words, and its exit code. */
export function reportDeadlock(): never {
  const list = goroutines()
  const main = list.some(({ id }) => id === MAIN_GOID)
    ? list
    : [{ ...MAIN_INFO, state: 'waiting' as const, waitReason: 'waiting for a goroutine', age: 0 }, ...list]
  writeSync(2, `fatal error: all goroutines are asleep - deadlock!\n\n${formatGoroutines(main)}\n`)
  process.exit(2)
}
