import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { go } from 'goro'

const dir = mkdtempSync(join(tmpdir(), 'goro-busy-'))
const count = () => readdirSync(dir).length
const gs = Array.from({ length: 10 }, (_, i) =>
  go(() => {
    writeFileSync(`${dir}/parent-${i}`, '')
    return go(() => writeFileSync(`${dir}/child-${i}`, ''))
  }),
)
const end = performance.now() + 10_000
while (performance.now() < end && count() < 20);
const ranMeanwhile = count()
await Promise.all(gs)
console.log(JSON.stringify({ ranMeanwhile, results: count() }))
rmSync(dir, { recursive: true })
