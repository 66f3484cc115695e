import { execFile } from 'node:child_process'
import { after, chan, go, select, sleep } from 'goro'

const ch = chan()
const way = process.argv[2]
const sender = {
  timer: async (ch) => {
    await new Promise((resolve) => setTimeout(resolve, 300))
    await ch.send(1)
  },
  sleep: async (ch) => {
    await sleep(300)
    await ch.send(1)
  },
  io: async (ch) => {
    await new Promise((resolve) => execFile(process.execPath, ['-e', 'setTimeout(() => {}, 200)'], resolve))
    await ch.send(1)
  },
}
if (way in sender) void go(sender[way], ch)
if (way === 'main') setTimeout(() => void ch.send(1), 300)
if (way === 'after') await select({ ch, time: after(300) })
else await ch.recv()
await sleep(1)
console.log('woken')
