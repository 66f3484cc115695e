// Compresses files, one task a file (see realwork.mjs): native code does nearly all of it. `zlib.gzip` is Node's own way to do so on other
// threads, four of them.

import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { expect } from '../harness/measure.mjs'
import { contenders as all, measure, realworkMarks, sourceFiles } from '../realwork.mjs'
import { gzipFile } from '../work.mjs'

export const question = 'How long does it take to read and gzip 2,000 files?'
export const unit = 'ms'
export const marks = realworkMarks
export const quick = 0.2

const compress = promisify(gzip)

export const contenders = {
  ...all(2000, work),
  'zlib.gzip': { n: 2000, run: (n) => measure(async (path) => (await compress(await readFile(path))).length, work(n)) },
}

function work(n) {
  const files = sourceFiles(n)
  const first = gzipFile(files[0])
  return {
    task: gzipFile,
    phases: () => [files],
    check: (results) => {
      expect(results.length, n)
      expect(results[0], first)
      expect(
        results.every((bytes) => bytes > 100),
        true,
      )
    },
  }
}
