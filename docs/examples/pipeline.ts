// Two stages that never end by themselves: who has seen enough cancels them.

import { type Context, chan, context, type RecvChan, select, send, WaitGroup } from 'goro'

const stages = new WaitGroup()

function count(ctx: Context): RecvChan<number> {
  const out = chan<number>()
  stages.go(async () => {
    for (let n = 1; ; n++) {
      const hit = await select({ sent: send(out, n), done: ctx.done() })
      if (hit.case === 'done') break
    }
    out.close()
  })
  return out
}

function square(ctx: Context, input: RecvChan<number>): RecvChan<number> {
  const out = chan<number>()
  stages.go(async () => {
    for await (const n of input) {
      const hit = await select({ sent: send(out, n * n), done: ctx.done() })
      if (hit.case === 'done') break
    }
    out.close()
  })
  return out
}

const [ctx, cancel] = context.withCancel(context.background())
for await (const n of square(ctx, count(ctx))) {
  console.log(n)
  if (n >= 100) break
}
cancel()
await stages.wait()
console.log(ctx.err()?.message)
