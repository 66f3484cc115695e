import { go, runtime } from 'goro'

await runtime.shutdown()
try {
  go(() => {})
} catch (error) {
  console.log(error.name)
}
