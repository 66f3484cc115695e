import { go, runtime } from 'goro'

runtime.configure({ maxProcs: 1, resourceLimits: { maxOldGenerationSizeMb: 80 } })
const error = await go(() => {
  const kept = []
  for (let i = 0; ; i++) kept.push({ i, more: [i, i, i] })
}).catch((e) => e)
console.log(JSON.stringify({ name: error.name, code: error.cause?.code, after: await go((x) => x + 1, 41) }))
