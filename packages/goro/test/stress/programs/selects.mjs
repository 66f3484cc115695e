// Selects over two channels, promises that settle some microtasks late, and the goroutine at the other end, which selects as well:
// `selects.mjs SEED`. Every value that was sent is received once, or still there.
import { chan, go, recv, runtime, select, send, sleep } from 'goro'

const VALUES = 50
let seed = Number(process.argv[2])
const random = () => {
  seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff
  return seed / 0x7fffffff
}
const other = async (from, to, n) => {
  let received = 0
  for (let i = 0; i < n; i++) {
    const hit = await select({ value: recv(from), sent: send(to, i) })
    if (hit.case === 'value') received++
  }
  return received
}
const late = async (microtasks) => {
  for (let i = 0; i < microtasks; i++) await null
}

async function talk() {
  const [there, back] = [chan(random() < 0.5 ? 0 : 3), chan(random() < 0.5 ? 0 : 3)]
  const ends = go(other, there, back, VALUES)
  let sent = 0
  let received = 0
  for (let hit; hit !== 'ends'; ) {
    const cases = { sent: send(there, 1), value: recv(back), ends }
    if (random() < 0.5) cases.late = late(random() * 6)
    if (random() < 0.2) cases.rejected = Promise.reject(new Error('no')).catch(() => {})
    if (random() < 0.1) cases.goroutine = go(() => {})
    hit = (await select(cases)).case
    if (hit === 'sent') sent++
    else if (hit === 'value') received++
  }
  const got = await ends
  while (there.tryRecv() !== undefined) sent--
  while (back.tryRecv() !== undefined) received++
  if (got !== sent || received !== VALUES - got) throw new Error(`sent ${sent}, got ${got}, received ${received}`)
}

for (let round = 0; round < 60; round++) await Promise.all(Array.from({ length: 8 }, talk))
while (runtime.numGoroutine() > 0) await sleep(1)
console.log('ok')
