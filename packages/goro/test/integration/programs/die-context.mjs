// What contexts and timers that a thread has made are to others when it dies.
import { after, chan, context, go, runtime, select, sleep, Ticker, Timer } from 'goro'

runtime.configure({ maxProcs: 2 })
const [root, cancelRoot] = context.withCancel(context.background())
const begin = Date.now()
const [out, end] = [chan(), chan()]
const killer = go(async () => {
  runtime.lockOSThread()
  const [ended, cancel] = context.withCancel(context.background())
  const [plain] = context.withCancel(context.background())
  const [timeout] = context.withTimeout(context.background(), 600_000)
  const [derived] = context.withCancel(root)
  const [passed] = context.withTimeout(context.background(), 1)
  const ofSignal = context.fromSignal(new AbortController().signal)
  const [below] = context.withCancel(context.withValue(timeout, 'key', 'value'))
  ended.done()
  passed.done()
  cancel()
  await sleep(20)
  const contexts = { plain, timeout, derived, ofSignal, below, ended, passed, never: context.withoutCancel(plain) }
  const times = { after: after(600), timer: new Timer(300).c, ticker: new Ticker(200).c }
  await out.send({ contexts, times })
  await end.recv()
  process.exit(1)
}).catch((error) => error.name)
const { contexts, times } = await out.recv()
// One of the main thread's, and a goroutine on another thread.
const [ofMain] = context.withCancel(contexts.plain)
const waiting = go(async (ctx) => (await ctx.done().next()).done && `${context.cause(ctx)?.name}`, contexts.derived)
let isOwnDone = false
void ofMain
  .done()
  .recv()
  .then(() => {
    isOwnDone = true
  })
await sleep(50)
await end.send()

const late = after(10_000)
const outcomes = {}
for (const [name, ctx] of Object.entries(contexts)) {
  if (name !== 'never') await select({ done: ctx.done(), late })
  outcomes[name] = [ctx.err()?.message, context.cause(ctx)?.name]
}
const { value: waited } = await select({ waiting: waiting.catch((error) => error.name), late })
await sleep(1)
const rootErr = root.err()?.message
cancelRoot()

// Whether each is early, by its own time.
const early = {}
for (let open = { ...times }, ticks = 0; Object.keys(open).length > 0; ) {
  const hit = await select({ ...open, late: after(10_000) })
  if (hit.case === 'late') break
  if (hit.case === 'ticker' && ++ticks < 5) continue
  early[hit.case] = hit.value - begin < { after: 600, timer: 300, ticker: 5 * 200 }[hit.case] - 2
  delete open[hit.case]
}
const own = [isOwnDone, ofMain.err()?.message]
console.log(
  JSON.stringify({ killer: await killer, outcomes, own, waited, root: rootErr, early, live: runtime.numGoroutine() }),
)
