/**
 * pin: a goroutine that has a thread to itself and owns a value there; its creator uses that from afar, by a Comlink `Remote`.
 *
 *   creator                                     goroutine
 *   pin(factory, …) ── go, with a line ──────>  locks its thread, value = await factory(…)
 *   has the remote  <── greets ───────────────  exposes the value
 *   remote.f(…)     ── request ──────────────>  value.f(…)
 *                   <── what it returned, or threw
 *   released, by hand or as garbage ─────────>  disposes of the value and ends, and so does its thread
 *
 * The goroutine waits for as long as somebody may use the value. It counts as one, but not as one that holds the process open or that
 * `shutdown` waits for (`M.pins`); who waits for an answer does.
 */
import { load, store, write } from '@goro/memory'
import type { ProxyMarked, Remote } from 'comlink'
import { close } from './channel.ts'
import { comlink } from './control.ts'
import { G, isPinned, NOBODY } from './g.ts'
import { Goroutine, noteAwaited } from './goroutine.ts'
import { addressOf, release, retainIfAlive } from './handle.ts'
import { disposable, Line, type LineEnd } from './line.ts'
import { M } from './m.ts'
import { self } from './sched.ts'
import { ensureJoined, newproc, type Transferable } from './spawn.ts'

/**
 * Starts a goroutine that locks its thread and owns what `factory(...args)` returns. Resolves to a remote of that; rejects with what the
 * factory throws, and with what `newproc` throws.
 */
export async function pin(
  factory: (...args: never[]) => unknown,
  args: readonly unknown[],
  api: string,
): Promise<Remote<unknown> & Disposable & AsyncDisposable> {
  ensureJoined()
  const [line, other] = Line.pair()
  let ended!: (failed: boolean, reason: unknown) => void
  const end = new Promise<void>((resolve, reject) => {
    ended = (failed, reason) => {
      line.end(failed ? reason : new Error(RELEASED))
      if (failed) reject(reason)
      else resolve()
    }
  })
  // Whoever uses the value is told by his call.
  end.catch(() => {})
  const goroutine = newproc(factory, args, api, { line: other })
  Goroutine.watch(goroutine, ended)
  const remote = comlink().wrap<unknown>(line)
  noteAwaited(1)
  try {
    await Promise.race([line.greeting, end])
  } finally {
    noteAwaited(-1)
  }
  return disposable(remote, line, () => end) as never
}

const RELEASED = 'pin: what was pinned has been released'

/** The pinned goroutine `g`: makes the value and owns it until nobody can use it any more. */
export async function own(g: number, end: LineEnd, make: () => unknown): Promise<void> {
  const value = await make()
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) {
    throw new TypeError(`pin: the factory is to return an object or a function, not ${String(value)}`)
  }
  const line = new Line(end)
  comlink().expose(value, line)
  write(self.m + M.pins, 1)
  // If its creator's thread dies it is to end: the undertaker sees the one, or this sees the other.
  store(g + G.cell1, addressOf(end[0]))
  if (load(g + G.creator) === NOBODY) line.end(undefined)
  else line.greet()
  await line.over
  line.end(new Error(RELEASED))
  write(self.m + M.pins, 0)
  await disposeOf(value)
}

/** Nobody uses what the pinned goroutine `g` owns: its creator is dead. */
export function abandon(g: number): void {
  const requests = load(g + G.cell1)
  if (requests === 0 || !retainIfAlive(requests)) return
  // If it has not ended by now, that is still its channel.
  if (isPinned(g)) close(requests)
  release(requests)
}

async function disposeOf(value: object): Promise<void> {
  const { [Symbol.asyncDispose]: disposeAsync, [Symbol.dispose]: dispose } = value as Partial<
    AsyncDisposable & Disposable
  >
  if (typeof disposeAsync === 'function') await disposeAsync.call(value)
  else if (typeof dispose === 'function') dispose.call(value)
}

/** Comlink's `proxy`, of the Comlink that the runtime uses. */
export function pinProxy<T extends object>(value: T): T & ProxyMarked {
  return comlink().proxy(value)
}

/** Comlink's `transfer`, of the Comlink that the runtime uses. */
export function pinTransfer<T extends object>(value: T, transfer: readonly Transferable[]): T {
  return comlink().transfer(value, transfer as never)
}
