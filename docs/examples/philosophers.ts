// Five philosophers, five forks: as each takes the fork with the lower number first, they never all wait in a circle.

import { Mutex, sleep, WaitGroup } from 'goro'

const names = ['Aristotle', 'Confucius', 'Descartes', 'Hypatia', 'Plato']
const forks = names.map(() => new Mutex())
const table = new WaitGroup()

for (const [seat, name] of names.entries()) {
  const [left, right] = [seat, (seat + 1) % names.length]
  const [first, second] = [forks[Math.min(left, right)]!, forks[Math.max(left, right)]!]
  table.go(async () => {
    for (let meal = 1; meal <= 3; meal++) {
      await first.lock()
      await second.lock()
      console.log(`${name} eats meal ${meal}`)
      await sleep(1)
      second.unlock()
      first.unlock()
    }
  })
}

await table.wait()
console.log('all are full')
