import { go } from 'goro'

await go(() => {
  Promise.reject(new Error('stray'))
})
await new Promise((resolve) => setTimeout(resolve, 5000))
