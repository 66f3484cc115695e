// One contender in a process of its own: `node child.mjs SCENARIO CONTENDER N`. Prints one line of JSON, last: either
// { value } or { skip: reason }.

import { writeSync } from 'node:fs'
import { Skip } from '../contenders.mjs'

const [name, contender, n] = process.argv.slice(2)
const scenario = await import(`../scenarios/${name}.mjs`)

let answer
try {
  answer = { value: await scenario.contenders[contender].run(Number(n)) }
} catch (error) {
  if (!(error instanceof Skip)) throw error
  answer = { skip: error.message }
}
// JSON has no Infinity; null says that the contender never got there.
writeSync(1, `${JSON.stringify(answer)}\n`)
process.exit(0) // the pools keep their threads, and so this process, alive
