import { go } from 'goro'

process.exitCode = 7
await go(() => {})
console.log('done')
