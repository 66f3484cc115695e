/**
 * Values on their way between threads. The result is always what `structuredClone` would give, except that errors keep more:
 * their class, `code` and own properties.
 *
 * A *cell* is a tag and two words: numbers, booleans, `null`, `undefined`, handles and strings of up to seven Latin-1
 * characters stand in it. Everything else is encoded into bytes, which the caller puts in a block of the slab:
 *
 *   value   = a tag, then what the tag says
 *   object  = every object gets a number, in the order in which it is met; meeting it again is a reference to that number,
 *             so what is shared, and what is cyclic, stays so
 *
 * One walk does it all, and no path is kept on the way: if something can't be sent, a second walk finds the path to it. What
 * is no bytes at all and can be had by every thread (a `SharedArrayBuffer`, a `Blob`) is a handle on its way (shared.ts). What only
 * one thread can have, a `MessagePort` that is transferred, is an external: its index is encoded, and the thing itself travels in
 * a parcel (control.ts).
 */
import { constants } from 'node:buffer'
import { inspect, types } from 'node:util'
import { deserialize, serialize } from 'node:v8'
import { bytes as blockBytes, free, OutOfMemoryError, read, readF64, write, writeBytes, writeF64 } from '@goro/memory'
import { dataCloneError, ERROR_CLASSES } from './errors.ts'
import { Goroutine } from './goroutine.ts'

// --- cells -----------------------------------------------------------------------------------------------------------------

const UNDEFINED = 1
const NULL = 2
const FALSE = 3
const TRUE = 4
/** A 32-bit integer. Kept apart from doubles: V8 makes a heap number of what is read as one, and code for doubles of that. */
const INT = 5
const DOUBLE = 6
/** One byte of length, seven of characters. */
const SHORT = 7
/** A handle: its kind and its address. */
export const HANDLE = 8

/** By this an object says that it is a handle: the number of its kind. */
export const handleKind: unique symbol = Symbol.for('goro.handleKind') as never
/** The address of what a handle refers to. */
export const handleAddress: unique symbol = Symbol.for('goro.handleAddress') as never

interface Handle {
  readonly [handleKind]: number
  readonly [handleAddress]: number
}

const handleKinds: ((address: number) => object)[] = []

/** Makes handles of `kind` (1 to 255) arrive as what `decode` makes of their address. */
export function registerHandle(kind: number, decodeHandle: (address: number) => object): void {
  handleKinds[kind] = decodeHandle
}

let share: ((object: object) => Handle) | undefined

/** Says as what handle an object is sent that is no bytes and that threads share, or copy by themselves. */
export function useShared(handleOf: (object: object) => Handle): void {
  share = handleOf
}

let retain: (handle: Handle) => void = () => {}
let retainAgain: (address: number) => void = () => {}
/** What is decoded stays where it is: a handle in it is one more. */
let copying = false

/** Calls `sent` with each handle that is sent, once for each message that carries it; `again` if one is decoded that is sent on. */
export function useRetain(sent: (handle: Handle) => void, again: (address: number) => void): void {
  retain = sent
  retainAgain = again
}

/** What `read` decodes, of a message that will be decoded again. */
export function copied<T>(read: () => T): T {
  const outer = copying
  copying = true
  try {
    return read()
  } finally {
    copying = outer
  }
}

/** Whether `value` is a handle, and so may be sent as its kind and address. */
export function isHandle(value: object): value is Handle {
  // A proxy may say anything, and its word would be taken for an address.
  return !types.isProxy(value) && typeof (value as Partial<Handle>)[handleKind] === 'number'
}

/** Writes `value` into the two words at the even address `at` and returns its tag; 0, and nothing written, if it does not fit. */
export function packCell(value: unknown, at: number): number {
  switch (typeof value) {
    case 'number':
      if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
        write(at, value)
        return INT
      }
      writeF64(at, value)
      return DOUBLE
    case 'undefined':
      return UNDEFINED
    case 'boolean':
      return value ? TRUE : FALSE
    case 'string':
      return packString(value, at)
    case 'object':
      if (value === null) return NULL
      if (!isHandle(value)) return 0
      write(at, value[handleKind])
      write(at + 1, value[handleAddress])
      retain(value)
      return HANDLE
    default:
      return 0
  }
}

function packString(text: string, at: number): number {
  const { length } = text
  if (length > 7) return 0
  let low = length
  let high = 0
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0xff) return 0
    if (i < 3) low |= code << (8 * (i + 1))
    else high |= code << (8 * (i - 3))
  }
  write(at, low)
  write(at + 1, high)
  return SHORT
}

/** Reads what `packCell` wrote. */
export function unpackCell(tag: number, at: number): unknown {
  switch (tag) {
    case INT:
      return read(at)
    case DOUBLE:
      return readF64(at)
    case NULL:
      return null
    case FALSE:
      return false
    case TRUE:
      return true
    case SHORT:
      return unpackString(read(at), read(at + 1))
    case HANDLE:
      return decodeHandle(read(at), read(at + 1))
    default:
      return undefined
  }
}

