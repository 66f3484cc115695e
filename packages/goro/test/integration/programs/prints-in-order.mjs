import { chan, go } from 'goro'

const ch = chan()
const flag = new Int32Array(new SharedArrayBuffer(4))

for (let i = 0; i < 50; i++) {
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
