import { go, runtime } from 'goro'

process.on('beforeExit', () => console.log('beforeExit', runtime.numGoroutine()))
go(async () => {
  await new Promise((resolve) => setTimeout(resolve, 100))
  console.log('goroutine ends')
})
