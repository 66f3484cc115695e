// Everything waits, again and again, for one thing that will come: by a timer, by I/O, by a message, by the main thread's own loop.
import { pbkdf2 } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { stat } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { MessageChannel } from 'node:worker_threads'
import { gzip } from 'node:zlib'
import { after, chan, go, Mutex, sleep, WaitGroup } from 'goro'

const rounds = Number(process.argv[2] ?? 100)
let seed = Number(process.argv[3] ?? 1)
const random = (n) => {
  seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff
  return (seed >> 8) % n
}

const WAYS = 10
async function source(way, ms, out, mutex, group) {
  switch (way) {
    case 0:
      await new Promise((resolve) => setTimeout(resolve, ms))
      break
    case 1:
      await new Promise((resolve) => setImmediate(resolve))
      break
    case 2:
      await stat(process.execPath)
      break
    case 3:
      await lookup('localhost')
      break
    case 4:
      await new Promise((resolve) => gzip('x'.repeat(10_000), resolve))
      break
    case 5:
      await new Promise((resolve) => {
        const server = createServer((socket) => socket.end('hi'))
        server.listen(0, '127.0.0.1', () => {
          connect(server.address().port, '127.0.0.1').on('data', () => server.close(resolve))
        })
      })
      break
    case 6: {
      const { port1, port2 } = new MessageChannel()
      await new Promise((resolve) => {
        port1.once('message', resolve)
        port2.postMessage(1)
      })
      port1.close()
      break
    }
    case 7:
      await new Promise((resolve) => pbkdf2('a', 'b', 20_000, 64, 'sha512', resolve))
      break
    case 8:
      await WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))
      break
    default:
      for (const start = performance.now(); performance.now() - start < 3; );
  }
  await mutex.withLock(() => {})
  group.done()
  await out.send(1)
}

// What comes last comes through a few goroutines that each wait for the one before.
async function hop(from, to) {
  await from.recv()
  await to.send(1)
}

for (let round = 0; round < rounds; round++) {
  const mutex = new Mutex()
  const group = new WaitGroup()
  group.add()
  const guard = await mutex.lock()
  const first = chan()
  const way = random(WAYS + 2)
  if (way === WAYS) {
    setTimeout(() => {
      group.done()
      void first.send(1)
    }, random(5))
  } else if (way === WAYS + 1) {
    const late = after(random(5))
    group.done()
    void late.recv().then(() => first.send(1))
  } else {
    void go(source, way, random(5), first, mutex, group)
  }
  let last = first
  for (let i = random(4); i > 0; i--) {
    const next = chan()
    void go(hop, last, next)
    last = next
  }
  if (random(2) === 0) await sleep(random(3))
  guard.unlock()
  if (random(2) === 0) await last.recv()
  else await Promise.all([group.wait(), last.recv()])
}
console.log('ok')
