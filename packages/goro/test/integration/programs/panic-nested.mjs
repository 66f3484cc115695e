import { go } from 'goro'

await go(() => {
  go(() => {
    throw new Error('deep')
  })
})
await new Promise((resolve) => setTimeout(resolve, 5000))
