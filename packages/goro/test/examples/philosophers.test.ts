/** docs/examples/philosophers.ts: no deadlock, and nobody starves. */
import { expect, test } from 'vitest'
import { runOriginal } from './go.ts'
import { runExample } from './run.ts'

const NAMES = ['Aristotle', 'Confucius', 'Descartes', 'Hypatia', 'Plato']

test('everybody eats three times, each in order, as in Go', async () => {
  for (const outcome of [await runExample('philosophers'), await runOriginal('philosophers')]) {
    if (outcome === undefined) continue
    const { stdout, ...rest } = outcome
    expect(rest).toEqual({ code: 0, stderr: '' })
    const lines = stdout.split('\n')
    for (const name of NAMES) {
      const own = lines.filter((line) => line.startsWith(name))
      expect(own).toEqual([1, 2, 3].map((meal) => `${name} eats meal ${meal}`))
    }
    expect(lines.slice(15)).toEqual(['all are full', ''])
  }
})
