import { go } from 'goro'

await go(async () => {
  const { go } = await import('goro')
  go(() => {
    throw new Error('deep')
  })
})
await new Promise((resolve) => setTimeout(resolve, 5000))
