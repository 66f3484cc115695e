// Two producers fill a buffer of four, one consumer empties it.

import { chan, go, WaitGroup } from 'goro'

const buffer = chan<number>(4)
const producers = new WaitGroup()

for (const first of [1, 2]) {
  producers.go(async () => {
    for (let n = first; n <= 100; n += 2) await buffer.send(n)
  })
}
go(async () => {
  await producers.wait()
  buffer.close()
})

let count = 0
let sum = 0
for await (const n of buffer) {
  count++
  sum += n
}
console.log(`consumed ${count} numbers, their sum is ${sum}`)
