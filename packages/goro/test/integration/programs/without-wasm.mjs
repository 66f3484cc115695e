// Channels where V8 has no WebAssembly: `node --jitless`, for one.
import { chan, go } from 'goro'

const numbers = chan(2)
go(async () => {
  for (let i = 0; i < 5; i++) await numbers.send(i)
  numbers.close()
})
let sum = 0
for await (const number of numbers) sum += number
console.log(typeof WebAssembly, sum)
