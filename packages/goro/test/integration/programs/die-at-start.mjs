// Without the compiler: threads have nothing to start with but what is said here.
import { go, runtime } from 'goro'

runtime.configure({ execArgv: ['--import', 'data:text/javascript,throw new Error("at start")'] })
const errors = await Promise.all([go(() => 1), go(() => 2)].map((g) => g.catch((e) => e)))
console.log(
  JSON.stringify({ names: errors.map((e) => e.name), cause: errors.every((e) => /at start/.test(String(e.cause))) }),
)
