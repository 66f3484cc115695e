// Prints each failed test of a vitest JSON report, and what it said: the name, the file, the first of its messages.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { stripVTControlCharacters } from 'node:util'

const MESSAGE_LIMIT = 2000

const report = JSON.parse(readFileSync(process.argv[2], 'utf8'))
for (const { name, assertionResults } of report.testResults) {
  for (const { fullName, status, failureMessages } of assertionResults) {
    if (status !== 'failed') continue
    const message = stripVTControlCharacters(failureMessages[0] ?? 'no message').slice(0, MESSAGE_LIMIT)
    console.log(`${fullName} (${path.relative(process.cwd(), name)})\n${message}`)
  }
}
