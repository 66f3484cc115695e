import { go, runtime } from 'goro'

let died = 0
let results = 0
for (let round = 0; round < 30; round++) {
  const work = Array.from({ length: 100 }, (_, i) => go((n) => n, i))
  const killer = go(() => process.exit(1)).catch((error) => {
    if (error.name === 'ThreadDiedError') died++
  })
  for (const g of work) if (typeof (await g) === 'number') results++
  await killer
}
console.log(JSON.stringify({ died, results, live: runtime.numGoroutine() }))
