// One collection moves what is young into a heap that is full. Node gives that 16 MB more to end the thread in, and more than so much at once
// ends the process: so there is less that is young.
import { go, runtime } from 'goro'

runtime.configure({ maxProcs: 1, resourceLimits: { maxOldGenerationSizeMb: 80, maxYoungGenerationSizeMb: 8 } })
const error = await go(() => {
  const kept = []
  for (let i = 0; ; i++) kept.push({ i, more: [i, i, i] })
}).catch((e) => e)
console.log(JSON.stringify({ name: error.name, code: error.cause?.code, after: await go((x) => x + 1, 41) }))
