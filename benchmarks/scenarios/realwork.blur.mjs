// Blurs an image in shared memory, a task for 16 rows, first in one direction and then in the other (see realwork.mjs).

import { expect } from '../harness/measure.mjs'
import { goProgram } from '../peers/go/build.mjs'
import { contenders as all, realworkMarks } from '../realwork.mjs'
import { blurRows } from '../work.mjs'

export const question = 'How long does it take to blur an image of 2048 × 2048 pixels in shared memory?'
export const unit = 'ms'
export const marks = realworkMarks
export const quick = 0.25

const band = 16 // rows of a task
const radius = 8

export const contenders = { ...all(2048, work, true), go: { n: 2048, run: (n) => goProgram('realwork.blur', n) } }

/** `n` pixels wide and high. */
function work(n) {
  const [image, turned, blurred] = Array.from({ length: 3 }, () => new SharedArrayBuffer(n * n * 4))
  const pixels = new Uint8Array(image)
  for (let i = 0; i < pixels.length; i++) pixels[i] = (i * 31) ^ (i >> 9)
  const direction = (source, target) =>
    Array.from({ length: n / band }, (_, i) => ({
      source,
      target,
      width: n,
      height: n,
      radius,
      from: i * band,
      to: (i + 1) * band,
    }))
  return {
    task: blurRows,
    phases: () => [direction(image, turned), direction(turned, blurred)],
    check: () => {
      // A pixel in the middle, as the rounded mean of the rounded means of its rows.
      const at = n / 2
      let sum = 0
      for (let y = at - radius; y <= at + radius; y++) {
        let row = 0
        for (let x = at - radius; x <= at + radius; x++) row += pixels[(y * n + x) * 4]
        sum += Math.floor(row / (2 * radius + 1))
      }
      expect(new Uint8Array(blurred)[(at * n + at) * 4], Math.floor(sum / (2 * radius + 1)))
    },
  }
}
