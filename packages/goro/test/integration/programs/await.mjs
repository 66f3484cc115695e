// Without the compiler, as a function that refers to nothing may be.
import { go } from 'goro'

console.log(await go((x) => x + 1, 41))
