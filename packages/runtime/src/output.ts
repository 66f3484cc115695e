/**
 * What goroutines print. On a thread that is not the main one `stdout` and `stderr` are streams of messages to the main thread,
 * which acknowledges them; a process that ends before that loses lines (nodejs/node#40961). So output that is under way counts
 * like a goroutine on its way home: the process waits for it.
 */
import { hold, unhold } from './sched.ts'

let printed = false
/** Writes that hold the process open. */
let writes = 0

/** Takes note of what is printed on this thread. Called once, before any goroutine runs. */
export function watchOutput(): void {
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream) as (...args: unknown[]) => boolean
    stream.write = (...args: unknown[]) => {
      printed = true
      return write(...args)
    }
  }
}

/** Before a goroutine goes home: holds the process open until what was printed has arrived. */
export function holdForOutput(): void {
  if (!printed) return
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.writableLength === 0) continue
    hold()
    writes++
    stream.write('', () => {
      writes--
      unhold()
    })
  }
  printed = false
}

/** Whether something that was printed has not arrived: then this thread must not block. */
export const isPrinting = (): boolean =>
  writes > 0 || process.stdout.writableLength > 0 || process.stderr.writableLength > 0
