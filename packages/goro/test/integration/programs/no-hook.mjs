// Prints the async id of a goroutine on a thread that has slept in its event loop: promises have ids while something hooks them.
import { executionAsyncId } from 'node:async_hooks'
import { go } from 'goro'

const id = await go(async () => {
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    await go(() => 1)
  }
  await new Promise((resolve) => setImmediate(resolve))
  await go(() => 1)
  await null
  return executionAsyncId()
})
console.log(id)
