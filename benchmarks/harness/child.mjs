// One contender in a process of its own: `node child.mjs FILE CONTENDER N [ROW…]`. Prints one line of JSON, last: either
// { value } or { skip: reason }.

import { writeSync } from 'node:fs'
import { Skip } from '../contenders.mjs'
import { load } from './scenarios.mjs'

const [file, contender, n, ...rows] = process.argv.slice(2)
const { contenders } = await load(file)

let answer
try {
  answer = { value: await contenders[contender].run(Number(n), rows) }
} catch (error) {
  if (!(error instanceof Skip)) throw error
  answer = { skip: error.message }
}
// JSON has no Infinity; null says that the contender never got there.
writeSync(1, `${JSON.stringify(answer)}\n`)
process.exit(0) // the pools keep their threads, and so this process, alive
