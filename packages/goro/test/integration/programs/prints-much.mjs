// Four goroutines print a megabyte each, in lines of 64 bytes. `slowly` runs that in a child process and reads what it prints
// with pauses, so that the pipe is full most of the time; prints how much of it there was, and how much of that in whole lines.
import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { go } from 'goro'

if (process.argv[2] === 'slowly') {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  for await (const chunk of child.stdout) {
    text += chunk
    await sleep(5)
  }
  const whole = text.split('\n').filter((line) => /^(.)\1{62}$/.test(line))
  console.log(text.length, whole.length * 64)
} else {
  for (const letter of 'abcd') {
    go((letter) => {
      for (let i = 0; i < 16_384; i++) console.log(letter.repeat(63))
    }, letter)
  }
}