function unpackString(low: number, high: number): string {
  let text = ''
  for (let i = 0; i < (low & 0xff); i++) {
    text += String.fromCharCode(i < 3 ? (low >>> (8 * (i + 1))) & 0xff : (high >>> (8 * (i - 3))) & 0xff)
  }
  return text
}

/** This thread's handle of what is at `address`, in which a message has a part. */
export function decodeHandle(kind: number, address: number): object {
  const make = handleKinds[kind]
  if (make === undefined) throw dataCloneError(`a handle of kind ${kind} has come that this thread does not know`)
  if (copying) retainAgain(address)
  return make(address)
}

// --- bytes -----------------------------------------------------------------------------------------------------------------

// The first eight tags are those of cells.
const STRING8 = 9
const STRING16 = 10
const BIGINT = 11
const REFERENCE = 12
const OBJECT = 13
const ARRAY = 14
/** An array with holes or with properties that are no elements: its length, then all of them by name. */
const SPARSE = 15
const DATE = 16
const REGEXP = 17
const MAP = 18
const SET = 19
const BOXED = 20
const BUFFER = 21
const VIEW = 22
const ERROR = 23
const EXTERNAL = 24
/** A long array of primitives, by V8's own serializer: it alone can tell quickly that an array has no other properties. */
const PRIMITIVES = 25
/** As BUFFER, resizable. */
const RESIZABLE = 26

/** How `encode` is to go about it. */
export interface EncodeOptions {
  /** What a path begins with: `result`; or, if the value is an array of arguments, a function of their index. */
  readonly root: string | ((index: number) => string)
  /** What is moved instead of copied. */
  readonly transfer?: readonly unknown[] | undefined
  /** From how many bytes on a buffer in `transfer` is an external, for the caller to move. Default: none is. */
  readonly movedFrom?: number | undefined
  /** What a message ends with. */
  readonly suffix?: (() => string) | undefined
  /** The value was thrown and has to get through: what can't be sent in it is described instead. */
  readonly lossy?: boolean
}

/** What `encode` returns. */
export interface Encoded {
  /** The block that it was given for the message; 0 if it has not asked for one. */
  readonly block: number
  /** How many bytes the message has. */
  readonly length: number
  /** All of it, or what is not in pieces: a view of a scratch buffer, good until the next `encode` on this thread. */
  readonly bytes: Uint8Array
  /** What is copied from where it stands; undefined if there is nothing of the kind. */
  readonly pieces: readonly Piece[] | undefined
  /** What is no bytes, by its index; undefined if there is nothing of the kind. */
  readonly externals: unknown[] | undefined
  /** Whether there are handles in it, whose classes have to be there before it is decoded. */
  readonly handles: boolean
  /** Whether there is anything in it that is counted: handles, shared memory. */
  readonly counted: boolean
}

/** A part of a message that is long, and so is not copied twice: bytes, or a string in the encoding that it has. */
interface Piece {
  /** Where it belongs: after so many bytes of the scratch. */
  readonly at: number
  readonly length: number
  from: Uint8Array | string
  readonly encoding?: 'latin1' | 'utf16le'
}

/** As many bytes as make a piece. */
const PIECE = 1 << 12

let scratch = Buffer.allocUnsafeSlow(1 << 14)
let pos = 0
let pieces: Piece[] = []
/** Bytes in pieces so far: a place in the message is `pos` and this. */
let inPieces = 0
let seen = new Map<object, number>()
let externals: unknown[] | undefined
/** The handles in what is encoded. */
let handles: Handle[] = []
/** Whether there are others among them than those of `share`. */
let classes = false
let transferred: ReadonlySet<unknown> = new Set()
let movedFrom = Number.POSITIVE_INFINITY
let lossy = false

/** A double and its bytes. */
const double = new Float64Array(1)
const doubleBytes = new Uint8Array(double.buffer)

/** A scratch that has grown beyond this, in bytes, is given up after its use. */
const SCRATCH_KEPT = 1 << 22
/** Arrays longer than this are looked at by V8 if they hold nothing but primitives. */
const LONG_ARRAY = 256

/** What in a value can't be sent, with the reason; the path to it is found afterwards. */
class Unsendable {
  readonly value: unknown
  readonly reason: string

  constructor(value: unknown, reason: string) {
    this.value = value
    this.reason = reason
  }
}

/**
 * Encodes `value`. `room` gives a block for so many bytes, for the caller to write the message into.
 *
 * @throws DataCloneError naming the path to what can't be sent, and what `room` throws; then nothing has been transferred.
 */
