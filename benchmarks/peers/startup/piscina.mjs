// One task in a Piscina pool of one thread.
import { fileURLToPath } from 'node:url'
import { Piscina } from 'piscina'

const pool = new Piscina({
  filename: fileURLToPath(new URL('../../tasks.mjs', import.meta.url)),
  name: 'addOne',
  maxThreads: 1,
})
console.log(await pool.run(41))
await pool.destroy()
