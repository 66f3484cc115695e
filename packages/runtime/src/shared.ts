/**
 * Objects of Node's own that cannot stand in the region as bytes, and that threads share or copy freely: `SharedArrayBuffer`s, and what
 * only `structuredClone` can copy, such as a `Blob`. On their way they are handles (handle.ts), so that they are counted like those,
 * and that whoever takes a value out of a channel has all of it at once.
 *
 * For that every thread has to have the object before the first message that carries it can arrive. So it is announced to all,
 * under a number, when it is sent for the first time: by the main thread over the control lines, by the others over a channel to
 * all (`BroadcastChannel`). Node puts what is posted into the queues of its receivers before `postMessage` returns, and a receiver
 * that does not know a number looks into its queues there and then. A new thread gets what the main thread knows over its line,
 * and asks again once it hears the others, if any of them has ever announced something.
 *
 *   announced ── somebody has a part in it: a thread that has the object, a message that carries it ──> no parts ── forgotten by all
 *
 * What a thread keeps under the number is a copy of its own, which for shared memory refers to the same bytes: so the object that the
 * user has can become garbage, by which its thread's part is given back.
 */
import { add, array, HANDLE_CLASS, i32, load, read, store, struct, wake, write } from '@goro/memory'
import { fetchAnnounced, receiveLine, tellLines, useAnnounced, whenTold } from './control.ts'
import { dataCloneError } from './errors.ts'
import { adopt, defineHandle, KIND } from './handle.ts'
import { M, MAIN_M } from './m.ts'
import { collectGarbage } from './native.ts'
import { mAt, SCHED, Sched, self } from './sched.ts'
import { Waitable } from './sudog.ts'
import { handleAddress, handleKind, useShared } from './value.ts'

/** What a thread is told of: an object under its number, or that the number is forgotten. */
export interface Announcement {
  readonly number: number
  readonly object?: object
}

const Shared = struct({
  /** As everything that a handle refers to; nobody waits on it. */
  base: array(Waitable.SIZE),
  /** Under which it was announced. Written once. */
  number: i32,
})

/** What is needed of the channel of all threads to all: Node's `BroadcastChannel`. */
interface Channel {
  onmessage: unknown
  postMessage(message: Announcement): void
  unref(): unknown
}

interface SharedHandle {
  readonly [handleKind]: number
  readonly [handleAddress]: number
}

/** What this thread was told of, by number: copies of its own. */
const objects = new Map<number, object>()
/** Numbers that were forgotten before this thread heard of them: the two may come by different ways. */
const gone = new Set<number>()
/** As what the objects of this thread's user are sent. */
const handles = new WeakMap<object, SharedHandle>()
let group: Channel
let receive: () => unknown

/** Lets this thread hear what the others announce, and announce; `receiveOne` gives the next message that has come, if any. It holds no thread. */
export function joinGroup(channel: Channel, receiveOne: () => unknown): void {
  group = channel
  receive = receiveOne
  channel.onmessage = ({ data }: { readonly data: Announcement }) => hear(data)
  channel.unref()
}

/** On a new thread: resolves when it knows all that was announced before it joined the group. */
export async function catchUp(): Promise<void> {
  if (load(SCHED + Sched.announced) === 0) return
  for (const announcement of (await fetchAnnounced()) as Announcement[]) hear(announcement)
}

useAnnounced(() => {
  hearAll()
  return [...objects].map(([number, object]): Announcement => ({ number, object }))
})

/** What stands for `object` in a message. @throws DataCloneError, OutOfMemoryError */
function share(object: object): SharedHandle {
  return handles.get(object) ?? announce(object)
}

useShared(share)

function announce(object: object): SharedHandle {
  let copy: object
  try {
    copy = structuredClone(object)
  } catch (error) {
    throw dataCloneError(`${Object.prototype.toString.call(object)} can't be sent: ${(error as Error).message}`)
  }
  const at = self.slab.allocClass(HANDLE_CLASS)
  const number = add(SCHED + Sched.parcels, 1) + 1
  write(at + Waitable.lock, 0)
  write(at + Waitable.refs, 1)
  write(at + Shared.number, number)
  store(at + Waitable.kind, KIND.shared)
  const handle = keep(object, at)
  objects.set(number, copy)
  tell({ number, object: copy })
  return handle
}

/** This thread has a part in what is at `at`, for as long as its user has `object`. */
function keep(object: object, at: number): SharedHandle {
  const handle: SharedHandle = { [handleKind]: KIND.shared, [handleAddress]: at }
  adopt(object, at)
  handles.set(object, handle)
  return handle
}

function tell(message: Announcement): void {
  if (self.id === MAIN_M) return tellLines(message)
  add(SCHED + Sched.announced, 1)
  group.postMessage(message)
}

defineHandle(
  KIND.shared,
  (at) => {
    const object = structuredClone(objectOf(read(at + Shared.number)))
    keep(object, at)
    notePressure(object)
    return object
  },
  (at) => {
    const number = read(at + Shared.number)
    tell({ number })
    forget(number)
    store(at + Waitable.kind, 0)
    self.slab.freeClass(at, HANDLE_CLASS)
    // A thread asleep since before the announcement has not read it: the message holds the memory.
    for (let id = 1; id < self.procs.threads; id++) if (id !== self.id) wake(mAt(id) + M.note)
  },
)

function objectOf(number: number): object {
  if (!objects.has(number)) hearAll()
  const object = objects.get(number)
  if (object === undefined) throw new Error(`goro: object ${number} was not announced; please report this`)
  return object
}

/** Takes in what has come without waiting for the event loop. */
function hearAll(): void {
  if (self.id !== MAIN_M) receiveLine()
  for (let message = receive(); message !== undefined; message = receive()) hear(message as Announcement)
}

function hear({ number, object }: Announcement): void {
  if (object === undefined) forget(number)
  else if (!gone.delete(number)) objects.set(number, object)
}

whenTold((message) => hear(message as Announcement))

function forget(number: number): void {
  const object = objects.get(number)
  if (object === undefined) gone.add(number)
  objects.delete(number)
  notePressure(object)
}

/** Bytes of shared memory that have come or gone, after which this thread collects its garbage. */
const COLLECT_AFTER_BYTES = 256 << 20
let pressure = 0

/**
 * Shared memory has come to this thread or is garbage on it now. V8 does not count it as its own, so a thread that does little
 * else might not collect garbage for hours, and hold what nobody needs any more.
 */
function notePressure(object: object | undefined): void {
  if (!(object instanceof SharedArrayBuffer)) return
  pressure += object.byteLength
  if (pressure < COLLECT_AFTER_BYTES) return
  pressure = 0
  collectGarbage()
}
