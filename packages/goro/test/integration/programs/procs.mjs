import { go, runtime } from 'goro'

await go(() => {})
console.log(runtime.gomaxprocs(), runtime.numThread())
