import { go, runtime } from 'goro'

// One thread, so that all goroutines see the same `globalThis`.
runtime.configure({ maxProcs: 1 })

await go(() => {
  // The goroutine ends, its timer stays: the thread must not block itself while it waits.
  setTimeout(() => {
    globalThis.ticked = true
  }, 50)
})
await new Promise((resolve) => setTimeout(resolve, 300))
console.log((await go(() => globalThis.ticked === true)) ? 'ticked' : 'frozen')
