// Parses JavaScript files, one task a file (see realwork.mjs): allocates much, reads a little, returns next to nothing.

import { expect } from '../harness/measure.mjs'
import { contenders as all, realworkMarks, sourceFiles } from '../realwork.mjs'
import { surveyFile } from '../work.mjs'

export const question = 'How long does it take to read and parse 300 JavaScript files?'
export const unit = 'ms'
export const marks = realworkMarks
export const quick = 0.2

export const contenders = all(300, (n) => {
  const files = sourceFiles(n)
  return {
    task: surveyFile,
    phases: () => [files],
    check: (results) => {
      const first = surveyFile(files[0])
      expect(results.length, n)
      expect(results[0].identifiers + results[0].functions, first.identifiers + first.functions)
      expect(results.reduce((sum, { functions }) => sum + functions, 0) > n, true)
    },
  }
})
