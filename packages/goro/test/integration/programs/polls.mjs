// What a goroutine waits for in its thread's event loop, by kind: `polls.mjs busy KIND` while others run back to back on the only thread
// there is, and `polls.mjs idle KIND` while none does.
import { AtomicInt32, go, runtime } from 'goro'
import { kinds } from './events.mjs'

const [, , mode, kind] = process.argv
runtime.configure({ maxThreads: 1 })

const modes = {
  async busy() {
    const [steps, stopped] = [new AtomicInt32(), new AtomicInt32()]
    const times = kind === 'children' ? 3 : 20
    const wait = go(async () => {
      const advanced = []
      while (steps.load() === 0) await runtime.gosched()
      for (let i = 0; i < times; i++) {
        const before = steps.load()
        if (!(await kinds[kind](0))) return `event ${i} is wrong`
        advanced.push(steps.load() > before)
      }
      // One event may come in the same turn of the loop as what it follows.
      return advanced.filter((did) => did).length > times / 2
    })
    const short = () => {
      steps.add(1)
      if (!stopped.load()) go(short)
    }
    go(short)
    const result = await wait
    stopped.store(1)
    return result
  },

  async idle() {
    const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
    const wait = go(() => kinds[kind](1000))
    const thread = () => runtime.stats().threads.at(-1)
    while (thread()?.state !== 'sleeping' || thread().waiting === 0) await later(1)
    // What starting has left to do is over by then.
    await later(300)
    const [{ sleeps }, ticks, cpu, start] = [thread(), thread().ticks, process.cpuUsage(), performance.now()]
    await later(300)
    const { user, system } = process.cpuUsage(cpu)
    const share = (user + system) / 1000 / (performance.now() - start)
    const slept = thread().state === 'sleeping' && thread().sleeps === sleeps && thread().ticks === ticks
    return { slept, idle: kind === 'threadpool' || share < 0.2, woken: await wait }
  },
}

console.log(JSON.stringify(await modes[mode]()))
process.exit(0)
