import { go, runtime } from 'goro'

await go(() => {})
console.log(runtime.gomaxprocs(), runtime.stats().processors.length)