export function encode(value: unknown, options: EncodeOptions, room: (bytes: number) => number = noRoom): Encoded {
  if (encoding) return encodeInside(value, options, room)
  if (scratch.length > SCRATCH_KEPT) scratch = Buffer.allocUnsafeSlow(1 << 14)
  encoding = true
  pos = 0
  pieces = NO_PIECES
  inPieces = 0
  seen = EMPTY
  externals = undefined
  handles = []
  classes = false
  lossy = options.lossy === true
  try {
    // Of what is encoded within another value, nothing is moved that the other one moves.
    transferred = options.transfer === undefined ? NOTHING : checkTransfer(options.transfer)
    movedFrom = options.movedFrom ?? Number.POSITIVE_INFINITY
    writeValue(value)
    if (pieces !== NO_PIECES) checkPieces()
    const length = pos + inPieces
    const block = room(length)
    // Only now that nothing can fail any more.
    detachAll(block)
    for (const each of handles) retain(each)
    return {
      block,
      length,
      // A plain view: to make a Buffer of it takes twice as long.
      bytes: new Uint8Array(scratch.buffer, scratch.byteOffset, pos),
      pieces: pieces === NO_PIECES ? undefined : pieces,
      externals,
      handles: classes,
      counted: handles.length > 0,
    }
  } catch (error) {
    if (error instanceof OutOfMemoryError) throw error
    if (!lossy) throw error instanceof Unsendable ? dataCloneError(refusalAt(error, value, options)) : error
    // A thrown error gets home whatever becomes of it: here as the reason why it could not be sent.
    const refused = dataCloneError(safely(() => refusal(error, value, options.root)) ?? 'error: it can not be read')
    encoding = false
    return encode(refused, { root: options.root, lossy: true }, room)
  } finally {
    encoding = false
    transferred = NOTHING
    seen = EMPTY
    pieces = NO_PIECES
  }
}

/** A getter that was read after a buffer may have taken its bytes away. */
function checkPieces(): void {
  for (const { from, length } of pieces) {
    if (typeof from !== 'string' && from.length !== length) {
      throw dataCloneError('an ArrayBuffer was transferred or resized while what it stands in was read')
    }
  }
}

const noRoom = () => 0

/**
 * Takes from the sender what is copied to be transferred; pieces of the message have it now. All or none: one may refuse to be detached, as a
 * WebAssembly memory does, and then there is no message for the `block`.
 */
function detachAll(block: number): void {
  const buffers: ArrayBuffer[] = []
  for (const each of transferred) if (types.isArrayBuffer(each) && !isExternal(each)) buffers.push(each)
  if (buffers.length === 0) return
  try {
    const moved = structuredClone(buffers, { transfer: buffers })
    for (const piece of pieces) {
      const i = typeof piece.from === 'string' ? -1 : buffers.indexOf(piece.from.buffer as ArrayBuffer)
      if (i >= 0) piece.from = new Uint8Array(moved[i] as ArrayBuffer)
    }
  } catch (error) {
    if (block !== 0) free(block)
    throw dataCloneError(`transfer: ${(error as Error).message}`)
  }
}

/**
 * Writes a message into the block at `address`, which has room for it. Pieces are written through a view of the block; in the explorer
 * that would be a copy, and an error: its values have none.
 */
export function writeMessage(message: Encoded, address = message.block): void {
  if (message.pieces === undefined) writeBytes(address, message.bytes)
  else join(message, blockBytes(address, message.length))
}

/** A message in one piece: a view of the scratch, or of bytes of its own. */
export function wholeOf(message: Encoded): Uint8Array {
  return message.pieces === undefined ? message.bytes : join(message, new Uint8Array(message.length))
}

function join({ bytes, pieces }: Encoded, target: Uint8Array): Uint8Array {
  let done = 0
  let to = 0
  for (const { at, length, from, encoding } of pieces as readonly Piece[]) {
    target.set(bytes.subarray(done, at), to)
    to += at - done
    done = at
    if (typeof from !== 'string') target.set(from, to)
    else Buffer.from(target.buffer, target.byteOffset + to, length).write(from, encoding)
    to += length
  }
  target.set(bytes.subarray(done), to)
  return target
}

function refusalAt(error: Unsendable, value: unknown, { root, suffix }: EncodeOptions): string {
  return refusal(error, value, root) + (suffix?.() ?? '')
}

function refusal(error: unknown, value: unknown, root: EncodeOptions['root']): string {
  return error instanceof Unsendable
    ? `${pathTo(error.value, value, root)}: ${error.reason}`
    : `${typeof root === 'string' ? root : 'arguments'}: it threw while it was read: ${inspect(error, { depth: 0 })}`
}

/** What `read` returns; undefined if it throws, as whatever touches a thrown value may (a getter, a revoked proxy). */
function safely<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

/** Whether an `encode` is under way: a getter in a value may start another goroutine. */
let encoding = false

/** As `encode`, from within another one, whose state is kept aside. */
function encodeInside(value: unknown, options: EncodeOptions, room: (bytes: number) => number): Encoded {
  const outer = { scratch, pos, pieces, inPieces, seen, externals, handles, classes, transferred, movedFrom, lossy }
  try {
    encoding = false
    scratch = Buffer.allocUnsafeSlow(1 << 14)
    return encode(value, options, room)
  } finally {
    ;({ scratch, pos, pieces, inPieces, seen, externals, handles, classes, transferred, movedFrom, lossy } = outer)
    encoding = true
  }
}

const NOTHING: ReadonlySet<unknown> = new Set()
const NO_PIECES: Piece[] = []
const EMPTY: Map<object, number> = new Map()

