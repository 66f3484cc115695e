// Threads die while they change a map, and it goes on.
import { go, SyncMap, sleep } from 'goro'

const map = new SyncMap()
for (let i = 0; i < 200; i++) map.set(i, i)
async function changes(map, seed, dies) {
  let n = seed
  const random = () => {
    n = (Math.imul(n, 1103515245) + 12345) & 0x7fffffff
    return n
  }
  if (dies) setTimeout(() => process.exit(1), 5 + (random() % 20))
  for (let i = 0; i < 400; i++) {
    for (let j = 0; j < 50; j++) {
      const key = 1000 + (random() % 5000)
      map.set(key, { key, text: 'x'.repeat(random() % 100) })
      map.delete(1000 + (random() % 5000))
      map.getOrSet(`a key with a block of its own ${key}`, key)
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
}
const rounds = Number(process.argv[2] ?? 8)
for (let round = 0; round < rounds; round++) {
  const all = [0, 1, 2, 3].map((i) => go(changes, map, round * 10 + i, i === 0).catch((error) => error.name))
  await Promise.race([Promise.all(all), sleep(400)])
  for (let i = 0; i < 200; i++) if (map.get(i) !== i) throw new Error(`${i} is lost`)
  const keys = [...map.keys()]
  if (new Set(keys).size !== keys.length) throw new Error('a key is there twice')
  await Promise.all(all)
  if ([...map].length !== map.size) throw new Error(`${map.size} keys, and ${[...map].length} come`)
}
console.log('ok')
