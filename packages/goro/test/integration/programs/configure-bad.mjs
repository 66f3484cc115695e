// Without the compiler: no goroutine gets as far as to start.
import { runtime } from 'goro'

try {
  runtime.configure(new Function(`return (${process.argv[2]})`)())
} catch (error) {
  console.log(`${error.name}: ${error.message}`)
}