function checkTransfer(transfer: readonly unknown[]): ReadonlySet<unknown> {
  const set = new Set<unknown>()
  for (const [i, each] of transfer.entries()) {
    if (set.has(each)) throw dataCloneError(`transfer[${i}]: stands in the list twice`)
    if (types.isArrayBuffer(each)) {
      if (isDetached(each)) throw dataCloneError(`transfer[${i}]: an ArrayBuffer that has been transferred before`)
    } else if (!isPort(each)) {
      throw dataCloneError(`transfer[${i}]: only ArrayBuffers and MessagePorts can be transferred, not ${kindOf(each)}`)
    }
    set.add(each)
  }
  return set
}

function isDetached(buffer: ArrayBuffer): boolean {
  if (buffer.byteLength > 0) return false
  try {
    new Uint8Array(buffer)
    return false
  } catch {
    return true
  }
}

const isPort = (value: unknown): boolean => value instanceof MessagePort

/** Makes room for `n` more bytes. */
function room(n: number): void {
  if (pos + n <= scratch.length) return
  const larger = Buffer.allocUnsafeSlow(Math.max(scratch.length * 2, pos + n))
  scratch.copy(larger, 0, 0, pos)
  scratch = larger
}

function writeByte(byte: number): void {
  if (pos === scratch.length) room(1)
  scratch[pos++] = byte
}

/** An unsigned number, seven bits a byte (LEB128). */
function writeLength(n: number): void {
  let rest = n
  room(8)
  while (rest > 0x7f) {
    scratch[pos++] = (rest % 0x80) | 0x80
    rest = Math.floor(rest / 0x80)
  }
  scratch[pos++] = rest
}

function writeDouble(value: number): void {
  double[0] = value
  room(8)
  scratch.set(doubleBytes, pos)
  pos += 8
}

function writeValue(value: unknown): void {
  switch (typeof value) {
    case 'number':
      if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
        room(5)
        scratch[pos++] = INT
        scratch[pos++] = value
        scratch[pos++] = value >> 8
        scratch[pos++] = value >> 16
        scratch[pos++] = value >> 24
      } else {
        writeByte(DOUBLE)
        writeDouble(value)
      }
      return
    case 'string':
      return writeString(value)
    case 'undefined':
      return writeByte(UNDEFINED)
    case 'boolean':
      return writeByte(value ? TRUE : FALSE)
    case 'bigint':
      writeByte(BIGINT)
      return writeString(value.toString(16))
    case 'object':
      return value === null ? writeByte(NULL) : writeObject(value)
    case 'function':
      return refuse(
        value,
        "a function can't be sent to another thread; import it where it is used, or send what it needs",
      )
    default:
      return refuse(value, "a symbol can't be sent to another thread; send its description")
  }
}

/** Characters of a string that is written one by one: more are faster done by Node. */
const ONE_BY_ONE = 24
const WIDE = /[^\0-\xff]/

function writeString(text: string): void {
  const { length } = text
  if (length >= PIECE) return writeLongString(text)
  room(length * 2 + 10)
  const start = pos
  if (length <= ONE_BY_ONE) {
    scratch[pos++] = STRING8
    scratch[pos++] = length
    let i = 0
    for (; i < length; i++) {
      const code = text.charCodeAt(i)
      if (code > 0xff) break
      scratch[pos++] = code
    }
    if (i === length) return
    pos = start
  } else if (!WIDE.test(text)) {
    scratch[pos++] = STRING8
    writeLength(length)
    pos += scratch.write(text, pos, 'latin1')
    return
  }
  scratch[pos++] = STRING16
  writeLength(length)
  pos += scratch.write(text, pos, 'utf16le')
}

function writeLongString(text: string): void {
  const isWide = WIDE.test(text)
  writeByte(isWide ? STRING16 : STRING8)
  writeLength(text.length)
  if (isWide) addPiece({ at: pos, length: text.length * 2, from: text, encoding: 'utf16le' })
  else addPiece({ at: pos, length: text.length, from: text, encoding: 'latin1' })
}

function addPiece(piece: Piece): void {
  if (pieces === NO_PIECES) pieces = []
  pieces.push(piece)
  inPieces += piece.length
}

function writeObject(value: object): void {
  const number = seen.get(value)
  if (number !== undefined) {
    writeByte(REFERENCE)
    return writeLength(number)
  }
  if (seen === EMPTY) seen = new Map()
  seen.set(value, seen.size)
  if (types.isProxy(value)) return refuse(value, "a Proxy can't be sent to another thread; send what it stands for")
  if (Array.isArray(value)) return writeArray(value)
  if (Symbol.iterator in value && types.isArgumentsObject(value)) {
    return refuse(value, "an arguments object can't be sent to another thread; send [...arguments]")
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype) return writeProperties(OBJECT, value, Object.keys(value))
  writeExotic(value)
}

function writeProperties(tag: number, value: object, keys: readonly string[]): void {
  writeByte(tag)
  writeLength(keys.length)
  for (const key of keys) {
    writeString(key)
    writeValue((value as Record<string, unknown>)[key])
  }
}

function writeArray(array: unknown[]): void {
  const { length } = array
  if (length > LONG_ARRAY) {
    const encoded = ofPrimitives(array)
    if (encoded !== undefined) {
      writeByte(PRIMITIVES)
      return writeBlob(encoded)
    }
  }
  const keys = Object.keys(array)
  // An ordinary array has a key an element and no other.
  if (keys.length === length && (length === 0 || keys[length - 1] === String(length - 1))) {
    writeByte(ARRAY)
    writeLength(length)
    for (let i = 0; i < length; i++) writeValue(array[i])
  } else {
    writeByte(SPARSE)
    writeLength(length)
    writeProperties(OBJECT, array, keys)
  }
}

