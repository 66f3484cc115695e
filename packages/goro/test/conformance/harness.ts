/**
 * What a case of the conformance suite is written in, and where its parties run.
 *
 * A case is a function of one parameter, the harness `T`: the whole of goro, checks, and `spawn`, which starts a party: a function of
 * `T` and of what else it is given. *Where* is the placement's business, so the same case runs in all of them. For that, a case
 * and its parties use nothing but their parameters: on other threads there is nothing else. The suite is of the runtime, without the
 * compiler, so what a party needs from a module it imports itself.
 *
 *   main        the case and its parties are tasks of the main thread
 *   goroutine   the case is a goroutine, its parties are tasks of it: one thread that is not the main thread
 *   main+go     the case is on the main thread, its parties are goroutines
 *   go+go       the case and its parties are goroutines. With GOMAXPROCS=1 they share a P; else every other party is held off from the
 *               case's own P until another one has it, so that the two sides are on different threads for certain
 */
import assert from 'node:assert/strict'
import v8 from 'node:v8'
import vm from 'node:vm'
import { isMainThread } from 'node:worker_threads'
import * as goro from 'goro'

export const PLACES = ['main', 'goroutine', 'main+go', 'go+go'] as const
export type Place = (typeof PLACES)[number]

/** What a placement-free case needs: a thread; or what a case about threads needs: goroutines. */
export const ALONE: readonly Place[] = ['main', 'goroutine']
export const THREADS: readonly Place[] = ['main+go', 'go+go']

type Goro = typeof goro

/** What an error has to be: its class by name, and its message or a part of it. */
export interface Expected {
  readonly name?: string
  readonly message?: string | RegExp
}

export interface T extends Goro {
  readonly place: Place
  /** Starts a party. The case has ended only when its parties have, and fails when one does. */
  spawn<A extends unknown[], R>(fn: (t: T, ...args: A) => R, ...args: A): Promise<Awaited<R>>
  /** Starts a party that waits for ever: nobody waits for it. */
  leave<A extends unknown[]>(fn: (t: T, ...args: A) => unknown, ...args: A): void
  /** For a case, not for a party: resolves when `n` waits that began since the case did are in their queues. */
  parked(n: number): Promise<void>
  /** Lets the thread's event loop turn, `times` times. */
  turn(times?: number): Promise<void>
  /** Collects this thread's garbage, and resolves when what was found has been given back. */
  collect(): Promise<void>
  /** Turns until `condition` holds. */
  until(condition: () => boolean): Promise<void>
  equal<V>(actual: V, expected: V, message?: string): void
  ok(value: unknown, message?: string): void
  throws(fn: () => unknown, expected: Expected): void
  rejects(promise: PromiseLike<unknown>, expected: Expected): Promise<void>
  /** Resolves if `promise` is still pending when everything that can run now has run. */
  blocks(promise: PromiseLike<unknown>): Promise<void>
}

export type Body = (t: T) => unknown

export interface CaseOptions {
  /** Where it makes sense; default: everywhere. */
  readonly places?: readonly Place[]
  /** How many goroutines it leaves behind, of those that it has started as parties. */
  readonly leaves?: number
}

export interface Case extends CaseOptions {
  /** The Go source that the meaning comes from. */
  readonly source: string
  readonly name: string
  readonly body: Body
}

/** A case that ends its process, and is a program of its own: on the main thread, its parties are goroutines. */
export interface Program extends Case {
  readonly code: number
  readonly stdout: string
  /** What stderr has to match; without any it has to be empty. */
  readonly stderr: readonly RegExp[]
}

export const suite: Case[] = []
export const programs: Program[] = []

/** How the cases of one Go source are written down. */
export function cases(source: string) {
  return (name: string, body: Body, options: CaseOptions = {}): void => {
    suite.push({ source, name, body, ...options })
  }
}

export function programsOf(source: string) {
  return (name: string, expected: Partial<Pick<Program, 'code' | 'stdout' | 'stderr'>>, body: Body): void => {
    programs.push({ source, name, body, code: 0, stdout: '', stderr: [], ...expected })
  }
}

export const idOf = ({ source, name }: Case): string => `${source} > ${name}`

// --- where parties run

interface Global {
  goroConformance?: { startParty: typeof startParty; startCase: typeof startCase }
}

/** A party, as a goroutine: the first on a thread loads this module there. */
export function party(
  module: string,
  place: Place,
  source: string,
  running: goro.AtomicInt32 | null,
  ...args: unknown[]
) {
  running?.store(1)
  const { goroConformance: here } = globalThis as Global
  if (here !== undefined) return here.startParty(place, source, args)
  return import(module).then(() => (globalThis as Global).goroConformance!.startParty(place, source, args))
}

/** A case, as a goroutine. */
export function caseOnThread(module: string, place: Place, id: string) {
  const { goroConformance: here } = globalThis as Global
  if (here !== undefined) return here.startCase(place, id)
  return import(module).then(() => (globalThis as Global).goroConformance!.startCase(place, id))
}

const compiled = new Map<string, (t: T, ...args: unknown[]) => unknown>()

