// What a closure costs beside `go` with the same values as arguments, all forms in turn: the lowest of 9 rounds, in ns a goroutine,
// to start it and to have its result.
//
//   node --import goro/register benchmarks/closures.mjs [N]
import { go } from 'goro'
import { words } from './words.mjs'

function triple(x) {
  return x * 3
}
function double(x) {
  return x < 0 ? triple(x) : x * 2
}

const n = Number(process.argv[2] ?? 20_000)
let [a, b, c, d] = [1, 2, 3, 'four']
let point = { x: 1, y: { z: [1, 2, 3] } }
const again = () => a + b
const forms = {
  'two numbers, as arguments': () => go((x, y) => x + y, a, b),
  'two numbers, captured': () => go(() => a + b),
  'the same closure again': () => go(again),
  'four values, as arguments': () => go((p, q, r, s) => p + q + r + s, a, b, c, d),
  'four values, captured': () => go(() => a + b + c + d),
  'an object, as an argument': () => go((p) => p.x, point),
  'an object, captured': () => go(() => point.x),
  'a function of the module': () => go(double, a),
  'a closure that calls it': () => go((x) => double(x), a),
  'a closure that calls an imported one': () => go((x) => (x < 0 ? words('') : x), a),
  'a closure that calls a closure': () => {
    const inner = (x) => x + a
    return go((x) => inner(x), b)
  },
}

const best = {}
for (let round = 0; round < 9; round++) {
  for (const [name, form] of Object.entries(forms)) {
    const start = performance.now()
    const all = []
    for (let i = 0; i < n; i++) all.push(form())
    const started = performance.now()
    for (const g of all) await g
    const ended = performance.now()
    best[name] ??= [Infinity, Infinity]
    best[name][0] = Math.min(best[name][0], ((started - start) * 1e6) / n)
    best[name][1] = Math.min(best[name][1], ((ended - start) * 1e6) / n)
  }
}
for (const [name, [started, ended]] of Object.entries(best)) {
  console.log(name.padEnd(38), started.toFixed(0).padStart(6), ended.toFixed(0).padStart(6))
}
;[a, b, c, d] = []
point = undefined