/** What V8 makes of an array of nothing but primitives; undefined if it has anything else, beside its elements too. */
function ofPrimitives(array: unknown[]): Uint8Array | undefined {
  let count = 0
  if (!array.every((element) => ++count && isPrimitive(element))) return undefined
  // What else it has may be nothing that V8 can send.
  const encoded = safely(() => serialize(array))
  if (encoded === undefined) return undefined
  // It ends with how many properties it has that were not written as elements, and its length (`WriteJSArray`, src/objects/value-serializer.cc).
  const { length } = array
  const isDense = endsWith(encoded, [END_OF_DENSE, ...varint(0), ...varint(length)])
  // One in which there may be holes has all its elements written as properties.
  const isFull = count === length && endsWith(encoded, [END_OF_SPARSE, ...varint(length), ...varint(length)])
  return isDense || isFull ? encoded : undefined
}

/** V8's tags, `$` and `@`. */
const END_OF_DENSE = 0x24
const END_OF_SPARSE = 0x40

/** As V8 writes numbers: seven bits a byte, the lowest first, the highest bit for those that are not the last. */
function varint(n: number): number[] {
  return n < 0x80 ? [n] : [(n & 0x7f) | 0x80, ...varint(n >>> 7)]
}

const endsWith = (encoded: Uint8Array, end: readonly number[]): boolean =>
  end.every((byte, i) => encoded[encoded.length - end.length + i] === byte)

function isPrimitive(value: unknown): boolean {
  return value === null || (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol')
}

/**
 * Bytes begin at a multiple of eight of the message, after as many zeros as that takes, and messages begin at such a place of shared
 * memory: V8 copies to and from that word by word, but byte by byte, six times slower, where the two sides are not alike.
 */
function writeBlob(bytes: Uint8Array): void {
  const { length } = bytes
  writeLength(length)
  room(8)
  const padding = 7 - ((pos + inPieces) & 7)
  scratch[pos++] = padding
  for (let i = 0; i < padding; i++) scratch[pos++] = 0
  if (length >= PIECE) return addPiece({ at: pos, length, from: bytes })
  room(length)
  scratch.set(bytes, pos)
  pos += length
}

/** Whatever is no plain object and no array. */
function writeExotic(value: object): void {
  if (isHandle(value)) {
    classes = true
    writeHandle(value)
  } else if (value instanceof Error || types.isNativeError(value)) {
    // Also what Node made of an error from another thread, which is an instance of Error and no native one.
    writeError(value)
  } else if (types.isDate(value)) {
    writeByte(DATE)
    writeDouble(value.getTime())
  } else if (types.isRegExp(value)) {
    writeByte(REGEXP)
    writeString(value.source)
    writeString(value.flags)
  } else if (types.isMap(value)) {
    const entries = [...value]
    writeByte(MAP)
    writeLength(entries.length)
    for (const [key, item] of entries) {
      writeValue(key)
      writeValue(item)
    }
  } else if (types.isSet(value)) {
    const items = [...value]
    writeByte(SET)
    writeLength(items.length)
    for (const item of items) writeValue(item)
  } else if (types.isBoxedPrimitive(value)) {
    if (types.isSymbolObject(value)) return refuse(value, "a symbol can't be sent to another thread")
    writeByte(BOXED)
    writeValue(value.valueOf())
  } else if (types.isAnyArrayBuffer(value)) {
    writeBuffer(value)
  } else if (ArrayBuffer.isView(value)) {
    writeView(value)
  } else {
    writeOther(value)
  }
}

function writeHandle(handle: Handle): void {
  handles.push(handle)
  writeByte(HANDLE)
  writeDouble(handle[handleKind])
  writeDouble(handle[handleAddress])
}

function writeBuffer(buffer: ArrayBuffer | SharedArrayBuffer): void {
  if (types.isSharedArrayBuffer(buffer)) return writeShared(buffer)
  if (isDetached(buffer)) return refuse(buffer, 'an ArrayBuffer that has been transferred has nothing left to send')
  if (buffer.byteLength >= movedFrom && transferred.has(buffer)) return writeExternal(buffer)
  const { resizable, maxByteLength } = buffer as ArrayBuffer & { resizable?: boolean; maxByteLength?: number }
  writeByte(resizable === true ? RESIZABLE : BUFFER)
  if (resizable === true) writeLength(maxByteLength as number)
  writeBlob(new Uint8Array(buffer))
}

const VIEW_NAMES = [
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'DataView',
  'Float16Array',
] as const

interface ViewConstructor {
  new (buffer: ArrayBufferLike, offset: number, length?: number): object
  readonly BYTES_PER_ELEMENT?: number
}

const typedArrayName = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype) as object,
  Symbol.toStringTag,
)?.get as (this: object) => string | undefined

