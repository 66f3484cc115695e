import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { go } from 'goro'

const dir = mkdtempSync(join(tmpdir(), 'goro-busy-'))
const count = () => readdirSync(dir).length
const gs = Array.from({ length: 10 }, (_, i) =>
  go(
    async (folder, n) => {
      const { writeFileSync } = await import('node:fs')
      const { go } = await import('goro')
      writeFileSync(`${folder}/parent-${n}`, '')
      return go(async (name) => {
        const { writeFileSync } = await import('node:fs')
        writeFileSync(name, '')
      }, `${folder}/child-${n}`)
    },
    dir,
    i,
  ),
)
const end = performance.now() + 10_000
while (performance.now() < end && count() < 20);
const ranMeanwhile = count()
await Promise.all(gs)
console.log(JSON.stringify({ ranMeanwhile, results: count() }))
rmSync(dir, { recursive: true })
