/**
 * A failed goroutine that nobody awaits is an unhandled rejection on the main thread, fatal by Node's usual rules and printed
 * in Go's form. The rules are Node's own (`--unhandled-rejections`, `unhandledRejection` and `uncaughtException` listeners):
 * nothing here handles anything. Only what Node is about to print is put in Go's words, at the last moment.
 */
import { describeCode } from './code.ts'
import { Goroutine } from './goroutine.ts'

/** Failures that were raised as unhandled rejections, by what was thrown. */
const failures = new WeakMap<object, Goroutine<unknown>>()
/** The last one that threw no object, which Node wraps in an error of its own. */
let lastPrimitive: Goroutine<unknown> | undefined

/** Notes that `goroutine` failed with `reason` and is not awaited. */
export function noteUnawaited(goroutine: Goroutine<unknown>, reason: unknown): void {
  if (typeof reason === 'object' && reason !== null) failures.set(reason, goroutine)
  else lastPrimitive = goroutine
}

export function installPanic(): void {
  process.on('uncaughtExceptionMonitor', (error: unknown, origin) => {
    if (origin !== 'unhandledRejection' || process.listenerCount('uncaughtException') > 0) return
    if (!(error instanceof Error)) return
    const wrapped = (error as NodeJS.ErrnoException).code === 'ERR_UNHANDLED_REJECTION'
    const goroutine = wrapped ? lastPrimitive : failures.get(error)
    if (goroutine !== undefined) error.stack = formatPanic(error, goroutine)
  })
}

/** Go's form: the panic, the goroutine, its stack, and who made it. */
export function formatPanic(error: Error, goroutine: Goroutine<unknown>): string {
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  const code = Goroutine.codeOf(goroutine)
  const name = goroutine.name === '' ? '' : ` "${goroutine.name}"`
  const created = code === 0 ? [] : [`created by ${describeCode(code).createdAt}`]
  return [
    `panic: ${error.name}: ${error.message}`,
    '',
    `goroutine ${goroutine.id} [running]:${name}`,
    ...frames,
    ...created,
  ].join('\n')
}
