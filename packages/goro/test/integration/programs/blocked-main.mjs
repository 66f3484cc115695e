import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { go } from 'goro'

const file = join(tmpdir(), `goro-blocked-${process.pid}`)
go(() => writeFileSync(file, ''))
const end = performance.now() + 10_000
while (!existsSync(file) && performance.now() < end);
writeFileSync(1, existsSync(file) ? 'woken by a goroutine\n' : 'nothing ran\n')
rmSync(file, { force: true })
