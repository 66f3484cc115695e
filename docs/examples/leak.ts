// Three goroutines race for an answer. The losers of the first race wait for ever; those of the second are told to go, and it waits for them.

import { chan, context, go, runtime, select, send, sleep, WaitGroup } from 'goro'

async function leaky() {
  const answers = chan<number>()
  for (const ms of [10, 20, 30]) {
    go(async () => {
      await sleep(ms)
      await answers.send(ms)
    })
  }
  return answers.recv()
}

async function fixed() {
  const [ctx, cancel] = context.withCancel(context.background())
  const answers = chan<number>()
  const racers = new WaitGroup()
  for (const ms of [10, 20, 30]) {
    racers.go(async () => {
      await sleep(ms)
      await select({ sent: send(answers, ms), done: ctx.done() })
    })
  }
  const answer = await answers.recv()
  cancel()
  await racers.wait()
  return answer
}

for (const race of [leaky, fixed]) {
  const before = runtime.numGoroutine()
  await race()
  await sleep(200)
  console.log(`left behind: ${runtime.numGoroutine() - before}`)
}
