/** One thread of a stress test: attaches to the region and plays the role it is given. */
import { parentPort, workerData } from 'node:worker_threads'
import {
  add,
  attach,
  GlobalQueue,
  inbox,
  LocalQueue,
  load,
  lock,
  Note,
  RANK,
  RunQueueStealer,
  read,
  Slab,
  store,
  unlock,
  wake,
  write,
} from '@goro/memory'

const { buffer, role, id, at, count, capacity, seed } = workerData
attach(buffer)
let state = seed
const random = (n) => {
  state ^= state << 13
  state ^= state >>> 17
  state ^= state << 5
  return (state >>> 0) % n
}
const LINKS = { link: 1, batchLink: 2, batchCount: 3 }
const done = (result) => parentPort.postMessage(result)

/** Everybody begins at once. */
add(at.start, 1)
while (load(at.start) < workerData.threads);

const roles = {
  /** Puts `count` items and runs some of them itself; what overflows goes to the global queue. */
  owner() {
    const queue = new LocalQueue(at.queue, capacity, 1, new GlobalQueue(at.global, id, LINKS))
    const got = []
    for (let n = 0; n < count; n++) {
      if (random(4) === 0) queue.putNext(at.items + n * 16)
      else queue.put(at.items + n * 16)
      if (random(3) === 0) got.push(queue.get())
    }
    for (let g = queue.get(); g !== 0; g = queue.get()) got.push(g)
    store(at.over, 1)
    done(got.filter((g) => g !== 0))
  },
  /** Steals, and takes batches from the global queue, until there is nothing left to come. */
  thief() {
    const global = new GlobalQueue(at.global, id, LINKS)
    const queue = new LocalQueue(at.queue + id * 1024, capacity, 1, global)
    const victim = new RunQueueStealer(at.queue, capacity)
    const got = []
    for (;;) {
      const over = load(at.over) === 1
      const stolen = queue.stealFrom(victim, random(2) === 0)
      if (stolen !== 0) got.push(stolen)
      for (let g = queue.get(); g !== 0; g = queue.get()) got.push(g)
      const batch = global.take()
      for (let g = batch, n = batch && read(batch + 3); n > 0; n--, g = read(g + 1)) got.push(g)
      if (over && stolen === 0 && batch === 0 && victim.isEmpty) break
    }
    done(got)
  },
  /** Counts in a plain word under the lock. */
  counter() {
    for (let i = 0; i < count; i++) {
      lock(at.lock, id, RANK.pageHeap)
      write(at.word, read(at.word) + 1)
      unlock(at.lock, RANK.pageHeap)
    }
    done(count)
  },
  /** Pushes numbered items into an inbox and wakes its owner. */
  producer() {
    for (let n = 0; n < count; n++) {
      const item = at.items + (id * count + n) * 16
      write(item, n)
      write(item + 2, id)
      inbox.push(at.inbox, item, 1)
      wake(at.note)
    }
    done(count)
  },
  /** Takes them in, asleep on the futex in between. */
  consumer() {
    const note = new Note(at.note)
    const last = new Map()
    let got = 0
    let ordered = true
    while (got < count) {
      for (let item = inbox.takeAll(at.inbox, 1); item !== 0; item = read(item + 1)) {
        const from = read(item + 2)
        if (read(item) !== (last.get(from) ?? -1) + 1) ordered = false
        last.set(from, read(item))
        got++
      }
      if (got === count) break
      note.prepare(1)
      if (inbox.isEmpty(at.inbox)) note.sleep()
      else note.cancel()
    }
    done({ got, ordered })
  },
  /** Allocates, marks, checks, and hands half of its blocks to another thread to free. */
  allocator() {
    const slab = new Slab(at.slab, at.cache + id * 512, id + 1)
    const kept = []
    let damaged = 0
    for (let i = 0; i < count; i++) {
      const words = 4 + random(random(50) === 0 ? 40_000 : 300)
      const block = slab.alloc(words * 4)
      write(block + 3, id)
      write(block + words - 1, block ^ id)
      kept.push([block, words])
      if (kept.length > 50) {
        const [old, size] = kept.splice(random(kept.length), 1)[0]
        if (size > 4 && (read(old + 3) !== id || read(old + size - 1) !== (old ^ id))) damaged++
        if (random(2) === 0) slab.free(old)
        else inbox.push(at.inbox + ((id + 1) % workerData.threads) * 16, old, 1)
      }
      for (let block = inbox.takeAll(at.inbox + id * 16, 1); block !== 0; ) {
        const next = read(block + 1)
        slab.free(block)
        block = next
      }
    }
    for (const [block] of kept) slab.free(block)
    done(damaged)
  },
}
roles[role]()