function writeView(view: ArrayBufferView): void {
  const name = typedArrayName.call(view) ?? 'DataView'
  const element = viewConstructor(name).BYTES_PER_ELEMENT ?? 1
  // A view that follows the length of its resizable buffer says so by having no length of its own.
  const { resizable } = view.buffer as ArrayBuffer & { resizable?: boolean }
  const follows = resizable === true && view.byteOffset + view.byteLength === view.buffer.byteLength
  writeByte(VIEW)
  writeByte(VIEW_NAMES.indexOf(name as (typeof VIEW_NAMES)[number]))
  writeLength(view.byteOffset)
  writeLength(follows ? 0 : view.byteLength / element + 1)
  writeObject(view.buffer)
}

function viewConstructor(name: string): ViewConstructor {
  return (globalThis as unknown as Record<string, ViewConstructor>)[name] as ViewConstructor
}

/** What threads share, or copy by themselves. */
function writeShared(value: object): void {
  if (share === undefined) writeExternal(value)
  else writeHandle(share(value))
}

const isExternal = (value: object): boolean => externals?.includes(value) === true

function writeExternal(value: object): void {
  externals ??= []
  writeByte(EXTERNAL)
  writeLength(externals.push(value) - 1)
}

/** Class instances, which become plain objects, and what Node or V8 alone could send, or nobody can. */
function writeOther(value: object): void {
  if (isPort(value)) {
    return transferred.has(value)
      ? writeExternal(value)
      : refuse(value, 'a MessagePort can only be moved: name it in go.with({ transfer: [port] }, …)')
  }
  if (isPlatformClone(value)) return writeShared(value)
  const reason = reasonAgainst(value)
  if (reason !== undefined) return refuse(value, reason)
  writeProperties(OBJECT, value, Object.keys(value))
}

/** Objects of Node's own that `structuredClone` can copy, such as `Blob`: they say so by a symbol of Node's. */
function isPlatformClone(value: object): boolean {
  for (let at: object | null = value; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    for (const symbol of Object.getOwnPropertySymbols(at)) {
      if (symbol.description === 'messaging_clone_symbol' || symbol.description === 'nodejs.messaging_clone_symbol')
        return true
    }
  }
  return false
}

function reasonAgainst(value: object): string | undefined {
  if (types.isPromise(value)) return "a promise can't be sent to another thread; await it first"
  if (types.isWeakMap(value) || types.isWeakSet(value)) return `a ${kindOf(value)} can't be sent to another thread`
  if (value instanceof WeakRef) return "a WeakRef can't be sent to another thread; send what it refers to"
  if (types.isGeneratorObject(value)) return "a generator can't be sent to another thread; send what it yields"
  if (types.isMapIterator(value) || types.isSetIterator(value)) return "an iterator can't be sent to another thread"
  if (types.isModuleNamespaceObject(value)) return "a module can't be sent to another thread; import it there"
  if (types.isExternal(value)) return "a native pointer can't be sent to another thread"
  if (value instanceof Goroutine)
    return "a goroutine's handle can't be sent to another thread; await it, or send a channel"
  return Object.keys(value).length > 0 ? undefined : ofNode(value)
}

/** What Node has against sending an object that shows nothing of itself, as a `URL` does: it would arrive as an empty one. */
function ofNode(value: object): string | undefined {
  try {
    structuredClone(value)
    return undefined
  } catch (error) {
    return `a ${kindOf(value)} can't be sent to another thread: ${(error as Error).message}`
  }
}

/** The class of a value, for messages. */
function kindOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return typeof value === 'string' ? 'string' : String(value)
  return (Object.getPrototypeOf(value) as { constructor?: { name?: string } } | null)?.constructor?.name ?? 'object'
}

// --- errors ----------------------------------------------------------------------------------------------------------------

const ERROR_FIELDS = new Set(['name', 'message', 'stack', 'cause', 'errors'])

/** The class an error arrives as: the nearest that both sides know by identity. */
function errorClassName(error: object): string {
  for (
    let at = Object.getPrototypeOf(error) as object | null;
    at !== null;
    at = Object.getPrototypeOf(at) as object | null
  ) {
    const { name } = (at as { constructor: { name: string } }).constructor
    if (ERROR_CLASSES.get(name)?.prototype === at) return name
  }
  return 'Error'
}

function writeError(error: Error): void {
  const isDom = error instanceof DOMException
  writeByte(ERROR)
  writeString(isDom ? 'DOMException' : errorClassName(error))
  const get = (key: string): unknown => {
    const read = () => (error as unknown as Record<string, unknown>)[key]
    return lossy ? safely(read) : read()
  }
  const text = (key: string): string => {
    const value = get(key)
    return (lossy ? safely(() => String(value)) : String(value)) ?? ''
  }
  writeString(text('name'))
  writeString(text('message'))
  const stack = get('stack')
  writeString(typeof stack === 'string' ? stack : '')
  const fields: [string, unknown][] = []
  for (const key of ['cause', 'errors']) if (Object.hasOwn(error, key)) fields.push([key, get(key)])
  // Node's own errors have a code that is not enumerable.
  if (!isDom && Object.hasOwn(error, 'code')) fields.push(['code', get('code')])
  for (const key of Object.keys(error)) {
    if (!ERROR_FIELDS.has(key) && key !== 'code') fields.push([key, get(key)])
  }
  writeLength(fields.length)
  for (const [key, value] of fields) {
    writeString(key)
    if (lossy) writeLossy(value)
    else writeValue(value)
  }
}

