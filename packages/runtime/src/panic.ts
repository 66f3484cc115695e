/**
 * A failed goroutine that nobody awaits is an unhandled rejection on the main thread, fatal by Node's usual rules and printed
 * in Go's form. The rules are Node's own (`--unhandled-rejections`, `unhandledRejection` and `uncaughtException` listeners):
 * nothing here handles anything. Only what Node is about to print is put in Go's words, at the last moment.
 */
import { inspect } from 'node:util'
import { describeCode } from './code.ts'
import { Goroutine } from './goroutine.ts'

/** Failures that were raised as unhandled rejections, by what was thrown. */
const failures = new WeakMap<object, Goroutine<unknown>>()
/** The last one that threw no object, which Node wraps in an error of its own. */
let lastPrimitive: { readonly goroutine: Goroutine<unknown>; readonly reason: unknown } | undefined

/** Notes that `goroutine` failed with `reason` and is not awaited. */
export function noteUnawaited(goroutine: Goroutine<unknown>, reason: unknown): void {
  // A promise that some code left behind, of no goroutine in particular: Node's own words are the right ones.
  if (Goroutine.codeOf(goroutine) === 0) return
  if (typeof reason === 'object' && reason !== null) failures.set(reason, goroutine)
  else lastPrimitive = { goroutine, reason }
}

export function installPanic(): void {
  process.on('uncaughtExceptionMonitor', (error: unknown, origin) => {
    if (origin !== 'unhandledRejection' || process.listenerCount('uncaughtException') > 0) return
    if (!(error instanceof Error)) return
    const goroutine = failures.get(error)
    if (goroutine !== undefined) {
      error.stack = formatPanic(`${error.name}: ${error.message}`, framesOf(error), goroutine)
    } else if ((error as NodeJS.ErrnoException).code === 'ERR_UNHANDLED_REJECTION' && lastPrimitive !== undefined) {
      // Node's own error says less than what was thrown: what it has is not to be printed beside it.
      for (const key of ['code', 'name']) Object.defineProperty(error, key, { enumerable: false })
      error.stack = formatPanic(inspect(lastPrimitive.reason), [], lastPrimitive.goroutine)
    }
  })
}

function framesOf(error: Error): string[] {
  return (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
}

/** Go's form: the panic, the goroutine, its stack, and who made it. */
function formatPanic(what: string, frames: readonly string[], goroutine: Goroutine<unknown>): string {
  const name = goroutine.name === '' ? '' : ` ${goroutine.name}`
  const heading = [`panic: ${what}`, '', `goroutine ${goroutine.id} [running]:${name}`]
  const code = Goroutine.codeOf(goroutine)
  if (code === 0) return [...heading, ...frames].join('\n')
  const { name: fn, file, line, column, createdAt } = describeCode(code)
  // What is no error has no stack: its function is the next best.
  const stack = frames.length > 0 ? frames : [`    at ${fn || '<anonymous>'} (${file}:${line + 1}:${column + 1})`]
  return [...heading, ...stack, `created by ${createdAt}`].join('\n')
}
