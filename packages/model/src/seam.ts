/**
 * The explorer's side of the seam: the same names and signatures as `packages/memory/src/atomics.ts` (a test holds them
 * together), which the import condition `explorer` swaps for these. What each call does to memory is in `state.ts`.
 *
 * Differences that code under the explorer can see: memory is made by `explore`, so `reserve` and `attach` refuse;
 * `bytes` gives a copy in a thread, and writing into it is an error.
 */
import { armed, step } from './program.ts'

export const NULL = 0

export interface WebMemory {
  readonly buffer: SharedArrayBuffer
}

export type Region = SharedArrayBuffer | WebMemory

export function reserve(_bytes: number, _isRoomy?: boolean): Region {
  throw new Error('the explorer makes the memory: give explore() the number of words')
}

export function attach(_region: Region): void {
  throw new Error('the explorer makes the memory: give explore() the number of words')
}

/** Nothing: what WebAssembly does can't be explored, and its TypeScript is. */
export function instantiate(_code: Uint8Array): Record<string, unknown> | undefined {
  return undefined
}

export function words(): number {
  return step('words') as number
}

export function load(address: number): number {
  return step('load', address) as number
}

export function store(address: number, value: number): void {
  step('store', address, value)
}

export function cas(address: number, expected: number, value: number): number {
  return step('cas', address, expected, value) as number
}

export function exchange(address: number, value: number): number {
  return step('exchange', address, value) as number
}

export function add(address: number, n: number): number {
  return step('add', address, n) as number
}

export function and(address: number, mask: number): number {
  return step('and', address, mask) as number
}

export function or(address: number, mask: number): number {
  return step('or', address, mask) as number
}

export function wait(address: number, expected: number, timeout?: number): void {
  step('wait', address, expected, timeout ?? Infinity)
}

export function waitAsync(address: number, expected: number, wake: () => void): boolean {
  if (step('waitAsync', address, expected) === 0) return false
  armed(wake)
  return true
}

export function notify(address: number, count?: number): void {
  step('notify', address, count ?? Infinity)
}

export function read(address: number): number {
  return step('read', address) as number
}

export function write(address: number, value: number): void {
  step('write', address, value)
}

export function readF64(address: number): number {
  return step('readF64', address) as number
}

export function writeF64(address: number, value: number): void {
  step('writeF64', address, value)
}

export function bytes(address: number, length: number): Uint8Array {
  return step('bytes', address, length) as Uint8Array
}

export function writeBytes(address: number, source: Uint8Array): void {
  step('writeBytes', address, 0, 0, source.slice())
}

export const pause: () => void = () => {
  step('pause')
}