/** Errors within errors that are sent as such; what is deeper is described. */
const MOST_CAUSES = 64
let causes = 0

/** Writes a property of a thrown error, described if it can't be sent: reporting an error must not fail. */
function writeLossy(value: unknown): void {
  // Nothing can go wrong with these, and what is undone otherwise takes time with every field of many errors.
  if (isPrimitive(value)) return writeValue(value)
  const before = { pos, seen: new Map(seen), externals: externals?.slice(), handles: handles.length, pieces, inPieces }
  pieces = pieces === NO_PIECES ? pieces : [...pieces]
  causes++
  try {
    if (causes > MOST_CAUSES) refuse(value, 'too deep')
    writeValue(value)
  } catch {
    ;({ pos, seen, externals, pieces, inPieces } = before)
    handles.length = before.handles
    writeString(safely(() => inspect(value, { depth: 1 })) ?? 'what can not be read')
  } finally {
    causes--
  }
}

interface ErrorClass {
  new (message?: string, options?: object): Error
  readonly prototype: object
}

function readError(): Error {
  const index = objects.length
  objects.push(undefined)
  const className = readString()
  const name = readString()
  const message = readString()
  const stack = readString()
  const error =
    className === 'DOMException'
      ? (new DOMException(message, name) as unknown as Error)
      : className === 'AggregateError'
        ? new AggregateError([], message)
        : new (ERROR_CLASSES.get(className) as ErrorClass)(message)
  objects[index] = error
  if (error.name !== name) define(error, 'name', name, false)
  define(error, 'stack', stack, false)
  for (let n = readLength(); n > 0; n--) {
    const key = readString()
    define(error, key, readValue(), !ERROR_FIELDS.has(key))
  }
  return error
}

function define(target: object, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(target, key, { value, enumerable, writable: true, configurable: true })
}

// --- what can't be sent ----------------------------------------------------------------------------------------------------

function refuse(value: unknown, reason: string): never {
  throw new Unsendable(value, reason)
}

/** Where `bad` stands in `top`, as a user would write it. */
function pathTo(bad: unknown, top: unknown, root: EncodeOptions['root']): string {
  const path = typeof root === 'string' ? findPath(bad, top, '', new Set()) : undefined
  if (typeof root === 'string') return path === undefined || path === '' ? root : `${root}, at ${path}`
  for (const [i, argument] of (top as unknown[]).entries()) {
    const found = findPath(bad, argument, '', new Set())
    if (found !== undefined) return found === '' ? root(i) : `${root(i)}, at ${found}`
  }
  return 'arguments'
}

function findPath(bad: unknown, at: unknown, path: string, visited: Set<object>): string | undefined {
  if (at === bad) return path
  if (typeof at !== 'object' || at === null || visited.has(at)) return undefined
  visited.add(at)
  for (const [step, child] of childrenOf(at)) {
    const found = findPath(bad, child, path + step, visited)
    if (found !== undefined) return found
  }
  return undefined
}

function* childrenOf(at: object): Generator<[string, unknown]> {
  if (types.isMap(at)) {
    for (const [key, value] of at) {
      yield [`.key(${inspect(key, { depth: 0 })})`, key]
      yield [`.get(${inspect(key, { depth: 0 })})`, value]
    }
  } else if (types.isSet(at)) {
    let i = 0
    for (const value of at) yield [`.item(${i++})`, value]
  } else {
    const keys = at instanceof Error ? ['cause', 'errors', ...Object.keys(at)] : Object.keys(at)
    for (const key of keys) yield [stepTo(at, key), (at as Record<string, unknown>)[key]]
  }
}

