/**
 * Values on their way through shared structs: a cell of four words.
 *
 *   word 0   the tag of value.ts, or BLOCK
 *   word 1   nothing
 *   2 and 3  the value; or the address and the length in bytes of the block that holds it
 *
 * A cell is encoded before a lock is taken and decoded after it is released; in between it is only copied. Whoever takes it out
 * decodes it, once.
 */
import { alloc, bytes, free, read, write } from '@goro/memory'
import { BLOCK } from './g.ts'
import { copied, decode, type EncodeOptions, encode, packCell, unpackCell, writeMessage } from './value.ts'

/** Writes `value` into the cell at the even address `at`. @throws DataCloneError, OutOfMemoryError: then nothing is held. */
export function writeCell(value: unknown, at: number, options: EncodeOptions): void {
  const tag = packCell(value, at + 2)
  if (tag !== 0) write(at, tag)
  else writeBlock(value, at, options)
}

function writeBlock(value: unknown, at: number, options: EncodeOptions): void {
  const encoded = encode(value, options, alloc)
  writeMessage(encoded)
  write(at + 2, encoded.block)
  write(at + 3, encoded.length)
  write(at, BLOCK)
}

/** Takes the value out of a cell, in which there is none from then on: whoever buries this thread does not take it out again. */
export function readCell(at: number): unknown {
  const tag = read(at)
  write(at, 0)
  if (tag !== BLOCK) return unpackCell(tag, at + 2)
  const block = read(at + 2)
  try {
    return decode(bytes(block, read(at + 3)))
  } finally {
    free(block)
  }
}

/** A copy of the value in a cell, which stays there. */
export function copyOf(at: number): unknown {
  const tag = read(at)
  return tag === BLOCK ? copied(() => decode(bytes(read(at + 2), read(at + 3)))) : copied(() => unpackCell(tag, at + 2))
}

/** Throws the value in a cell away: handles in it are let go of. */
export function dropCell(at: number): void {
  if (read(at) !== 0) readCell(at)
}
