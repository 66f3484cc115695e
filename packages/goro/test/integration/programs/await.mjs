import { go } from 'goro'

console.log(await go((x) => x + 1, 41))