function startParty(place: Place, source: string, args: unknown[]): unknown {
  let fn = compiled.get(source)
  if (fn === undefined) {
    // Unlike a script of `node:vm`, it may import.
    fn = new Function(`return (${source}\n)`)() as (t: T, ...args: unknown[]) => unknown
    compiled.set(source, fn)
  }
  const { t, ended } = harness(place)
  return ended(() => fn(t, ...args))
}

function startCase(place: Place, id: string): unknown {
  const { t, ended } = harness(place, true)
  return ended(() => suite.find((each) => idOf(each) === id)!.body(t))
}

;(globalThis as Global).goroConformance = { startParty, startCase }

/** Longest that a spin for another thread may last, and a wait for what has to come: a hang is a failure. */
const PATIENCE_MS = 20_000

let odd = false

/** Starts a goroutine; in `go+go` every other one only returns when another P has it. */
function startGoroutine(place: Place, fn: (...args: never[]) => unknown, args: unknown[]): goro.Goroutine<unknown> {
  odd = !odd
  const running =
    place === 'go+go' && odd && !isMainThread && goro.runtime.gomaxprocs() > 1 ? new goro.AtomicInt32() : null
  const g = goro.go(party, import.meta.url, place, fn.toString(), running, ...args)
  const end = performance.now() + PATIENCE_MS
  while (running?.load() === 0) if (performance.now() > end) throw new Error('no other P has taken the party')
  return g as goro.Goroutine<unknown>
}

let gc: (() => void) | undefined

/** V8 shows the means to a context that is made while the flag is set. */
function collectGarbage(): void {
  v8.setFlagsFromString('--expose-gc')
  gc ??= vm.runInNewContext('gc') as () => void
  gc()
}

const turnOf = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Goroutines, and tasks of the main program, that wait for one another. */
function waits(): number {
  return goro.runtime.goroutines().filter((g) => g.waitReason !== undefined && !/promise/.test(g.waitReason)).length
}

function same(error: unknown, { name, message }: Expected): void {
  assert.ok(error instanceof Error, `an error was expected, not ${String(error)}`)
  if (name !== undefined) assert.equal(error.name, name)
  if (typeof message === 'string') assert.equal(error.message, message)
  else if (message !== undefined) assert.match(error.message, message)
}

/** The harness of a case or a party; `ended` runs it, and all that it has spawned, to the end. */
export function harness(place: Place, isCase = false): { t: T; ended<R>(run: () => R): R | Promise<R> } {
  const asTasks = place === 'main' || place === 'goroutine'
  const before = !asTasks && isCase ? waits() : 0
  const parties: Promise<unknown>[] = []

  const start = (fn: (t: T, ...args: never[]) => unknown, args: unknown[]): Promise<unknown> => {
    if (!asTasks) return Promise.resolve(startGoroutine(place, fn as never, args))
    const own = harness(place)
    return (async () => own.ended(() => fn(own.t, ...(args as never[]))))()
  }

  const t: T = {
    ...goro,
    place,
    spawn(fn, ...args) {
      const started = start(fn as never, args)
      parties.push(started)
      return started as never
    },
    leave(fn, ...args) {
      // To await a goroutine is to wait for it.
      if (asTasks) void start(fn as never, args)
      else startGoroutine(place, fn as never, args)
    },
    async turn(times = 1) {
      for (let i = 0; i < times; i++) await turnOf()
    },
    async collect() {
      collectGarbage()
      await t.turn(3)
    },
    async until(condition) {
      const end = performance.now() + PATIENCE_MS
      while (!condition()) {
        if (performance.now() > end) throw new Error(`it never came true: ${condition.toString()}`)
        await turnOf()
      }
    },
    async parked(n) {
      if (asTasks) return t.turn(3)
      await t.until(() => waits() - before >= n)
    },
    equal: (actual, expected, message) => assert.deepStrictEqual(actual, expected, message),
    ok: (value, message) => assert.ok(value, message),
    throws(fn, expected) {
      let result: unknown
      try {
        result = fn()
      } catch (error) {
        same(error, expected)
        return
      }
      assert.fail(`an error was expected, not ${String(result)}`)
    },
    async rejects(promise, expected) {
      let result: unknown
      try {
        result = await promise
      } catch (error) {
        same(error, expected)
        return
      }
      assert.fail(`an error was expected, not ${String(result)}`)
    },
    async blocks(promise) {
      const pending = Symbol('pending')
      const seen = await Promise.race([promise, t.turn(5).then(() => pending)])
      assert.equal(seen, pending, 'it should have waited')
    },
  }

  const ended = <R>(run: () => R): R | Promise<R> => {
    const result = run()
    if (!(result instanceof Promise) && parties.length === 0) return result
    return (async () => {
      // A party that fails is why the case may never end.
      const failure = new Promise<never>((_, reject) => {
        for (const each of parties) each.catch(reject)
        const push = parties.push.bind(parties)
        parties.push = (...more) => {
          for (const each of more) each.catch(reject)
          return push(...more)
        }
      })
      const value = await Promise.race([result, failure])
      for (const each of parties) await each
      return value as R
    })()
  }
  return { t, ended }
}
