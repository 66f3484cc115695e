// A goroutine that loops for ever, with GOMAXPROCS=1 on the one thread there is, and others that had started there before it: one waits for a channel, one
// for a timer, one for a socket. They go on only if the loop can be interrupted; in the end its context stops it.
import { createServer } from 'node:net'
import { chan, context, go } from 'goro'

const [ctx, cancel] = context.withCancel(context.background())
const begun = chan(4)
const done = chan(4)
const jobs = chan()

const server = createServer()
server.listen(0)
await new Promise((resolve) => server.once('listening', resolve))
const { port } = server.address()

go(async () => {
  await begun.send('receiver')
  done.send(`received ${await jobs.recv()}`)
})
go(async () => {
  const slept = new Promise((resolve) => setTimeout(resolve, 1))
  await begun.send('timer')
  await slept
  done.send('timer fired')
})
go(async () => {
  const { connect } = await import('node:net')
  const socket = connect(port)
  await begun.send('reader')
  socket.once('data', (data) => {
    done.send(`read ${data}`)
    socket.destroy()
  })
})
const client = new Promise((resolve) => server.once('connection', resolve))
for (let i = 0; i < 3; i++) await begun.recv()
const socket = await client

const spinner = go(async () => {
  await begun.send('spinner')
  let turns = 0
  while (ctx.err() === undefined) turns++
  return turns > 0
})
await begun.recv()
// Its loop is under way by then.
await new Promise((resolve) => setTimeout(resolve, 50))
socket.write('hello')
await jobs.send('a job')
const results = []
for (let i = 0; i < 3; i++) results.push(await done.recv())
console.log(results.sort().join(', '))
cancel()
console.log('spinner ended:', await spinner)
server.close()
