// Runs fib on every core: npx goro run docs/examples/hello.ts

import { go } from 'goro'

function fib(n: number): number {
  return n < 2 ? n : fib(n - 1) + fib(n - 2)
}

const goroutines = [35, 34, 33, 32].map((n) => go(fib, n))
for (const g of goroutines) console.log(await g)
