/**
 * What compiled modules import: not for people. `ship` notes on a function what it refers to; modules tell of their own functions
 * by `globalThis[Symbol.for('goro.compiled')]`, so that a module that starts no goroutine need not import goro.
 */
export { ship } from '@goro/runtime'
