import { resourceLimits } from 'node:worker_threads'
import { go, runtime } from 'goro'

const MEMORY = 64 * 2 ** 20
runtime.configure({ maxProcs: 3, memory: MEMORY, execArgv: ['--no-deprecation'] })
runtime.configure({ env: { FROM_CONFIGURE: 'yes' }, resourceLimits: { maxOldGenerationSizeMb: 111 } })

const seen = await go(() => ({
  env: process.env.FROM_CONFIGURE,
  execArgv: process.execArgv,
  oldSpace: resourceLimits.maxOldGenerationSizeMb,
}))
const { reserved } = runtime.stats().memory
console.log(
  JSON.stringify({ procs: runtime.gomaxprocs(), ...seen, reserved: reserved > MEMORY * 0.9 && reserved <= MEMORY }),
)
