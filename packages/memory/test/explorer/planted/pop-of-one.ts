/**
 * Planted bug: pops a single item of an inbox by `cas`, as if it were a free list. The item that is the head may have been
 * popped and pushed again since its link was read: the `cas` succeeds and makes a head of what somebody else has (ABA). It
 * is why inbox.ts takes all or nothing, and why slab.ts keeps its shared lists under a lock.
 */
import { cas, load, NULL, read } from '#atomics'
import { InboxLayout } from '../../../src/inbox.ts'

export function popWithCas(inbox: number, link: number): number {
  const at = inbox + InboxLayout.head
  for (;;) {
    const head = load(at)
    if (head === NULL || cas(at, head, read(head + link)) === head) return head
  }
}
