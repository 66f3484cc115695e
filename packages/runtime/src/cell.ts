/**
 * Values on their way through shared structs: a cell of four words.
 *
 *   word 0   the tag of value.ts, or BLOCK; flags above it
 *   word 1   the parcel number of what is no bytes, if a flag says so
 *   2 and 3  the value; or the address and the length in bytes of the block that holds it
 *
 * A cell is encoded before a lock is taken and decoded after it is released; in between it is only copied. Whoever takes it out
 * decodes it, once.
 */
import { alloc, bytes, free, read, write, writeBytes } from '@goro/memory'
import { dropParcel, fetchParcel, sendParcel } from './control.ts'
import { BLOCK } from './g.ts'
import { copied, decode, type EncodeOptions, encode, packCell, unpackCell } from './value.ts'

/** Something in the value is no bytes and waits in the parcel. */
const EXTERNALS = 1 << 8

/** Writes `value` into the cell at the even address `at`. @throws DataCloneError, OutOfMemoryError: then nothing is held. */
export function writeCell(value: unknown, at: number, options: EncodeOptions): void {
  const tag = packCell(value, at + 2)
  if (tag !== 0) write(at, tag)
  else writeBlock(value, at, options)
}

function writeBlock(value: unknown, at: number, options: EncodeOptions): void {
  const encoded = encode(value, options)
  const block = alloc(encoded.bytes.length)
  writeBytes(block, encoded.bytes)
  write(at + 2, block)
  write(at + 3, encoded.bytes.length)
  write(at, BLOCK)
  if (encoded.externals === undefined) return
  try {
    write(at + 1, sendParcel(encoded.externals))
    write(at, BLOCK | EXTERNALS)
  } catch (error) {
    free(block)
    throw error
  }
}

/** Takes the value out of a cell. A promise of it, if something in it comes by another way. */
export function readCell(at: number): unknown {
  const tag = read(at)
  return (tag & 0xff) === BLOCK ? readBlock(tag, at) : unpackCell(tag, at + 2)
}

function readBlock(tag: number, at: number): unknown {
  const block = read(at + 2)
  const length = read(at + 3)
  if ((tag & EXTERNALS) === 0) return decodeBlock(block, length, undefined)
  return fetchParcel(read(at + 1)).then((externals) => decodeBlock(block, length, externals))
}

function decodeBlock(block: number, length: number, externals: readonly unknown[] | undefined): unknown {
  try {
    return decode(bytes(block, length), externals)
  } finally {
    free(block)
  }
}

/** A copy of the value in a cell, which stays there. */
export function copyOf(at: number): unknown {
  const tag = read(at)
  return (tag & 0xff) === BLOCK
    ? copied(() => decode(bytes(read(at + 2), read(at + 3))))
    : copied(() => unpackCell(tag, at + 2))
}

/** Whether the value in a cell can only be had later: something in it comes by another way. */
export function comesLater(at: number): boolean {
  return (read(at) & EXTERNALS) !== 0
}

/** Throws the value in a cell away: handles in it are let go of. */
export function dropCell(at: number): void {
  const tag = read(at)
  if ((tag & EXTERNALS) !== 0) {
    dropParcel(read(at + 1))
    free(read(at + 2))
  } else if (tag !== 0) {
    readCell(at)
  }
}
