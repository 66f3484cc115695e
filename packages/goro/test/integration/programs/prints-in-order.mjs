// What goroutines and the main thread print in turns. `slowly` runs that in a child process and prints what it prints, which is
// read with pauses in which nothing is, so that mostly there is no room for more.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { chan, go } from 'goro'

if (process.argv[2] === 'slowly') {
  const args = [...process.execArgv, fileURLToPath(import.meta.url), process.argv[3]]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  for await (const chunk of child.stdout) {
    text += chunk
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300)
  }
  console.log(text.trimEnd())
} else {
  await printInTurns(Number(process.argv[2]))
}

async function printInTurns(rounds) {
  const ch = chan()
  const flag = new Int32Array(new SharedArrayBuffer(4))

  for (let i = 0; i < rounds; i++) {
    await go((i) => console.log(`ends ${i}`), i)
    console.log(`main ${i}`)

    go(
      async (ch, i) => {
        console.log(`sends ${i}`)
        await ch.send(i)
      },
      ch,
      i,
    )
    console.log(`main ${await ch.recv()}`)

    const shares = go(
      (flag, i) => {
        console.log(`shares ${i}`)
        Atomics.store(flag, 0, 1)
        Atomics.notify(flag, 0)
      },
      flag,
      i,
    )
    Atomics.wait(flag, 0, 0)
    console.log(`main ${i}`)
    Atomics.store(flag, 0, 0)
    await shares
  }
}
