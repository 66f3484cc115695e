// An idle runtime with one goroutine that waits on a socket: how much of a core does it use over five seconds?

import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { go } from 'goro'

const limit = 1 // % of a core

const server = createServer().listen(0, '127.0.0.1')
await once(server, 'listening')
const connected = once(server, 'connection')
const { port } = server.address()
const goroutine = go(async () => {
  const socket = connect(port, '127.0.0.1')
  const [data] = await once(socket, 'data')
  socket.end()
  return String(data)
})
const [socket] = await connected
await sleep(1000) // what the start left behind: compiling, garbage, threads going to sleep

const before = process.cpuUsage()
await sleep(5000)
const { user, system } = process.cpuUsage(before)

socket.end('wake up')
const received = await goroutine
server.close()
const percent = (user + system) / 5e4
console.log(`${percent.toFixed(2)} % of a core over 5 s; then the goroutine received '${received}'`)
process.exitCode = percent < limit && received === 'wake up' ? 0 : 1
