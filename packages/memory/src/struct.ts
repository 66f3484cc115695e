/**
 * Named, typed fields as constant offsets: a layout is a table that reads like a struct, and code says
 * `load(p + P.runqHead)`, never a number. This is the only file that does arithmetic on bare offsets.
 *
 * A field takes one word (`i32`), two words on an even offset (`f64`), `n` words (`array(n)`), or starts a cache line of
 * its own (`line(field)`): threads that hammer one word then do not slow down those that use its neighbours.
 */

export const WORD_BYTES = 4
/** Words in a cache line of 64 bytes. */
export const LINE = 16

export interface Field {
  readonly words: number
  readonly align: number
}

export const i32: Field = { words: 1, align: 1 }
export const f64: Field = { words: 2, align: 2 }
export const array = (words: number, align = 1): Field => ({ words, align })

/** Starts `field` on a cache line of its own; what follows it starts on the next one if that is a `line` too. */
export const line = (field: Field): Field => ({ words: field.words, align: LINE })

export type Layout<F extends Record<string, Field>> = { readonly [K in keyof F]: number } & {
  /** Words that one such struct takes, a multiple of its strictest alignment. */
  readonly SIZE: number
}

/** Lays the fields out in order and returns their offsets in words. */
export function struct<const F extends Record<string, Field>>(fields: F): Layout<F> {
  const offsets: Record<string, number> = {}
  let at = 0
  let strictest = 1
  for (const [name, field] of Object.entries(fields)) {
    at = alignUp(at, field.align)
    offsets[name] = at
    at += field.words
    strictest = Math.max(strictest, field.align)
  }
  offsets.SIZE = alignUp(at, strictest)
  return Object.freeze(offsets) as Layout<F>
}

export function alignUp(n: number, to: number): number {
  return Math.ceil(n / to) * to
}
