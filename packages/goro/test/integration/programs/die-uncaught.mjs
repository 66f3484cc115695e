import { go } from 'goro'

const error = await go(() => {
  setTimeout(() => {
    throw new Error('from a timer')
  }, 10)
  return new Promise(() => {})
}).catch((e) => e)
console.log(JSON.stringify({ name: error.name, cause: error.cause.message, after: await go((x) => x + 1, 41) }))
