import { go, runtime } from 'goro'

runtime.configure({ maxProcs: 1 })
const nameOf = (error) => error.name
const sibling = go(() => new Promise(() => {})).catch(nameOf)
const killer = go(() => process.exit(3)).catch((error) => [error.name, error.message])
const queued = Array.from({ length: 500 }, (_, i) => go((n) => n, i))
const done = (await Promise.all(queued)).length
console.log(
  JSON.stringify({
    killer: await killer,
    sibling: await sibling,
    queued: done,
    after: await go((x) => x + 1, 41),
    live: runtime.numGoroutine(),
    // How many others there are depends on the machine: a step that it holds up for long is overtaken.
    isCounted: runtime.stats().threads.some(({ id }) => id === 1),
    agrees: runtime.numThread() === runtime.stats().threads.length,
  }),
)
