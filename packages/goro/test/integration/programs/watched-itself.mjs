// What a program sees of itself: a goroutine that waits, for a second and more, and the dump of it.
import { chan, go, runtime } from 'goro'

const ch = chan()
function receiver(ch) {
  return ch.recv()
}
const received = go.with({ name: 'the receiver' }, receiver, ch)
const receiverNow = () => runtime.goroutines().find(({ name }) => name === 'the receiver')
while (receiverNow().waitReason !== 'chan receive') await new Promise((resolve) => setTimeout(resolve, 2))
const ages = [receiverNow().age]
while (receiverNow().age <= ages[0]) await new Promise((resolve) => setTimeout(resolve, 50))
ages.push(receiverNow().age)
runtime.dump()
const { total, waiting } = runtime.stats().goroutines
await ch.send(1)
await received
console.log(JSON.stringify({ grew: ages[1] > ages[0], total, waiting, left: runtime.goroutines() }))
