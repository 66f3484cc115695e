/**
 * Preemption points: what lets an async function be interrupted in its loops. Nothing can interrupt a running function in Node; it has to
 * ask by itself. So each loop of an async function looks, at the start of its body and so once for each time round, at one word of the
 * thread: whether the monitor wants it to let others run (packages/runtime/src/preempt.ts). If so, it awaits a turn of the thread.
 *
 *   while (more()) { if (globalThis._goro_preempt?.[0]) await globalThis._goro_preempt.yield(); step() }
 *
 * It is a property of the global object, because the text then means the same wherever it comes to stand: in a module that has not been
 * evaluated yet, in one that can't import goro, in a bundle, in a function that has been shipped. V8 takes the property, which never
 * changes, for a constant, and what is left in optimised code is a plain load. Where there is none, as in a browser, it is false.
 *
 * Every async function has it, as any may be called by a goroutine. Left alone are loops of functions that are not async, which can't
 * await, and those at the top level of a module, which no goroutine runs.
 */
import { forEachChild, type Node } from './syntax.ts'

/** A statement that is to stand at `start`; with `end`, in a block that lasts until there. */
export interface Check {
  readonly start: number
  readonly end: number | undefined
}

const REQUEST = 'globalThis._goro_preempt'
export const CHECK = `if (${REQUEST}?.[0]) await ${REQUEST}.yield();`

/** Where the loops of the async functions in `program` have their checks, in the order of the text. */
export function checksOf(program: Node): Check[] {
  const checks: Check[] = []
  visit(program, false)
  return checks

  function visit(node: Node, canAwait: boolean): void {
    if (canAwait && isLoop(node)) checks.push(checkIn(node.body))
    forEachChild(node, (child) => visit(child, awaitsIn(child, canAwait)))
  }
}

/** Whether what stands directly in `node`, which stands where `canAwait` says, can await. */
function awaitsIn(node: Node, canAwait: boolean): boolean {
  switch (node.type) {
    case 'FunctionDeclaration':
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
      return node.async
    case 'StaticBlock':
    case 'TSModuleBlock':
      return false
    default:
      return canAwait
  }
}

type Loop = Extract<
  Node,
  { type: 'ForStatement' | 'ForInStatement' | 'ForOfStatement' | 'WhileStatement' | 'DoWhileStatement' }
>

function isLoop(node: Node): node is Loop {
  switch (node.type) {
    case 'ForStatement':
    case 'ForInStatement':
    case 'ForOfStatement':
    case 'WhileStatement':
    case 'DoWhileStatement':
      return true
    default:
      return false
  }
}

const checkIn = ({ type, start, end }: Node): Check =>
  type === 'BlockStatement' ? { start: start + 1, end: undefined } : { start, end }
