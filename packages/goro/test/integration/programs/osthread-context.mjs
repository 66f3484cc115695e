// A thread that would end, as a goroutine has ended that had it for itself, has made a context that others wait for: it is cancelled with its
// parent, and not before.
import { after, context, go, runtime, select, sleep } from 'goro'

runtime.configure({ maxProcs: 2 })
const [root, cancel] = context.withCancel(context.background())
const ctx = await go(() => {
  runtime.lockOSThread()
  return context.withCancel(root)[0]
})
const waiting = go(async (ctx) => (await select({ done: ctx.done(), late: after(10_000) })).case, ctx)
await sleep(300)
const early = ctx.err()?.message
cancel()
const late = await waiting
const cause = context.cause(ctx)?.message
console.log(JSON.stringify({ early, late, cause }))
