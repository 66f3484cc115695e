import { go, runtime } from 'goro'

runtime.configure({ execArgv: ['--no-such-flag'] })
let code
try {
  go(() => {})
} catch (error) {
  code = error.code
}
runtime.configure({ execArgv: [] })
console.log(JSON.stringify({ code, then: await go((x) => x + 1, 41) }))
