/**
 * Inbox: what other threads hand to one thread, many to one, unbounded, lock-free. A stack linked through the items'
 * own link words that producers push on and the owner empties in one go (Treiber's push with a take-all, as in Linux's
 * `llist`), then reverses, so that it reads them in the order they were pushed.
 *
 * Invariants: `head` is the newest item, 0 when empty, or CLOSED for ever once the owner is gone. An item's link is written
 * by its producer before the `cas` that publishes it and belongs to the owner after `takeAll`.
 *
 * Linearization points: the successful `cas` of `push`, the `exchange` of `takeAll` and `close`. ABA cannot hurt: nobody
 * pops a single item, so a `cas` that succeeds on a recycled head links to what is the head now.
 */
import { cas, exchange, load, read, write } from '#atomics'
import { lose } from './races.ts'
import { i32, line, struct } from './struct.ts'

export const InboxLayout = struct({
  /** Newest item. Any thread pushes, by cas; the owner empties, by exchange. */
  head: line(i32),
})

/** What `head` holds once the inbox is closed. */
export const CLOSED = -1

/**
 * Pushes `item`, whose link word is at `item + link`. False if the inbox is closed: the item is still the caller's.
 * The caller wakes the owner after this.
 */
export function push(inbox: number, item: number, link: number): boolean {
  return pushChain(inbox, item, item, link)
}

/** Pushes a chain that is linked from `newest` to `oldest`, in one step. */
export function pushChain(inbox: number, newest: number, oldest: number, link: number): boolean {
  const at = inbox + InboxLayout.head
  let head = load(at)
  for (;;) {
    if (head === CLOSED) return false
    write(oldest + link, head)
    const seen = cas(at, head, newest)
    if (seen === head) return true
    lose()
    head = seen
  }
}

export function isEmpty(inbox: number): boolean {
  return load(inbox + InboxLayout.head) === 0
}

/** Owner only: takes everything, oldest first, as a chain that ends with 0. */
export function takeAll(inbox: number, link: number): number {
  const at = inbox + InboxLayout.head
  return load(at) === 0 ? 0 : reverse(exchange(at, 0), link)
}

/** Closes the inbox for ever and returns what was in it, oldest first. For a thread that is gone, by its undertaker. */
export function close(inbox: number, link: number): number {
  const rest = exchange(inbox + InboxLayout.head, CLOSED)
  return rest === CLOSED ? 0 : reverse(rest, link)
}

/** Opens a closed inbox for its next owner. Only when no thread holds its address for the old one. */
export function open(inbox: number): void {
  exchange(inbox + InboxLayout.head, 0)
}

function reverse(newest: number, link: number): number {
  let item = newest
  let older = 0
  while (item !== 0) {
    const next = read(item + link)
    write(item + link, older)
    older = item
    item = next
  }
  return older
}
