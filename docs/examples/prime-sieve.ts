// Each prime adds a goroutine that lets no multiple of it through.

import { chan, go, type RecvChan, type SendChan } from 'goro'

async function generate(out: SendChan<number>) {
  for (let n = 2; ; n++) await out.send(n)
}

async function filter(input: RecvChan<number>, out: SendChan<number>, prime: number) {
  for await (const n of input) {
    if (n % prime !== 0) await out.send(n)
  }
}

let numbers = chan<number>()
go(generate, numbers)

for (let i = 0; i < 20; i++) {
  const prime = (await numbers.recv())!
  console.log(prime)
  const rest = chan<number>()
  go(filter, numbers, rest, prime)
  numbers = rest
}
