/**
 * What goroutines print. On a thread that is not the main one Node makes `stdout` and `stderr` streams of messages to the main thread:
 * what is printed arrives there after what the main thread prints next, not at all while it computes, and not if the process ends
 * before (nodejs/node#40961). So it is written to the process's own descriptors at once, as in Go: what a goroutine has printed
 * before it sends, or ends, stands before what the receiver prints.
 *
 * A descriptor that can't take it now is a reader who is slow: the thread waits for it, as in Go. If that takes long, the rest goes
 * Node's way, since the reader may be the main thread. Such output under way counts like a goroutine on its way home: the process
 * waits for it.
 */
import { writeSync } from 'node:fs'
import type { Writable } from 'node:stream'
import { wait } from '@goro/memory'
import { M } from './m.ts'
import { hold, self, unhold } from './sched.ts'

let printed = false
/** Writes that hold the process open. */
let writes = 0

/**
 * Takes over what is printed on this thread. Called once, before any goroutine runs.
 *
 * @param atOnce whether it is to go to the process's descriptors.
 */
export function watchOutput(atOnce: boolean): void {
  const streams = [process.stdout, process.stderr]
  for (const [i, stream] of streams.entries()) {
    if (atOnce) writeAtOnce(stream, i + 1)
    const write = stream.write.bind(stream) as (...args: unknown[]) => boolean
    stream.write = (...args: unknown[]) => {
      printed = true
      return write(...args)
    }
  }
}

type Chunk = Parameters<NonNullable<Writable['_writev']>>[0][number]

function writeAtOnce(stream: Writable, fd: number): void {
  const byMessage = stream._writev!.bind(stream)
  stream._writev = (chunks, callback) => {
    try {
      const rest = writeAll(fd, chunks)
      if (rest.length > 0) byMessage(rest, callback)
      else callback()
    } catch (error) {
      callback(error as Error)
    }
  }
}

/** How long a reader may take to make room, in milliseconds. */
const PATIENCE_MS = 1000
/** Node has no way to wait for a descriptor but an event loop's: this is how long it is left alone before it is tried again. */
const NAP_MS = 1

/** Writes what the descriptor takes before the patience ends; returns the rest. */
function writeAll(fd: number, chunks: readonly Chunk[]): Chunk[] {
  let naps = 0
  for (const [i, { chunk, encoding }] of chunks.entries()) {
    let bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : (chunk as Uint8Array)
    while (bytes.length > 0) {
      const written = tryWrite(fd, bytes)
      if (written === 0 && naps++ * NAP_MS >= PATIENCE_MS)
        return [{ chunk: bytes, encoding: 'utf8' as const }, ...chunks.slice(i + 1)]
      // While it runs it is not in line for a processor.
      if (written === 0) wait(self.m + M.ticket, 0, NAP_MS)
      else naps = 0
      bytes = bytes.subarray(written)
    }
  }
  return []
}

/** How many of the bytes the descriptor takes now. */
function tryWrite(fd: number, bytes: Uint8Array): number {
  try {
    return writeSync(fd, bytes)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0
    throw error
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
