// A thread dies while what a goroutine printed on it is under way: the process ends all the same.
import { go, runtime } from 'goro'

runtime.configure({ maxProcs: 1 })
const first = go(() => console.log('printed'))
const second = go(() => process.exit(3))
await Promise.allSettled([first, second])
