/**
 * `node --import goro/register/preempt app.js`: as `goro/register`, and goroutines can be interrupted in the loops of async functions, so
 * that one that computes for long, or for ever, does not keep the others on its thread waiting.
 */
import { preempt, register, whenNeeded } from '@goro/compiler/register'

preempt()
await whenNeeded(register)
