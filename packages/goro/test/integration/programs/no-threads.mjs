// No thread can be started: every goroutine fails with the cause, those that come later too; and nothing is mixed up.
// Without the compiler: threads have nothing to start with but what is said here.
import { go, runtime } from 'goro'

runtime.configure({ execArgv: ['--import', './does-not-exist.mjs'], maxProcs: 2 })
const outcome = (promise) =>
  promise.then(String, (error) => `${error.name} ${error.message.includes('does-not-exist')}`)
const first = await Promise.all(Array.from({ length: 400 }, (_, i) => outcome(go((x) => x, i))))
const second = await outcome(go(() => 1))
const aborted = new AbortController()
const third = go.with({ signal: aborted.signal }, () => 1)
aborted.abort(new Error('does-not-exist'))
console.log(JSON.stringify([[...new Set(first)], second, await outcome(third), runtime.numGoroutine()]))
