// The runtime runs on Node's own timers, whatever a test puts in the place of the global ones.
import { mock } from 'node:test'
import { go } from 'goro'

console.log(await go(() => 1))
mock.timers.enable({ apis: ['setTimeout', 'setImmediate', 'setInterval', 'Date'] })
console.log(await go(() => 2))
console.log(await go(() => 3))