function stepTo(at: object, key: string): string {
  if (Array.isArray(at) && /^\d+$/.test(key)) return `[${key}]`
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`
}

// --- decoding --------------------------------------------------------------------------------------------------------------

let source: Buffer = scratch
/** All of the memory that values were last read from: a Buffer costs more to make than a short string to read. */
let memory: Buffer = Buffer.allocUnsafeSlow(0)
let objects: unknown[] = []
let given: readonly unknown[] = []

/** Decodes what `encode` made. `externals` are this thread's own objects for what is no bytes, by index. */
export function decode(bytes: Uint8Array, externalObjects: readonly unknown[] = []): unknown {
  // A handle in it may be made by decoding another value.
  const outer = { pos, source, objects, given }
  const { buffer, byteOffset, byteLength } = bytes
  if (memory.buffer !== buffer && buffer.byteLength <= constants.MAX_LENGTH) memory = Buffer.from(buffer)
  const isWhole = memory.buffer === buffer
  source = isWhole ? memory : Buffer.from(buffer, byteOffset, byteLength)
  pos = isWhole ? byteOffset : 0
  objects = []
  given = externalObjects
  try {
    return readValue()
  } finally {
    ;({ pos, source, objects, given } = outer)
  }
}

function readLength(): number {
  let n = 0
  let scale = 1
  for (;;) {
    const byte = source[pos++] as number
    n += (byte & 0x7f) * scale
    if (byte < 0x80) return n
    scale *= 0x80
  }
}

function readDouble(): number {
  for (let i = 0; i < 8; i++) doubleBytes[i] = source[pos + i] as number
  pos += 8
  return double[0] as number
}

function readInt(): number {
  const at = pos
  pos += 4
  return (
    (source[at] as number) |
    ((source[at + 1] as number) << 8) |
    ((source[at + 2] as number) << 16) |
    ((source[at + 3] as number) << 24)
  )
}

function readString(): string {
  return readText(source[pos++] as number)
}

/** Names of properties that were read lately, by a hash: the same few come over and over, and a string out of bytes costs 100 ns. */
const names: string[] = new Array(256).fill('')

function readKey(): string {
  const length = source[pos + 1] as number
  if (source[pos] !== STRING8 || length > ONE_BY_ONE || length === 0) return readString()
  const first = pos + 2
  const slot = ((source[first] as number) * 31 + (source[first + length - 1] as number) * 7 + length) & 255
  const known = names[slot] as string
  let i = known.length === length ? 0 : -1
  while (i >= 0 && i < length) i = known.charCodeAt(i) === source[first + i] ? i + 1 : -1
  if (i === length) {
    pos = first + length
    return known
  }
  const name = readString()
  names[slot] = name
  return name
}

function readText(tag: number): string {
  const length = readLength()
  const at = pos
  pos += tag === STRING16 ? length * 2 : length
  return source.toString(tag === STRING16 ? 'utf16le' : 'latin1', at, pos)
}

function readBlob(): Uint8Array {
  const length = readLength()
  pos += 1 + (source[pos] as number)
  // All of it is written: zeros would be for nothing.
  const copy = length < PIECE ? new Uint8Array(length) : Buffer.allocUnsafeSlow(length)
  copy.set(source.subarray(pos, pos + length))
  pos += length
  return copy
}

/** Notes an object under its number. */
function keep<T>(object: T): T {
  objects.push(object)
  return object
}

function readValue(): unknown {
  const tag = source[pos++] as number
  switch (tag) {
    case UNDEFINED:
      return undefined
    case NULL:
      return null
    case FALSE:
      return false
    case TRUE:
      return true
    case INT:
      return readInt()
    case DOUBLE:
      return readDouble()
    case STRING8:
    case STRING16:
      return readText(tag)
    case BIGINT:
      return parseBigInt(readString())
    case REFERENCE:
      return objects[readLength()]
    default:
      return readObject(tag)
  }
}

function parseBigInt(text: string): bigint {
  const negative = text.startsWith('-')
  const value = BigInt(`0x${negative ? text.slice(1) : text}`)
  return negative ? -value : value
}

function readObject(tag: number): unknown {
  switch (tag) {
    case OBJECT:
      return readProperties(keep({}))
    case ARRAY: {
      const array = keep([] as unknown[])
      for (let n = readLength(); n > 0; n--) array.push(readValue())
      return array
    }
    case SPARSE: {
      const array = keep([] as unknown[])
      array.length = readLength()
      pos++
      return readProperties(array)
    }
    case PRIMITIVES:
      return keep(deserialize(readBlob()))
    case HANDLE:
      return keep(decodeHandle(readDouble(), readDouble()))
    case DATE:
      return keep(new Date(readDouble()))
    case REGEXP:
      return keep(new RegExp(readString(), readString()))
    case MAP: {
      const map = keep(new Map())
      for (let n = readLength(); n > 0; n--) map.set(readValue(), readValue())
      return map
    }
    case SET: {
      const set = keep(new Set())
      for (let n = readLength(); n > 0; n--) set.add(readValue())
      return set
    }
    case BOXED:
      return keep(Object(readValue()) as object)
    case BUFFER:
      return keep(readBlob().buffer)
    case RESIZABLE: {
      const maxByteLength = readLength()
      const bytes = readBlob()
      const buffer = new (ArrayBuffer as new (length: number, options: object) => ArrayBuffer)(bytes.length, {
        maxByteLength,
      })
      new Uint8Array(buffer).set(bytes)
      return keep(buffer)
    }
    case VIEW:
      return readView()
    case ERROR:
      return readError()
    case EXTERNAL:
      return keep(given[readLength()])
    default:
      throw new Error(`goro: a value that was damaged on its way (tag ${tag} at ${pos}); please report this`)
  }
}

function readProperties<T extends object>(target: T): T {
  for (let n = readLength(); n > 0; n--) {
    const key = readKey()
    const value = readValue()
    // Assigning to `__proto__` would set the prototype.
    if (key === '__proto__') define(target, key, value, true)
    else (target as Record<string, unknown>)[key] = value
  }
  return target
}

function readView(): object {
  const index = objects.length
  objects.push(undefined)
  const name = VIEW_NAMES[source[pos++] as number] as string
  const offset = readLength()
  const length = readLength()
  const buffer = readValue() as ArrayBuffer | undefined
  // Of a message that is thrown away nobody fetches what was moved.
  if (buffer === undefined) return {}
  const View = viewConstructor(name)
  const view = length === 0 ? new View(buffer, offset) : new View(buffer, offset, length - 1)
  objects[index] = view
  return view
}
