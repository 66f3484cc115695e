import { go } from 'goro'

go(async () => {
  const { go } = await import('goro')
  go(async () => {
    await new Promise((resolve) => setTimeout(resolve, 200))
    console.log('grandchild ends')
  })
})
console.log('main ends')
