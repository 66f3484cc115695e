// Three goroutines share one stream of numbers; what they make of it comes together again.

import { chan, go, type RecvChan, WaitGroup } from 'goro'

function count(n: number): RecvChan<number> {
  const out = chan<number>()
  go(async () => {
    for (let i = 1; i <= n; i++) await out.send(i)
    out.close()
  })
  return out
}

function square(input: RecvChan<number>): RecvChan<number> {
  const out = chan<number>()
  go(async () => {
    for await (const n of input) await out.send(n * n)
    out.close()
  })
  return out
}

function merge(...inputs: RecvChan<number>[]): RecvChan<number> {
  const out = chan<number>()
  const open = new WaitGroup()
  for (const input of inputs) {
    open.go(async () => {
      for await (const n of input) await out.send(n)
    })
  }
  go(async () => {
    await open.wait()
    out.close()
  })
  return out
}

const numbers = count(10)
const squares: number[] = []
for await (const n of merge(square(numbers), square(numbers), square(numbers))) squares.push(n)
console.log(squares.sort((a, b) => a - b).join(' '))
