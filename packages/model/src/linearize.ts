/**
 * Linearizability: whether a history of overlapping operations could have come from a sequential object that did them one
 * at a time, each somewhere between its begin and its end. The search of Wing and Gong (1993) with the memory of Lowe
 * (2017): a set of operations that leads to the same state of the object is tried once.
 */
import type { Operation } from './state.ts'

/** A sequential object. */
export interface Model<S> {
  readonly initial: S
  /**
   * The state after `operation`, or nothing if the object in `state` would not have returned `operation.result`. An
   * operation that is `pending` has no result: any is right.
   */
  readonly apply: (state: S, operation: Operation) => S | undefined
}

/** Whether `history` is linearizable. States of the model are compared as JSON. */
export function linearizable<S>(history: readonly Operation[], model: Model<S>): boolean {
  if (history.length > 30) throw new RangeError('linearizable: more than 30 operations')
  const before = history.map((operation) => bitsOf(history, (other) => precedes(other, operation)))
  const needed = bitsOf(history, ({ pending }) => !pending)
  const seen = new Set<string>()

  const search = (done: number, state: S): boolean => {
    if ((done & needed) === needed) return true
    const key = `${done} ${JSON.stringify(state)}`
    if (seen.has(key)) return false
    seen.add(key)
    return history.some((operation, k) => {
      if (done & (1 << k) || ((before[k] as number) & ~done) !== 0) return false
      const next = model.apply(state, operation)
      return next !== undefined && search(done | (1 << k), next)
    })
  }
  return search(0, model.initial)
}

function precedes(a: Operation, b: Operation): boolean {
  return a.thread === b.thread ? a.index < b.index : a.index < (b.endedBefore[a.thread] as number)
}

function bitsOf(history: readonly Operation[], is: (operation: Operation) => boolean): number {
  return history.reduce((bits, operation, k) => (is(operation) ? bits | (1 << k) : bits), 0)
}
