// The main thread dozes while results come from processors that all have work. Nothing but what it does with them ends what they do next.
import { go, runtime } from 'goro'

const ROUNDS = Number(process.argv[2])
const opened = new Int32Array(new SharedArrayBuffer(4))
const brief = (n) => {
  let x = n
  for (let i = 0; i < 3000; i++) x = Math.imul(x, 31) + i
  return x === 0.5 ? -1 : n
}
const untilOpened = (flag, round) => {
  while (Atomics.load(flag, 0) < round);
  return round
}
for (let round = 1; round <= ROUNDS; round++) {
  const first = Array.from({ length: 20 }, (_, i) => go(brief, i))
  const long = Array.from({ length: runtime.gomaxprocs() }, () => go(untilOpened, opened, round))
  await Promise.all(first)
  Atomics.store(opened, 0, round)
  await Promise.all(long)
}
console.log(ROUNDS)
