import { go } from 'goro'

go(async () => {
  await new Promise((resolve) => setTimeout(resolve, 200))
  console.log('goroutine ends')
})
console.log('main ends')
