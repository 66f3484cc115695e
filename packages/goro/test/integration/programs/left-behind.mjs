import { go } from 'goro'

await go(() => {
  // The goroutine ends, its timer stays: the thread must not block itself while it waits.
  setTimeout(() => {
    globalThis.ticked = true
  }, 50)
})
await new Promise((resolve) => setTimeout(resolve, 300))
const seen = await Promise.all(Array.from({ length: 50 }, () => go(() => globalThis.ticked === true)))
console.log(seen.some(Boolean) ? 'ticked' : 'frozen')
