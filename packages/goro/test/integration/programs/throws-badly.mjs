// Values that throw when they are touched: each goroutine fails, and its thread lives on.
import { go } from 'goro'

const bad = {
  'revoked proxy': () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    throw proxy
  },
  'proxy of traps': () => {
    const trap = () => {
      throw 1
    }
    throw new Proxy({}, { get: trap, ownKeys: trap, getPrototypeOf: trap, has: trap, getOwnPropertyDescriptor: trap })
  },
  'message getter': () => {
    throw Object.defineProperty(new Error('x'), 'message', { get: () => JSON.parse('{'), enumerable: true })
  },
  'stack getter': () => {
    throw Object.defineProperty(new Error('x'), 'stack', { get: () => JSON.parse('{') })
  },
  'name getter': () => {
    throw Object.defineProperty(new Error('x'), 'name', { get: () => JSON.parse('{') })
  },
  'cause getter': () => {
    throw Object.defineProperty(new Error('x'), 'cause', { get: () => JSON.parse('{') })
  },
  'symbol as name': () => {
    throw Object.assign(new Error('x'), { name: Symbol('q') })
  },
  'deep cause': () => {
    let error = new Error('0')
    for (let i = 0; i < 100_000; i++) error = new Error('x', { cause: error })
    throw error
  },
  'returned revoked proxy': () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    return proxy
  },
  'returned deep array': () => {
    let array = []
    for (let i = 0; i < 100_000; i++) array = [array]
    return array
  },
  // Written on a thread with a large stack, read on one with a small.
  'returned deep object': () => {
    let object = {}
    for (let i = 0; i < 4000; i++) object = { object }
    return object
  },
  'then getter': () => ({
    get then() {
      throw new Error('then')
    },
  }),
}
const outcomes = {}
for (const [name, fn] of Object.entries(bad)) {
  outcomes[name] = await go(fn).then(
    () => 'fulfilled',
    (error) => (error?.name === 'ThreadDiedError' ? 'died' : 'rejected'),
  )
}
console.log(JSON.stringify({ outcomes, after: await go(() => 42) }))
