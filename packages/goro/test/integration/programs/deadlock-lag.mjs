// How long after the last thing that happens a deadlock is reported, in milliseconds.
import { readFile } from 'node:fs/promises'
import { gzip } from 'node:zlib'
import { chan, go, sleep } from 'goro'

let last = 0
process.on('exit', () => console.log(Math.round(performance.now() - last)))
const ch = chan()
const ways = {
  // The thread is awake until the end, and has never waited before.
  computes: async (ch) => {
    for (const start = performance.now(); performance.now() - start < 100; );
    await ch.recv()
  },
  // The thread's event loop was in use.
  reads: async (ch) => {
    await readFile('/dev/null')
    await ch.recv()
  },
  zips: async (ch) => {
    await new Promise((resolve) => gzip('x'.repeat(100_000), resolve))
    await ch.recv()
  },
}
const ready = chan()
void go(
  async (ready, ch) => {
    await ready.send(1)
    await ch.recv()
  },
  ready,
  ch,
)
void go(ways[process.argv[2]], ch)
await ready.recv()
const timer = setInterval(() => {
  last = performance.now()
}, 1)
await sleep(200)
clearInterval(timer)
last = performance.now()
await ch.recv()
