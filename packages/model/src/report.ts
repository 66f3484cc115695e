/** How schedules, steps and failures are written for people, and schedules read back. */
import type { Op, Value } from './program.ts'
import type { Operation, Tracer } from './state.ts'

/** What happens in one step of a schedule: thread t goes on (t), or dies (~t). */
export type Move = number

/** Gives names to the words of a struct: `name.field`, `name.field[i]` beyond a field's first word. */
export interface NamedStruct {
  readonly name: string
  readonly base: number
  /** Offsets by field; `SIZE` is the number of words. */
  readonly layout: Readonly<Record<string, number>>
}

export function nameAddresses(structs: readonly NamedStruct[]): (address: number) => string {
  return (address) => {
    for (const { name, base, layout } of structs) {
      const offset = address - base
      if (offset < 0 || offset >= (layout.SIZE ?? 1)) continue
      let field = ''
      for (const [each, at] of Object.entries(layout)) {
        if (each !== 'SIZE' && at <= offset && (field === '' || at >= (layout[field] as number))) field = each
      }
      if (field === '') return `${name}[${offset}]`
      const beyond = offset - (layout[field] as number)
      return `${name}.${field}${beyond === 0 ? '' : `[${beyond}]`}`
    }
    return `[${address}]`
  }
}

/** `T0*4 T1 T0!`: four steps of thread 0, one of thread 1, then thread 0 dies. */
export function formatSchedule(moves: readonly Move[]): string {
  const parts: string[] = []
  for (let i = 0; i < moves.length; ) {
    const move = moves[i] as Move
    let n = 1
    while (moves[i + n] === move) n++
    parts.push(move < 0 ? `T${~move}!` : `T${move}${n === 1 ? '' : `*${n}`}`)
    i += n
  }
  return parts.join(' ')
}

export function parseSchedule(text: string): Move[] {
  return text
    .split(/\s+/)
    .filter((part) => part !== '')
    .flatMap((part) => {
      const match = /^T(\d+)(?:\*(\d+)|(!))?$/.exec(part)
      if (match === null) throw new SyntaxError(`not a schedule: ${part} (expected parts such as T0, T0*4, T0!)`)
      const thread = Number(match[1])
      return match[3] === undefined ? new Array<Move>(Number(match[2] ?? 1)).fill(thread) : [~thread]
    })
}

/** The lines of a failing schedule. */
export class Trace implements Tracer {
  readonly lines: string[] = []
  readonly #nameOf: (address: number) => string
  #margin = ''

  constructor(nameOf: (address: number) => string) {
    this.#nameOf = nameOf
  }

  step(thread: number, time: number): void {
    this.#margin = `${String(time).padStart(5)}  T${thread}  `
  }

  call(op: Op, value: Value): void {
    this.event(describeOp(op, value, this.#nameOf))
  }

  event(what: string): void {
    this.lines.push(this.#margin + what)
    this.#margin = ' '.repeat(this.#margin.length)
  }
}

function describeOp({ kind, address, a, b, data }: Op, value: Value, nameOf: (address: number) => string): string {
  const word = nameOf(address)
  switch (kind) {
    case 'load':
    case 'read':
    case 'readF64':
      return `${kind} ${word} -> ${value}`
    case 'store':
    case 'write':
    case 'writeF64':
      return `${kind} ${word} = ${a}`
    case 'cas':
      return `cas ${word} ${a} => ${b}${value === (a | 0) ? '' : `: no, it holds ${value}`}`
    case 'exchange':
    case 'add':
    case 'and':
    case 'or':
      return `${kind} ${word} ${a} -> held ${value}`
    case 'wait':
    case 'waitAsync':
      return `${kind} ${word} while ${a}`
    case 'notify':
      return `notify ${word}${a === Infinity ? '' : ` at most ${a}`}`
    case 'bytes':
      return `bytes ${word}, ${a} bytes`
    case 'writeBytes':
      return `writeBytes ${word} = [${data}]`
    case 'sleep':
      return 'event loop: woken'
    case 'turn':
      return `event loop: ${(value as readonly number[]).length} callbacks`
    case 'outlive':
      return `T${address} is ${value === 1 ? 'dead' : 'at its end'}`
    case 'pause':
    case 'words':
      return kind
  }
}

export function describeFailure(
  error: unknown,
  trace: Trace,
  history: readonly Operation[],
  path: readonly Move[],
): string {
  const lines = [error instanceof Error ? error.message : String(error), '', ...trace.lines]
  if (history.length > 0) lines.push('', ...history.map(describeOperation))
  lines.push('', `To run this schedule alone: explore({ ..., replay: '${formatSchedule(path)}' })`)
  return lines.join('\n')
}

export function describeOperation({ thread, name, args, result, pending, from, to }: Operation): string {
  const call = `T${thread} ${name}(${args.map((arg) => JSON.stringify(arg)).join(', ')})`
  return pending ? `${call} from step ${from} on` : `${call} = ${JSON.stringify(result)}, steps ${from} to ${to}`
}
