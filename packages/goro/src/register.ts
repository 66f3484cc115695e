/** `node --import goro/register app.js`: closures and imports in goroutines, for what Node loads. */
import { register, whenNeeded } from '@goro/compiler/register'

await whenNeeded(register)
