import { go } from 'goro'

go(() => {
  go(async () => {
    await new Promise((resolve) => setTimeout(resolve, 200))
    console.log('grandchild ends')
  })
})
console.log('main ends')
